/* SPDX-License-Identifier: MIT */
/* viewer.c: a wolf-probe process that streams as one client and takes commands on its standard
 * input. */
#include "runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct Viewer {
  GPid pid;
  gint in, out;
  GString *text;
};

static gboolean
spawn (gchar **argv, GPid *pid, gint *in, gint *out)
{
  g_autoptr (GError) error = NULL;

  if (!g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH,
          NULL, NULL, pid, in, out, NULL, &error))
    g_error ("cannot run %s: %s", argv[0], error->message);
  return TRUE;
}

/* wolf-probe with a command and where the server is; the caller adds words and the final NULL. */
static GPtrArray *
probe_argv (const Stage *stage, const gchar *command)
{
  const struct {
    const gchar *option;
    guint port;
  } ports[] = { { "--http-port", stage->ports.http }, { "--https-port", stage->ports.https },
    { "--rtsp-port", stage->ports.rtsp }, { "--video-port", stage->ports.video },
    { "--audio-port", stage->ports.audio } };
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (stage->options->probe));
  g_ptr_array_add (argv, g_strdup (command));
  g_ptr_array_add (argv, g_strdup ("--json"));
  for (guint i = 0; i < G_N_ELEMENTS (ports); i++) {
    g_ptr_array_add (argv, g_strdup (ports[i].option));
    g_ptr_array_add (argv, g_strdup_printf ("%u", ports[i].port));
  }
  return argv;
}

static void
add_words (GPtrArray *argv, const gchar *const *words)
{
  for (const gchar *const *word = words; *word != NULL; word++)
    g_ptr_array_add (argv, g_strdup (*word));
  g_ptr_array_add (argv, NULL);
}

Viewer *
viewer_start (const Stage *stage, guint client, const gchar *stop_after, gint64 patience_ms)
{
  Viewer *viewer = g_new0 (Viewer, 1);
  g_autofree gchar *cert = stage_client_file (stage->options, client, "client.crt");
  g_autofree gchar *key = stage_client_file (stage->options, client, "client.key");
  g_autofree gchar *seconds = g_strdup_printf ("%.3f", (gdouble) patience_ms / 1000);
  g_autoptr (GPtrArray) argv = probe_argv (stage, "session");
  const gchar *const words[] = { "--hold", "--no-cancel", "--mode", "320x180x15", "--cert", cert,
    "--key", key, "--app", stage->app_id, "--timeout", seconds, "--stop-after",
    stop_after ? stop_after : "stream", NULL };

  add_words (argv, words);
  spawn ((gchar **) argv->pdata, &viewer->pid, &viewer->in, &viewer->out);
  viewer->text = g_string_new (NULL);
  return viewer;
}

/* The next line of a pipe, or NULL when none is whole before `until`, or the pipe was closed. */
static gchar *
next_line (gint fd, GString *text, gint64 until)
{
  for (;;) {
    const gchar *end = strchr (text->str, '\n');
    if (end != NULL) {
      gchar *line = g_strndup (text->str, (gsize) (end - text->str));
      g_string_erase (text, 0, end - text->str + 1);
      return line;
    }
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    const gint64 left = (until - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    if (left <= 0 || poll (&ready, 1, (gint) left) == 0)
      return NULL;
    gchar chunk[4096];
    const gssize n = read (fd, chunk, sizeof chunk);
    if (n == 0 || (n < 0 && errno != EINTR))
      return NULL;
    g_string_append_len (text, chunk, MAX (n, 0));
  }
}

static JsonObject *
parse_object (const gchar *line)
{
  g_autoptr (JsonNode) node = json_from_string (line, NULL);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_dup_object (node) : NULL;
}

JsonObject *
viewer_report (Viewer *viewer, const gchar *event, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autofree gchar *line = next_line (viewer->out, viewer->text, until);
    if (line == NULL)
      return NULL;
    JsonObject *report = parse_object (line);
    if (report == NULL)
      continue;
    if (g_strcmp0 (json_object_get_string_member_with_default (report, "event", ""), event) == 0
        || !json_object_get_boolean_member_with_default (report, "ok", TRUE))
      return report;
    json_object_unref (report);
  }
}

gboolean
viewer_command (Viewer *viewer, const gchar *command)
{
  g_autofree gchar *line = g_strconcat (command, "\n", NULL);

  return write (viewer->in, line, strlen (line)) == (gssize) strlen (line);
}

static gboolean
is_ping (JsonObject *report)
{
  return report != NULL
      && g_str_equal (json_object_get_string_member_with_default (report, "event", ""), "ping");
}

gboolean
viewer_pings (Viewer *viewer, gint64 within_ms)
{
  g_autoptr (JsonObject) report = viewer_report (viewer, "ping", within_ms);

  return is_ping (report);
}

gboolean
viewer_streams (Viewer *viewer, gint64 within_ms)
{
  g_autoptr (JsonObject) report = viewer_report (viewer, "ping", within_ms);

  return is_ping (report) && json_object_get_boolean_member_with_default (report, "ok", FALSE);
}

static void
totals (Viewer *viewer, gint64 *video, gint64 *audio)
{
  *video = *audio = 0;
  if (!viewer_command (viewer, "stats"))
    return;
  g_autoptr (JsonObject) report = viewer_report (viewer, "packets", STAGE_SOON_MS);
  if (report == NULL)
    return;
  *video = json_object_get_int_member_with_default (report, "video_total", 0);
  *audio = json_object_get_int_member_with_default (report, "audio_total", 0);
}

void
viewer_count (Viewer *viewer, gint64 for_ms, gint64 *video, gint64 *audio)
{
  gint64 video_before, audio_before;

  totals (viewer, &video_before, &audio_before);
  stage_let_pass (for_ms);
  totals (viewer, video, audio);
  *video -= video_before;
  *audio -= audio_before;
}

void
viewer_end (Viewer *viewer)
{
  if (viewer == NULL)
    return;
  close (viewer->in);
  kill (viewer->pid, SIGKILL);
  waitpid (viewer->pid, NULL, 0);
  close (viewer->out);
  g_string_free (viewer->text, TRUE);
  g_free (viewer);
}

void
stage_probe_each (const Stage *stage, gint64 within_ms, const gchar *command,
    const gchar *const *words, StageReport report, gpointer data)
{
  g_autoptr (GPtrArray) argv = probe_argv (stage, command);
  g_autoptr (GString) text = g_string_new (NULL);
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;
  gchar *line;
  GPid pid;
  gint out;

  add_words (argv, words);
  spawn ((gchar **) argv->pdata, &pid, NULL, &out);
  gboolean go_on = TRUE;
  while (go_on && (line = next_line (out, text, until)) != NULL) {
    g_autoptr (JsonObject) object = parse_object (line);
    if (object != NULL)
      go_on = report (object, data);
    g_free (line);
  }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  close (out);
}

static gboolean
keep_last (JsonObject *report, gpointer data)
{
  JsonObject **last = data;

  g_clear_pointer (last, json_object_unref);
  *last = json_object_ref (report);
  return TRUE;
}

JsonObject *
stage_probe (const Stage *stage, gint64 within_ms, const gchar *command, ...)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  JsonObject *last = NULL;
  va_list words;

  va_start (words, command);
  for (gchar *word; (word = va_arg (words, gchar *)) != NULL;)
    g_ptr_array_add (list, word);
  va_end (words);
  g_ptr_array_add (list, NULL);
  stage_probe_each (
      stage, within_ms, command, (const gchar *const *) list->pdata, keep_last, &last);
  return last;
}

void
stage_let_pass (gint64 ms)
{
  g_usleep ((gulong) (ms * G_TIME_SPAN_MILLISECOND));
}
