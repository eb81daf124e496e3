/* SPDX-License-Identifier: MIT */
/* client.c: a wolf-probe process that streams as one client and takes commands on its standard
 * input. */
#include "probe.h"
#include "timing.h"
#include "runner-options.h"
#include "paths.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct Client {
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
probe_argv (const Runner *runner, const gchar *command)
{
  const struct {
    const gchar *option;
    guint port;
  } ports[] = { { "--http-port", runner->ports.http }, { "--https-port", runner->ports.https },
    { "--rtsp-port", runner->ports.rtsp }, { "--video-port", runner->ports.video },
    { "--audio-port", runner->ports.audio } };
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (runner->options->probe));
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

Client *
client_start (const Runner *runner, guint number, const gchar *stop_after, gint64 patience_ms)
{
  Client *client = g_new0 (Client, 1);
  g_autofree gchar *cert = runner_client_file (runner->options, number, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, number, "client.key");
  g_autofree gchar *seconds = g_strdup_printf ("%.3f", (gdouble) patience_ms / 1000);
  g_autoptr (GPtrArray) argv = probe_argv (runner, "session");
  const gchar *const words[] = { "--hold", "--no-cancel", "--mode", "320x180x15", "--cert", cert,
    "--key", key, "--app", runner->app_id, "--timeout", seconds, "--stop-after",
    stop_after ? stop_after : "stream", NULL };

  add_words (argv, words);
  spawn ((gchar **) argv->pdata, &client->pid, &client->in, &client->out);
  client->text = g_string_new (NULL);
  return client;
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
client_report (Client *client, const gchar *event, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autofree gchar *line = next_line (client->out, client->text, until);
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
client_command (Client *client, const gchar *command)
{
  g_autofree gchar *line = g_strconcat (command, "\n", NULL);

  return write (client->in, line, strlen (line)) == (gssize) strlen (line);
}

static gboolean
is_ping (JsonObject *report)
{
  return report != NULL
      && g_str_equal (json_object_get_string_member_with_default (report, "event", ""), "ping");
}

gboolean
client_pings (Client *client, gint64 within_ms)
{
  g_autoptr (JsonObject) report = client_report (client, "ping", within_ms);

  return is_ping (report);
}

gboolean
client_streams (Client *client, gint64 within_ms)
{
  g_autoptr (JsonObject) report = client_report (client, "ping", within_ms);

  return is_ping (report) && json_object_get_boolean_member_with_default (report, "ok", FALSE);
}

static void
totals (Client *client, gint64 *video, gint64 *audio)
{
  *video = *audio = 0;
  if (!client_command (client, "stats"))
    return;
  g_autoptr (JsonObject) report = client_report (client, "packets", SOON_MS);
  if (report == NULL)
    return;
  *video = json_object_get_int_member_with_default (report, "video_total", 0);
  *audio = json_object_get_int_member_with_default (report, "audio_total", 0);
}

void
client_count (Client *client, gint64 for_ms, gint64 *video, gint64 *audio)
{
  gint64 video_before, audio_before;

  totals (client, &video_before, &audio_before);
  wait_ms (for_ms);
  totals (client, video, audio);
  *video -= video_before;
  *audio -= audio_before;
}

void
client_end (Client *client)
{
  if (client == NULL)
    return;
  close (client->in);
  kill (client->pid, SIGKILL);
  waitpid (client->pid, NULL, 0);
  close (client->out);
  g_string_free (client->text, TRUE);
  g_free (client);
}

void
probe_each (const Runner *runner, gint64 within_ms, const gchar *command, const gchar *const *words,
    ProbeReport report, gpointer data)
{
  g_autoptr (GPtrArray) argv = probe_argv (runner, command);
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
probe_last (const Runner *runner, gint64 within_ms, const gchar *command, ...)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  JsonObject *last = NULL;
  va_list words;

  va_start (words, command);
  for (gchar *word; (word = va_arg (words, gchar *)) != NULL;)
    g_ptr_array_add (list, word);
  va_end (words);
  g_ptr_array_add (list, NULL);
  probe_each (runner, within_ms, command, (const gchar *const *) list->pdata, keep_last, &last);
  return last;
}
