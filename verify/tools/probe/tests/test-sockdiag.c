/* SPDX-License-Identifier: MIT
 *
 * Sockets in known states, and what sock_diag says about them.
 */
#include "deadline.h"
#include "sockdiag.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (5 * G_USEC_PER_SEC)

typedef struct {
  int listener;
  int client;
  guint16 port;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;

  (void) data;
  fixture->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fixture->listener, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (fixture->listener, 8), ==, 0);
  getsockname (fixture->listener, (struct sockaddr *) &address, &length);
  fixture->port = ntohs (address.sin_port);
  fixture->client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fixture->client, (struct sockaddr *) &address, length), ==, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  if (fixture->client >= 0)
    close (fixture->client);
  close (fixture->listener);
}

static GArray *
list (const Fixture *fixture, ProbePortSummary *summary)
{
  g_autoptr (GError) error = NULL;
  GArray *sockets = probe_sockdiag_list (fixture->port, &error);

  g_assert_no_error (error);
  probe_sockdiag_summarize (sockets, summary);
  return sockets;
}

/* The table's one socket in @state; fails if there is none or several. */
static const ProbeSocket *
only (const GArray *sockets, guint8 state)
{
  const ProbeSocket *found = NULL;

  for (guint i = 0; i < sockets->len; i++) {
    const ProbeSocket *socket = &g_array_index (sockets, ProbeSocket, i);

    if (socket->state == state) {
      g_assert_null (found);
      found = socket;
    }
  }
  g_assert_nonnull (found);
  return found;
}

static void
test_unaccepted (Fixture *fixture, gconstpointer data)
{
  ProbePortSummary summary;
  g_autoptr (GArray) sockets = list (fixture, &summary);
  const ProbeSocket *socket = only (sockets, TCP_ESTABLISHED);

  (void) data;
  g_assert_true (probe_socket_is_unaccepted (socket));
  g_assert_cmpuint (summary.unaccepted, ==, 1);
  g_assert_cmpuint (summary.unaccepted_states[TCP_ESTABLISHED], ==, 1);
  g_assert_cmpuint (summary.states[TCP_ESTABLISHED], ==, 0);
  g_assert_cmpuint (summary.states[TCP_LISTEN], ==, 1);
  g_assert_cmpuint (summary.accept_queue, ==, 1);
  g_assert_cmpint (probe_sockdiag_count_unaccepted (fixture->port), ==, 1);
}

/* A client that left before anybody accepted it. */
static void
test_unaccepted_close_wait (Fixture *fixture, gconstpointer data)
{
  gint64 deadline = probe_deadline_in (PATIENCE_US);
  ProbePortSummary summary;

  (void) data;
  close (fixture->client);
  fixture->client = -1;
  do { /* there is no descriptor to wait on: nobody has it */
    g_array_unref (list (fixture, &summary));
  } while (summary.unaccepted_states[TCP_CLOSE_WAIT] == 0 && !probe_deadline_passed (deadline));
  g_assert_cmpuint (summary.unaccepted_states[TCP_CLOSE_WAIT], ==, 1);
  g_assert_cmpuint (summary.unaccepted, ==, 1);
  g_assert_cmpuint (summary.states[TCP_CLOSE_WAIT], ==, 0);
}

/* A client that left, whose server has accepted it and does not close. */
static void
test_close_wait (Fixture *fixture, gconstpointer data)
{
  int server = accept (fixture->listener, NULL, NULL);
  struct pollfd hang_up = { .fd = server, .events = POLLRDHUP };
  g_autofree char *ourselves = g_strdup_printf ("(%d)", (int) getpid ());
  ProbePortSummary summary;
  g_autoptr (GArray) sockets = NULL;
  const ProbeSocket *socket;

  (void) data;
  close (fixture->client);
  fixture->client = -1;
  g_assert_cmpint (poll (&hang_up, 1, PATIENCE_US / 1000), ==, 1);
  sockets = list (fixture, &summary);
  socket = only (sockets, TCP_CLOSE_WAIT);
  g_assert_false (probe_socket_is_unaccepted (socket));
  g_assert_cmpuint (summary.states[TCP_CLOSE_WAIT], ==, 1);
  g_assert_cmpuint (summary.unaccepted, ==, 0);
  g_assert_cmpuint (summary.accept_queue, ==, 0);
  g_assert_cmpuint (socket->uid, ==, getuid ());
  g_assert_null (socket->owner);
  probe_sockdiag_find_owners (sockets);
  g_assert_nonnull (socket->owner);
  g_assert_nonnull (strstr (socket->owner, ourselves));

  /* And it is gone once the server closes. */
  close (server);
  g_clear_pointer (&sockets, g_array_unref);
  sockets = list (fixture, &summary);
  g_assert_cmpuint (summary.states[TCP_CLOSE_WAIT], ==, 0);
}

/* Only the asked port is listed, and 0 lists it among all. */
static void
test_filter (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) all = probe_sockdiag_list (0, &error);
  ProbePortSummary summary;
  g_autoptr (GArray) ours = list (fixture, &summary);
  guint of_port = 0;

  (void) data;
  g_assert_no_error (error);
  for (guint i = 0; i < ours->len; i++)
    g_assert_cmpuint (g_array_index (ours, ProbeSocket, i).local_port, ==, fixture->port);
  for (guint i = 0; i < all->len; i++)
    of_port += g_array_index (all, ProbeSocket, i).local_port == fixture->port;
  g_assert_cmpuint (of_port, ==, ours->len);
  g_assert_cmpuint (all->len, >, ours->len); /* the client's own end, at least */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/sockdiag/unaccepted", test_unaccepted);
  ADD ("/sockdiag/unaccepted-close-wait", test_unaccepted_close_wait);
  ADD ("/sockdiag/close-wait", test_close_wait);
  ADD ("/sockdiag/filter", test_filter);
#undef ADD
  return g_test_run ();
}
