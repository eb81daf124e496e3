/* SPDX-License-Identifier: MIT
 *
 * The program as it is run: exit statuses, JSON lines, standard input.
 */
#include "fake-server.h"
#include "options.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

typedef struct {
  int status;
  char *out;
  char *err;
} Result;

static void
clear_result (Result *result)
{
  g_free (result->out);
  g_free (result->err);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, clear_result)

/* Runs wolf-probe with the given words; its standard input is /dev/null. */
static Result run (const char *word, ...) G_GNUC_NULL_TERMINATED;

static Result
run (const char *word, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  Result result = { 0 };
  int wait_status;
  va_list words;

  g_ptr_array_add (argv, (gpointer) (gsize) PROBE_PROGRAM);
  va_start (words, word);
  for (; word != NULL; word = va_arg (words, const char *))
    g_ptr_array_add (argv, (gpointer) (gsize) word);
  va_end (words);
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, &result.out,
      &result.err, &wait_status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (wait_status));
  result.status = WEXITSTATUS (wait_status);
  return result;
}

/* Line @index of @text as an object, or NULL if there is no such line. Fails if it is no JSON
 * object. */
static JsonNode *
line_of (const char *text, guint index)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GError) error = NULL;
  JsonNode *node;

  if (index >= g_strv_length (lines) || lines[index][0] == '\0')
    return NULL;
  node = json_from_string (lines[index], &error);
  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (node));
  return node;
}

static void
test_usage (void)
{
  static const char *const wrong[][4] = {
    { NULL },
    { "nonsense", NULL },
    { "health", "--nonsense", NULL },
    { "health", "stray", NULL },
    { "health", "--https-port=0", NULL },
    { "health", "--http-port=65536", NULL },
    { "health", "--host=example.org", NULL },
    { "health", "--timeout=0", NULL },
    { "health", "--cert=only-half", NULL },
    { "health", "--cert=/nonexistent", "--key=/nonexistent", NULL },
    { "latency", "--host=192.0.2.1", NULL },
    { "latency", "--duration=0", NULL },
    { "abuse", "--host=192.0.2.1", NULL },
    { "abuse", "--kind=well-behaved", NULL },
    { "abuse", "--count=0", NULL },
    { "malformed", "--host=192.0.2.1", NULL },
    { "malformed", "--door=window", NULL },
    { "abuse", "--at=10,0", NULL },
    { "abuse", "--at=,", NULL },
    { "session", NULL },
    { "session", "--mode=640x360", NULL },
    { "session", "--stop-after=lunch", NULL },
    { "cert", NULL },
    { "cert", "--out=/dev/null/x", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_auto (Result) result = run (wrong[i][0], wrong[i][1], wrong[i][2], NULL);

    g_test_message ("%s %s", wrong[i][0], wrong[i][0] != NULL ? wrong[i][1] : NULL);
    g_assert_cmpint (result.status, ==, PROBE_EXIT_USAGE);
    g_assert_cmpstr (result.out, ==, "");
    g_assert_cmpstr (result.err, !=, "");
  }
}

static void
test_help (void)
{
  static const char *const commands[] = { "health", "session", "abuse", "latency", "cert" };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_auto (Result) result = run (commands[i], "-h", NULL);

    g_assert_cmpint (result.status, ==, 0);
    g_assert_nonnull (strstr (result.out, "Exit status"));
  }
}

static void
test_abuse_list (void)
{
  g_auto (Result) result = run ("abuse", "--list", NULL);
  g_auto (GStrv) lines = g_strsplit (result.out, "\n", -1);

  g_assert_cmpint (result.status, ==, 0);
  g_assert_cmpuint (g_strv_length (lines) - 1, ==, 24);
}

static void
test_health_json (void)
{
  g_autoptr (FakeServer) http = fake_server_new (FAKE_HTTP, 200);
  g_autoptr (FakeServer) https = fake_server_new (FAKE_NEVER_ACCEPT, 0);
  g_autofree char *http_port = g_strdup_printf ("--http-port=%u", fake_server_port (http));
  g_autofree char *https_port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
  g_autofree char *rtsp_port = g_strdup_printf ("--rtsp-port=%u", fake_closed_port ());
  g_auto (Result) result =
      run ("health", "--json", "--timeout=0.5", http_port, https_port, rtsp_port, NULL);
  g_autoptr (JsonNode) node = line_of (result.out, 0);
  JsonObject *object = json_node_get_object (node);
  JsonObject *check =
      json_array_get_object_element (json_object_get_array_member (object, "checks"), 1);

  g_assert_cmpint (result.status, ==, PROBE_EXIT_SILENT);
  g_assert_null (line_of (result.out, 1));
  g_assert_cmpint (json_object_get_int_member (object, "exit_status"), ==, PROBE_EXIT_SILENT);
  g_assert_cmpstr (json_object_get_string_member (check, "name"), ==, "https");
  g_assert_cmpstr (json_object_get_string_member (check, "state"), ==, "silent");
  g_assert_cmpstr (json_object_get_string_member (check, "phase"), ==, "handshake");
  g_assert_cmpint (json_object_get_int_member (check, "unaccepted"), ==, 1);
}

/* The first line is what a monitoring system shows. localhost is what it says in the help. */
static void
test_health_text (void)
{
  g_autoptr (FakeServer) http = fake_server_new (FAKE_HTTP, 200);
  g_autoptr (FakeServer) https = fake_server_new (FAKE_TLS, 200);
  g_autoptr (FakeServer) rtsp = fake_server_new (FAKE_RTSP, 200);
  g_autofree char *http_port = g_strdup_printf ("--http-port=%u", fake_server_port (http));
  g_autofree char *https_port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
  g_autofree char *rtsp_port = g_strdup_printf ("--rtsp-port=%u", fake_server_port (rtsp));
  g_autofree char *closed_port = g_strdup_printf ("--https-port=%u", fake_closed_port ());
  g_auto (Result) good =
      run ("health", "--host=localhost", "--slow=10000", http_port, https_port, rtsp_port, NULL);
  g_auto (Result) bad = run ("health", "--slow=10000", http_port, closed_port, rtsp_port, NULL);
  g_auto (Result) help = run ("health", "-h", NULL);
  g_auto (Result) no_key = run ("health", "--cert=/nonexistent", "--key=/nonexistent", NULL);

  g_assert_true (g_str_has_prefix (good.out, "OK: all 3 checks answered, the slowest in "));
  g_assert_cmpint (bad.status, ==, PROBE_EXIT_SILENT);
  g_assert_true (g_str_has_prefix (bad.out, "CRITICAL: https silent\n"));
  g_assert_nonnull (strstr (bad.out, "nobody listens"));
  g_assert_nonnull (strstr (help.out, "or localhost"));
  g_assert_nonnull (strstr (no_key.err, "/nonexistent: No such file"));
}

static void
test_latency (void)
{
  g_autoptr (FakeServer) https = fake_server_new (FAKE_TLS, 401);
  g_autofree char *port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
  g_auto (Result) result = run ("latency", "--json", "--duration=0.5", "--interval=50", port, NULL);
  guint lines = 0;
  JsonNode *node;

  g_assert_cmpint (result.status, ==, PROBE_EXIT_OK);
  while ((node = line_of (result.out, lines)) != NULL) {
    JsonObject *object = json_node_get_object (node);

    lines++;
    g_assert_true (json_object_get_boolean_member (object, "ok"));
    if (json_object_has_member (object, "event")) {
      g_assert_cmpint (json_object_get_int_member (object, "requests"), ==, lines - 1);
      g_assert_null (line_of (result.out, lines));
    } else {
      g_assert_cmpstr (json_object_get_string_member (object, "phase"), ==, "done");
    }
    json_node_unref (node);
  }
  /* One request and the summary at least, however busy the machine is; no more than asked for. */
  g_assert_cmpuint (lines, >=, 2);
  g_assert_cmpuint (lines, <=, 12);
}

/* The fake closes after each answer without having said so; a request must not fail for that. */
static void
test_latency_keepalive (void)
{
  g_autoptr (FakeServer) https = fake_server_new (FAKE_TLS, 200);
  g_autofree char *port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
  g_auto (Result) result =
      run ("latency", "--keepalive", "--duration=0.3", "--interval=50", port, NULL);

  g_assert_cmpint (result.status, ==, PROBE_EXIT_OK);
}

static void
test_latency_silent (void)
{
  g_autoptr (FakeServer) https = fake_server_new (FAKE_NEVER_ACCEPT, 0);
  g_autofree char *port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
  g_auto (Result) result = run ("latency", "--json", "--duration=0.5", "--timeout=0.2", port, NULL);
  g_autoptr (JsonNode) node = line_of (result.out, 0);

  g_assert_cmpint (result.status, ==, PROBE_EXIT_SILENT);
  g_assert_cmpstr (
      json_object_get_string_member (json_node_get_object (node), "phase"), ==, "handshake");
  g_assert_false (json_object_get_boolean_member (json_node_get_object (node), "ok"));
}

/* A leaking server makes abuse fail; the same kind against one that closes does not. */
static void
test_abuse (void)
{
  static const struct {
    FakeKind kind;
    int status;
  } cases[] = { { FAKE_TLS, PROBE_EXIT_OK }, { FAKE_TLS_LEAK, PROBE_EXIT_DEGRADED } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (FakeServer) https = fake_server_new (cases[i].kind, 200);
    g_autofree char *port = g_strdup_printf ("--https-port=%u", fake_server_port (https));
    g_auto (Result) result =
        run ("abuse", "--json", "--kind=leave-fin-tls12", "--count=4", "--at=0,2", port, NULL);
    g_autoptr (JsonNode) last = line_of (result.out, 3);

    g_assert_cmpint (result.status, ==, cases[i].status);
    g_assert_cmpstr (
        json_object_get_string_member (json_node_get_object (last), "event"), ==, "verdict");
    g_assert_cmpint (json_object_get_int_member (json_node_get_object (last), "close_wait"), ==,
        cases[i].kind == FAKE_TLS_LEAK ? 4 : 0);
  }
}

/* cert's files serve; a session against a stuck server says where it got stuck; its --hold ends
 * with its input. */
/* A server that answers, one that closes, one that keeps still, and none at all. */
static void
test_malformed (void)
{
  static const struct {
    FakeKind kind;
    int status;
    const char *end;
  } cases[] = {
    { FAKE_HTTP, PROBE_EXIT_OK, "\"end\":\"answered\"" },
    { FAKE_ACCEPT_CLOSE, PROBE_EXIT_OK, "\"end\":\"closed\"" },
    { FAKE_NEVER_ACCEPT, PROBE_EXIT_DEGRADED, "\"end\":\"silent\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (FakeServer) server = fake_server_new (cases[i].kind, 400);
    g_autofree char *port = g_strdup_printf ("--http-port=%u", fake_server_port (server));
    g_auto (Result) result =
        run ("malformed", "--door=http", "--json", "--timeout=0.2", port, NULL);
    g_assert_cmpint (result.status, ==, cases[i].status);
    g_assert_nonnull (strstr (result.out, cases[i].end));
  }
  g_autoptr (FakeServer) one_server = fake_server_new (FAKE_HTTP, 400);
  g_autofree char *one_port = g_strdup_printf ("--http-port=%u", fake_server_port (one_server));
  g_auto (Result) one = run ("malformed", "--door=http", "--json", "--message=0", one_port, NULL);
  g_assert_nonnull (strstr (one.out, "\"junk\""));
  g_assert_null (strstr (one.out, "\"empty-lines\""));
  g_autofree char *closed = g_strdup_printf ("--rtsp-port=%u", fake_closed_port ());
  g_auto (Result) nobody = run ("malformed", "--door=rtsp", "--json", closed, NULL);
  g_assert_cmpint (nobody.status, ==, PROBE_EXIT_SILENT);
  g_assert_nonnull (strstr (nobody.out, "\"end\":\"nowhere\""));
  g_autofree char *closed_https = g_strdup_printf ("--https-port=%u", fake_closed_port ());
  g_auto (Result) no_session =
      run ("malformed", "--door=session", "--app=1", "--json", "--message=0", closed_https, NULL);
  g_assert_cmpint (no_session.status, ==, PROBE_EXIT_SILENT);
  g_assert_nonnull (strstr (no_session.out, "\"answer\":\"launch 0\""));
}

static void
test_cert_and_session (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("probe-XXXXXX", &error);
  g_autofree char *out = g_strconcat ("--out=", folder, NULL);
  g_autofree char *cert_path = g_build_filename (folder, "client.crt", NULL);
  g_autofree char *key_path = g_build_filename (folder, "client.key", NULL);
  g_autofree char *cert = g_strconcat ("--cert=", cert_path, NULL);
  g_autofree char *key = g_strconcat ("--key=", key_path, NULL);
  g_autoptr (FakeServer) stuck = fake_server_new (FAKE_NEVER_ACCEPT, 0);
  g_autoptr (FakeServer) wrong = fake_server_new (FAKE_TLS, 401);
  g_autofree char *stuck_port = g_strdup_printf ("--https-port=%u", fake_server_port (stuck));
  g_autofree char *wrong_port = g_strdup_printf ("--https-port=%u", fake_server_port (wrong));
  g_auto (Result) made = run ("cert", out, NULL);
  g_auto (Result) silent = run ("session", cert, key, stuck_port, "--timeout=0.3", "--hold", NULL);
  g_auto (Result) refused = run ("session", cert, key, wrong_port, NULL);
  g_autoptr (JsonNode) silent_line = line_of (silent.out, 0);
  g_autoptr (JsonNode) refused_line = line_of (refused.out, 1);
  GStatBuf info;

  g_assert_no_error (error);
  g_assert_cmpint (made.status, ==, 0);
  g_assert_nonnull (strstr (made.out, cert_path));
  g_assert_cmpint (g_stat (key_path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);

  g_assert_cmpint (silent.status, ==, PROBE_EXIT_SILENT);
  g_assert_cmpstr (
      json_object_get_string_member (json_node_get_object (silent_line), "phase"), ==, "handshake");

  g_assert_cmpint (refused.status, ==, PROBE_EXIT_DEGRADED);
  g_assert_cmpstr (
      json_object_get_string_member (json_node_get_object (refused_line), "event"), ==, "launch");
  g_assert_cmpint (
      json_object_get_int_member (json_node_get_object (refused_line), "status"), ==, 401);

  g_unlink (cert_path);
  g_unlink (key_path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN); /* of the fakes, whose clients leave early */
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/commands/usage", test_usage);
  g_test_add_func ("/commands/help", test_help);
  g_test_add_func ("/commands/abuse-list", test_abuse_list);
  g_test_add_func ("/commands/health-json", test_health_json);
  g_test_add_func ("/commands/health-text", test_health_text);
  g_test_add_func ("/commands/latency", test_latency);
  g_test_add_func ("/commands/latency-keepalive", test_latency_keepalive);
  g_test_add_func ("/commands/latency-silent", test_latency_silent);
  g_test_add_func ("/commands/abuse", test_abuse);
  g_test_add_func ("/commands/malformed", test_malformed);
  g_test_add_func ("/commands/cert-and-session", test_cert_and_session);
  return g_test_run ();
}
