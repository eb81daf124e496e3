/* SPDX-License-Identifier: MIT
 *
 * The crowd of abusive clients, against a server that lets go and one that does not.
 */
#include "abuse.h"
#include "deadline.h"
#include "fake-server.h"
#include "sockdiag.h"

#include <signal.h>
#include <string.h>

#define CLIENTS 8
#define TIMEOUT_US (10 * G_USEC_PER_SEC)
#define SHORT_TIMEOUT_US (300 * 1000)
#define PATIENCE_US (20 * G_USEC_PER_SEC)

static ProbeTls *stranger;
static ProbeTls *anonymous;

/* Lets the crowd stay until nothing is in CLOSE_WAIT, or patience ends. Returns what is left there.
 */
static guint
wait_for_no_close_wait (ProbeCrowd *crowd, guint16 port, gint64 patience)
{
  gint64 deadline = probe_deadline_in (patience);
  ProbePortSummary summary;

  do {
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) sockets = NULL;

    probe_crowd_stay_until (crowd, probe_deadline_in (20 * PROBE_US_PER_MS));
    sockets = probe_sockdiag_list (port, &error);
    g_assert_no_error (error);
    probe_sockdiag_summarize (sockets, &summary);
  } while (summary.states[TCP_CLOSE_WAIT] + summary.unaccepted_states[TCP_CLOSE_WAIT] > 0
      && !probe_deadline_passed (deadline));
  return summary.states[TCP_CLOSE_WAIT] + summary.unaccepted_states[TCP_CLOSE_WAIT];
}

static void
test_table (void)
{
  for (guint i = 0; i < PROBE_ABUSE_KINDS; i++) {
    const ProbeAbuseKind *kind = &probe_abuse_kinds[i];

    g_assert_nonnull (kind->name);
    g_assert_cmpuint (strlen (kind->description), >, 0);
    g_assert_true (probe_abuse_kind_find (kind->name) == kind); /* so names are unique, too */
  }
  g_assert_null (probe_abuse_kind_find ("well-behaved"));
}

/* Each kind does what its row says, and a server that closes keeps nothing of those who left. */
static void
test_kind (gconstpointer data)
{
  const ProbeAbuseKind *kind = data;
  g_autoptr (FakeServer) server = fake_server_new (FAKE_TLS, 200);
  ProbeTarget target = {
    .host = "127.0.0.1", .https_port = fake_server_port (server), .timeout_us = TIMEOUT_US
  };
  guint count = kind->leaving == PROBE_LEAVE_NEVER ? 1 : CLIENTS; /* it serves one at a time */
  g_autoptr (ProbeCrowd) crowd = probe_crowd_new (&target, kind, count, stranger, anonymous);
  g_autoptr (GError) error = NULL;
  ProbeCrowdOutcome outcome;

  g_assert_true (probe_crowd_act (crowd, &outcome, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (outcome.clients, ==, count);
  g_assert_cmpuint (outcome.connected, ==, count);
  g_assert_cmpuint (outcome.opened, ==, count);
  g_assert_cmpuint (outcome.unfinished, ==, 0);
  g_assert_cmpuint (wait_for_no_close_wait (crowd, target.https_port, PATIENCE_US), ==, 0);
}

/* The planted fault: a server that never closes its end is found out. */
static void
test_leak_is_seen (void)
{
  g_autoptr (FakeServer) server = fake_server_new (FAKE_TLS_LEAK, 200);
  ProbeTarget target = {
    .host = "127.0.0.1", .https_port = fake_server_port (server), .timeout_us = TIMEOUT_US
  };
  g_autoptr (ProbeCrowd) crowd = probe_crowd_new (
      &target, probe_abuse_kind_find ("leave-fin-tls13"), CLIENTS, stranger, anonymous);
  g_autoptr (GError) error = NULL;
  ProbeCrowdOutcome outcome;

  g_assert_true (probe_crowd_act (crowd, &outcome, &error));
  g_assert_cmpuint (
      wait_for_no_close_wait (crowd, target.https_port, SHORT_TIMEOUT_US), ==, CLIENTS);
}

/* Against a server that never accepts, every client leaves after its timeout, all at the same time.
 */
static void
test_stuck_server (void)
{
  g_autoptr (FakeServer) server = fake_server_new (FAKE_NEVER_ACCEPT, 0);
  ProbeTarget target = {
    .host = "127.0.0.1", .https_port = fake_server_port (server), .timeout_us = SHORT_TIMEOUT_US
  };
  g_autoptr (ProbeCrowd) crowd = probe_crowd_new (
      &target, probe_abuse_kind_find ("leave-fin-tls13"), CLIENTS, stranger, anonymous);
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  ProbeCrowdOutcome outcome;

  g_assert_true (probe_crowd_act (crowd, &outcome, &error));
  g_assert_cmpfloat (probe_ms_since (start), <, CLIENTS * SHORT_TIMEOUT_US / 1000.0);
  g_assert_cmpuint (outcome.connected, ==, CLIENTS);
  g_assert_cmpuint (outcome.opened, ==, 0);
  g_assert_cmpuint (outcome.unfinished, ==, CLIENTS);
  g_assert_cmpint (probe_sockdiag_count_unaccepted (target.https_port), ==, CLIENTS);
  g_assert_cmpuint (
      wait_for_no_close_wait (crowd, target.https_port, SHORT_TIMEOUT_US), ==, CLIENTS);
}

/* A refusal is told apart from silence. */
static void
test_refused (void)
{
  g_autoptr (FakeServer) server = fake_server_new (FAKE_TLS12_CERT, 200);
  ProbeTarget target = {
    .host = "127.0.0.1", .https_port = fake_server_port (server), .timeout_us = TIMEOUT_US
  };
  g_autoptr (ProbeCrowd) crowd = probe_crowd_new (
      &target, probe_abuse_kind_find ("no-cert-tls12"), CLIENTS, stranger, anonymous);
  g_autoptr (GError) error = NULL;
  ProbeCrowdOutcome outcome;

  g_assert_true (probe_crowd_act (crowd, &outcome, &error));
  g_assert_cmpuint (outcome.refused, ==, CLIENTS);
  g_assert_cmpuint (outcome.opened, ==, 0);
  g_assert_cmpuint (outcome.unfinished, ==, 0);
}

int
main (int argc, char **argv)
{
  int result;

  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
  stranger = probe_tls_new_stranger (NULL);
  anonymous = probe_tls_new_anonymous ();
  g_assert_nonnull (stranger);
  g_test_add_func ("/abuse/table", test_table);
  for (guint i = 0; i < PROBE_ABUSE_KINDS; i++) {
    g_autofree char *path = g_strdup_printf ("/abuse/kind/%s", probe_abuse_kinds[i].name);

    g_test_add_data_func (path, &probe_abuse_kinds[i], test_kind);
  }
  g_test_add_func ("/abuse/leak-is-seen", test_leak_is_seen);
  g_test_add_func ("/abuse/stuck-server", test_stuck_server);
  g_test_add_func ("/abuse/refused", test_refused);
  result = g_test_run ();
  probe_tls_free (stranger);
  probe_tls_free (anonymous);
  return result;
}
