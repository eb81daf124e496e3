/* SPDX-License-Identifier: MIT
 *
 * What the health socket says, well and badly, and both views as metrics.
 */
#include "conn.h"
#include "deadline.h"
#include "inside.h"
#include "metrics.h"
#include "options.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENT_US (60 * G_USEC_PER_SEC)

static const char good[] =
    "{\"schema\":1,\"status\":\"degraded\",\"reasons\":[{\"code\":\"quarantine\",\"level\":"
    "\"degraded\",\"text\":\"1 of 32 pipelines in quarantine\",\"since_s\":12.0}],\"uptime_s\":"
    "2.5,\"loops\":{\"stuck\":7},\"threads\":{\"slow\":1,\"stuck\":2,\"lost\":3,\"episodes\":4,"
    "\"unexpected_ends\":null},"
    "\"pipelines\":null,\"descriptors\":{\"used\":10,\"max\":1024}}\n";

/* A server that gives one reader `text`. */
typedef struct {
  char *folder, *path;
  const char *text;
  int listener;
  GThread *thread;
} Server;

static gpointer
serve_one (gpointer data)
{
  Server *server = data;
  int fd = accept (server->listener, NULL, NULL);

  g_assert_cmpint (
      write (fd, server->text, strlen (server->text)), ==, (gssize) strlen (server->text));
  close (fd);
  return NULL;
}

static void
start (Server *server, const char *text)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  server->text = text;
  server->folder = g_dir_make_tmp ("wolf-probe-XXXXXX", NULL);
  server->path = g_build_filename (server->folder, "health.sock", NULL);
  g_strlcpy (address.sun_path, server->path, sizeof address.sun_path);
  server->listener = socket (AF_UNIX, SOCK_STREAM, 0);
  g_assert_cmpint (bind (server->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (server->listener, 1), ==, 0);
  server->thread = text != NULL ? g_thread_new ("server", serve_one, server) : NULL;
}

static void
stop (Server *server)
{
  if (server->thread != NULL)
    g_thread_join (server->thread);
  close (server->listener);
  g_unlink (server->path);
  g_rmdir (server->folder);
  g_free (server->path);
  g_free (server->folder);
}

static JsonObject *
read_text (const char *text, GError **error)
{
  Server server;
  JsonObject *document;

  start (&server, text);
  document = probe_inside_read (server.path, probe_deadline_in (PATIENT_US), error);
  stop (&server);
  return document;
}

static void
test_good (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) document = read_text (good, &error);
  g_autofree char *summary = NULL;

  g_assert_no_error (error);
  summary = probe_inside_summary (document);
  g_assert_cmpstr (summary, ==, "inside: degraded: 1 of 32 pipelines in quarantine (for 12 s)");
  g_assert_cmpint (probe_inside_exit_status (document), ==, PROBE_EXIT_DEGRADED);
}

static void
test_statuses (void)
{
  static const struct {
    const char *text;
    int status;
  } cases[] = {
    { "{\"schema\":1,\"status\":\"ok\"}", PROBE_EXIT_OK },
    { "{\"schema\":1,\"status\":\"failing\",\"reasons\":[1,{},{\"text\":2}]}", PROBE_EXIT_SILENT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonObject) document = read_text (cases[i].text, NULL);
    g_autofree char *summary = probe_inside_summary (document);

    g_assert_cmpint (probe_inside_exit_status (document), ==, cases[i].status);
    g_assert_true (g_str_has_prefix (summary, "inside: "));
  }
}

/* What cannot be used is an error with words, never a crash. */
static void
test_bad (void)
{
  static const char *const bad[] = { "", "{", "[]", "17", "nonsense", "{\"schema\":1}",
    "{\"schema\":2,\"status\":\"ok\"}", "{\"schema\":\"1\",\"status\":\"ok\"}",
    "{\"schema\":1,\"status\":3}", "{\"schema\":1,\"status\":\"fine\"}" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (read_text (bad[i], &error));
    g_assert_nonnull (error);
  }
}

static void
test_silent (void)
{
  g_autoptr (GError) error = NULL;
  Server server;

  start (&server, NULL);
  g_assert_null (probe_inside_read (server.path, probe_deadline_in (1000), &error));
  g_assert_error (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT);
  stop (&server);
  g_clear_error (&error);
  g_assert_null (probe_inside_read ("/nonexistent", probe_deadline_in (PATIENT_US), &error));
  g_assert_nonnull (error);
}

static void
assert_has_line (const char *text, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("\n%s\n", line);

  if (strstr (text, whole) == NULL)
    g_error ("no line %s in:\n%s", line, text);
}

/* Each family has its head once, before its samples. */
static void
assert_form (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GHashTable) heads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *family = g_strdup ("");

  g_assert_true (g_str_has_suffix (text, "\n"));
  for (guint i = 0; lines[i + 1] != NULL; i++) {
    g_auto (GStrv) words = g_strsplit_set (lines[i], " {", -1);

    if (g_str_has_prefix (lines[i], "# TYPE ")) {
      g_free (family);
      family = g_strdup (words[2]);
      g_assert_true (g_hash_table_add (heads, g_strdup (family)));
      g_assert_cmpint (strcmp (words[3], "counter") == 0, ==, g_str_has_suffix (family, "_total"));
    } else if (lines[i][0] != '#') {
      g_assert_cmpstr (words[0], ==, family);
    }
  }
}

static void
test_metrics (void)
{
  g_autoptr (JsonObject) document = read_text (good, NULL);
  ProbeHealth health = { .count = 2,
    .checks = { { .name = "https", .ms = 1500, .state = PROBE_HEALTH_SLOW },
        { .name = "a\"b\\c\n", .state = PROBE_HEALTH_SILENT } } };
  g_autofree char *with = probe_metrics_text (&health, document);
  g_autofree char *without = probe_metrics_text (&health, NULL);

  assert_form (with);
  assert_form (without);
  assert_has_line (with, "wolf_probe_up{check=\"https\"} 1");
  assert_has_line (with, "wolf_probe_up{check=\"a\\\"b\\\\c\\n\"} 0");
  assert_has_line (with, "wolf_probe_duration_seconds{check=\"https\"} 1.5");
  assert_has_line (with, "wolf_guard_status 1");
  assert_has_line (with, "wolf_guard_reason{code=\"quarantine\"} 1");
  assert_has_line (with, "wolf_guard_threads{level=\"lost\"} 3");
  assert_has_line (with, "wolf_guard_loops{level=\"stuck\"} 7");
  assert_has_line (with, "wolf_guard_max_fds 1024");
  assert_has_line (with, "wolf_guard_uptime_seconds 2.5");
  g_assert_null (strstr (with, "wolf_guard_pipelines"));
  g_assert_null (strstr (with, "unexpected"));
  assert_has_line (without, "wolf_guard_up 0");
  g_assert_null (strstr (without, "wolf_guard_status"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inside/good", test_good);
  g_test_add_func ("/inside/statuses", test_statuses);
  g_test_add_func ("/inside/bad", test_bad);
  g_test_add_func ("/inside/silent", test_silent);
  g_test_add_func ("/metrics", test_metrics);
  return g_test_run ();
}
