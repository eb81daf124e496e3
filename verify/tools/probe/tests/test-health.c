/* SPDX-License-Identifier: MIT
 *
 * What health says about servers with one fault each.
 */
#include "fake-server.h"
#include "health.h"
#include "options.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define SILENT_TIMEOUT_US                                                                          \
  (400                                                                                             \
      * 1000) /* how long a test waits for a server that will not answer                          \
                */
#define PATIENT_TIMEOUT_US (10 * G_USEC_PER_SEC)
#define NEVER_SLOW_MS 10000

/* A set of servers that all answer; a test exchanges one of them. */
typedef struct {
  FakeServer *http;
  FakeServer *https;
  FakeServer *rtsp;
  ProbeTarget target;
  ProbeHealth health;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->http = fake_server_new (FAKE_HTTP, 200);
  fixture->https = fake_server_new (FAKE_TLS, 200);
  fixture->rtsp = fake_server_new (FAKE_RTSP, 200);
  fixture->target = (ProbeTarget){
    .host = "127.0.0.1",
    .http_port = fake_server_port (fixture->http),
    .https_port = fake_server_port (fixture->https),
    .rtsp_port = fake_server_port (fixture->rtsp),
    .timeout_us = PATIENT_TIMEOUT_US,
  };
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  (void) data;
  probe_health_clear (&fixture->health);
  fake_server_free (fixture->http);
  fake_server_free (fixture->https);
  fake_server_free (fixture->rtsp);
}

static void
exchange_server (FakeServer **server, guint16 *port, FakeKind kind, int status)
{
  fake_server_free (*server);
  *server = fake_server_new (kind, status);
  *port = fake_server_port (*server);
}

static const ProbeHealthCheck *
find (const Fixture *fixture, const char *name)
{
  for (guint i = 0; i < fixture->health.count; i++) {
    if (strcmp (fixture->health.checks[i].name, name) == 0)
      return &fixture->health.checks[i];
  }
  g_error ("there was no check '%s'", name);
}

static const ProbeHealthCheck *
run (Fixture *fixture, const char *name)
{
  probe_health_clear (&fixture->health);
  probe_health_run (&fixture->target, NULL, NEVER_SLOW_MS, &fixture->health);
  return find (fixture, name);
}

/* @name is silent in @phase, and nothing else is wrong. */
static const ProbeHealthCheck *
assert_only_silent (Fixture *fixture, const char *name, ProbePhase phase, int exit_status)
{
  const ProbeHealthCheck *check = run (fixture, name);

  g_test_message ("%s", check->message);
  g_assert_cmpint (fixture->health.exit_status, ==, exit_status);
  g_assert_cmpstr (probe_health_state_name (check->state), ==, "silent");
  g_assert_cmpstr (probe_phase_name (check->phase), ==, probe_phase_name (phase));
  g_assert_nonnull (strstr (check->message, probe_phase_name (phase)));
  for (guint i = 0; i < fixture->health.count; i++) {
    if (&fixture->health.checks[i] != check)
      g_assert_cmpint (fixture->health.checks[i].state, ==, PROBE_HEALTH_OK);
  }
  return check;
}

static void
test_all_answer (Fixture *fixture, gconstpointer data)
{
  const ProbeHealthCheck *check = run (fixture, "https");

  (void) data;
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_OK);
  g_assert_cmpuint (fixture->health.count, ==, 3);
  g_assert_cmpint (check->phase, ==, PROBE_PHASE_DONE);
  g_assert_cmpint (find (fixture, "http")->status, ==, 200);
  g_assert_cmpint (find (fixture, "rtsp")->status, ==, 200);
}

static void
test_slow (Fixture *fixture, gconstpointer data)
{
  (void) data;
  probe_health_run (&fixture->target, NULL, 0, &fixture->health);
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_DEGRADED);
  g_assert_cmpint (find (fixture, "https")->state, ==, PROBE_HEALTH_SLOW);
}

static void
test_https_alert_is_alive (Fixture *fixture, gconstpointer data)
{
  const ProbeHealthCheck *check;

  (void) data;
  exchange_server (&fixture->https, &fixture->target.https_port, FAKE_TLS12_CERT, 200);
  check = run (fixture, "https");
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_OK);
  g_assert_nonnull (strstr (check->message, "alert"));
}

static void
test_https_accepts_only (Fixture *fixture, gconstpointer data)
{
  const ProbeHealthCheck *check;

  (void) data;
  fixture->target.timeout_us = SILENT_TIMEOUT_US;
  exchange_server (&fixture->https, &fixture->target.https_port, FAKE_ACCEPT_ONLY, 0);
  check = assert_only_silent (fixture, "https", PROBE_PHASE_HANDSHAKE, PROBE_EXIT_SILENT);
  g_assert_cmpint (check->unaccepted, ==, 0);
}

static void
test_https_never_accepts (Fixture *fixture, gconstpointer data)
{
  const ProbeHealthCheck *check;

  (void) data;
  fixture->target.timeout_us = SILENT_TIMEOUT_US;
  exchange_server (&fixture->https, &fixture->target.https_port, FAKE_NEVER_ACCEPT, 0);
  check = assert_only_silent (fixture, "https", PROBE_PHASE_HANDSHAKE, PROBE_EXIT_SILENT);
  g_assert_cmpint (check->unaccepted, ==, 1);
  g_assert_nonnull (strstr (check->message, "1 connection not accepted"));
}

static void
test_https_speaks_http (Fixture *fixture, gconstpointer data)
{
  (void) data;
  exchange_server (&fixture->https, &fixture->target.https_port, FAKE_ACCEPT_CLOSE, 0);
  fixture->target.timeout_us = SILENT_TIMEOUT_US;
  assert_only_silent (fixture, "https", PROBE_PHASE_HANDSHAKE, PROBE_EXIT_SILENT);
}

static void
test_https_resets (Fixture *fixture, gconstpointer data)
{
  (void) data;
  exchange_server (&fixture->https, &fixture->target.https_port, FAKE_ACCEPT_RESET, 0);
  assert_only_silent (fixture, "https", PROBE_PHASE_HANDSHAKE, PROBE_EXIT_SILENT);
}

static void
test_https_closed (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->target.https_port = fake_closed_port ();
  assert_only_silent (fixture, "https", PROBE_PHASE_CONNECT, PROBE_EXIT_SILENT);
}

static void
test_http_accepts_only (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->target.timeout_us = SILENT_TIMEOUT_US;
  exchange_server (&fixture->http, &fixture->target.http_port, FAKE_ACCEPT_ONLY, 0);
  assert_only_silent (fixture, "http", PROBE_PHASE_RESPONSE, PROBE_EXIT_SILENT);
}

static void
test_http_unexpected (Fixture *fixture, gconstpointer data)
{
  (void) data;
  exchange_server (&fixture->http, &fixture->target.http_port, FAKE_HTTP, 500);
  g_assert_cmpint (run (fixture, "http")->state, ==, PROBE_HEALTH_UNEXPECTED);
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_DEGRADED);
}

static void
test_rtsp_accepts_only (Fixture *fixture, gconstpointer data)
{
  (void) data;
  fixture->target.timeout_us = SILENT_TIMEOUT_US;
  exchange_server (&fixture->rtsp, &fixture->target.rtsp_port, FAKE_ACCEPT_ONLY, 0);
  assert_only_silent (fixture, "rtsp", PROBE_PHASE_RESPONSE, PROBE_EXIT_DEGRADED);
}

static void
test_rtsp_close_is_alive (Fixture *fixture, gconstpointer data)
{
  (void) data;
  exchange_server (&fixture->rtsp, &fixture->target.rtsp_port, FAKE_ACCEPT_CLOSE, 0);
  g_assert_cmpint (run (fixture, "rtsp")->state, ==, PROBE_HEALTH_OK);
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_OK);
}

/* A client with a certificate: 200 and 401 are what a healthy Wolf says, anything else is not. */
static void
test_https_request (Fixture *fixture, gconstpointer data)
{
  static const struct {
    int status;
    ProbeHealthState state;
  } cases[] = { { 200, PROBE_HEALTH_OK }, { 401, PROBE_HEALTH_OK },
    { 404, PROBE_HEALTH_UNEXPECTED } };
  g_autoptr (GError) error = NULL;
  g_autoptr (ProbeTls) client = probe_tls_new_stranger (&error);

  (void) data;
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    exchange_server (&fixture->https, &fixture->target.https_port, FAKE_TLS, cases[i].status);
    probe_health_clear (&fixture->health);
    probe_health_run (&fixture->target, client, NEVER_SLOW_MS, &fixture->health);
    g_assert_cmpint (find (fixture, "https-request")->status, ==, cases[i].status);
    g_assert_cmpint (find (fixture, "https-request")->state, ==, cases[i].state);
  }
}

static void
test_api (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("probe-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "api", NULL);
  FakeServer *api;

  (void) data;
  g_assert_no_error (error);
  fixture->target.api_path = path;
  g_assert_cmpint (run (fixture, "api")->state, ==, PROBE_HEALTH_SILENT);
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_DEGRADED);

  api = fake_server_new_unix (FAKE_HTTP, 200, path);
  g_assert_cmpint (run (fixture, "api")->state, ==, PROBE_HEALTH_OK);
  g_assert_cmpint (fixture->health.exit_status, ==, PROBE_EXIT_OK);
  fake_server_free (api);
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/health/all-answer", test_all_answer);
  ADD ("/health/slow", test_slow);
  ADD ("/health/https/alert-is-alive", test_https_alert_is_alive);
  ADD ("/health/https/accepts-only", test_https_accepts_only);
  ADD ("/health/https/never-accepts", test_https_never_accepts);
  ADD ("/health/https/no-tls", test_https_speaks_http);
  ADD ("/health/https/resets", test_https_resets);
  ADD ("/health/https/closed", test_https_closed);
  ADD ("/health/https/request", test_https_request);
  ADD ("/health/http/accepts-only", test_http_accepts_only);
  ADD ("/health/http/unexpected", test_http_unexpected);
  ADD ("/health/rtsp/accepts-only", test_rtsp_accepts_only);
  ADD ("/health/rtsp/close-is-alive", test_rtsp_close_is_alive);
  ADD ("/health/api", test_api);
#undef ADD
  return g_test_run ();
}
