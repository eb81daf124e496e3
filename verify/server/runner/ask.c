/* SPDX-License-Identifier: MIT */
/*
 * ask.c: one HTTP question and how long its answer took.
 *
 * HTTPS goes through curl, the API's unix socket through a socket of our own. A question is asked
 * in a thread, so that a scenario can look around while the server does not answer.
 */
#include "ask.h"
#include "timing.h"
#include "paths.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

struct Question {
  gatomicrefcount refs;
  gchar **argv;  /* curl, or NULL */
  gchar *socket; /* the API's socket, or NULL */
  gchar *request;
  gint64 patience_ms;
  GMutex lock;
  GCond changed;
  gboolean over;
  Answer answer;
};

void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->body, g_free);
}

void
result_answer (Result *result, const gchar *name, const Answer *answer)
{
  g_autofree gchar *ms = g_strconcat (name, "_ms", NULL);
  g_autofree gchar *status = g_strconcat (name, "_status", NULL);

  result_ms (result, ms, answer->answered ? answer->ms : -1);
  if (answer->answered)
    result_int (result, status, answer->status);
  else
    result_null (result, status);
}

static void
question_unref (Question *question)
{
  if (!g_atomic_ref_count_dec (&question->refs))
    return;
  g_strfreev (question->argv);
  g_free (question->socket);
  g_free (question->request);
  answer_clear (&question->answer);
  g_mutex_clear (&question->lock);
  g_cond_clear (&question->changed);
  g_free (question);
}

/* curl's last line is "STATUS SECONDS". */
static void
ask_curl (Question *question, Answer *answer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) curl = g_subprocess_newv ((const gchar *const *) question->argv,
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error);

  if (curl == NULL)
    g_error ("%s", error->message);
  if (!g_subprocess_communicate_utf8 (curl, NULL, NULL, &answer->body, NULL, NULL)
      || answer->body == NULL)
    return;
  gchar *last = strrchr (answer->body, '\n');
  if (last == NULL)
    return;
  gchar *end = NULL;
  answer->status = (gint) g_ascii_strtoll (last + 1, &end, 10);
  answer->ms = 1000 * g_ascii_strtod (end, NULL);
  answer->answered = answer->status != 0 && g_subprocess_get_if_exited (curl)
      && g_subprocess_get_exit_status (curl) == 0;
  *last = '\0';
}

/* The body is whole when it is as long as its header says. */
static gboolean
is_whole (const GString *text)
{
  const gchar *body = strstr (text->str, "\r\n\r\n");
  const gchar *length = g_strstr_len (text->str, -1, "Content-Length:");

  return body != NULL
      && (length == NULL || length > body
          || strlen (body + 4) >= g_ascii_strtoull (length + 15, NULL, 10));
}

static void
exchange (Question *question, Answer *answer)
{
  const gint64 begun = g_get_monotonic_time ();
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (question->socket);
  g_autoptr (GString) text = g_string_new (NULL);
  gchar chunk[4096];
  gssize n;

  g_socket_client_set_timeout (client, (guint) ((question->patience_ms + 999) / 1000));
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  if (connection == NULL)
    return;
  GIOStream *stream = G_IO_STREAM (connection);
  if (!g_output_stream_write_all (g_io_stream_get_output_stream (stream), question->request,
          strlen (question->request), NULL, NULL, NULL))
    return;
  while (!is_whole (text)
      && (n = g_input_stream_read (
              g_io_stream_get_input_stream (stream), chunk, sizeof chunk, NULL, NULL))
          > 0)
    g_string_append_len (text, chunk, n);
  if (!is_whole (text) || !g_str_has_prefix (text->str, "HTTP/1."))
    return;
  answer->answered = TRUE;
  answer->status = (gint) g_ascii_strtoll (text->str + strlen ("HTTP/1.1 "), NULL, 10);
  answer->ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  answer->body = g_strdup (strstr (text->str, "\r\n\r\n") + 4);
}

static gpointer
question_main (gpointer data)
{
  Question *question = data;
  Answer answer = { 0 };

  if (question->argv != NULL)
    ask_curl (question, &answer);
  else
    exchange (question, &answer);
  g_mutex_lock (&question->lock);
  question->answer = answer;
  question->over = TRUE;
  g_cond_broadcast (&question->changed);
  g_mutex_unlock (&question->lock);
  question_unref (question);
  return NULL;
}

static Question *
ask (Question *question, gint64 patience_ms)
{
  question->patience_ms = patience_ms;
  g_atomic_ref_count_init (&question->refs);
  g_atomic_ref_count_inc (&question->refs);
  g_mutex_init (&question->lock);
  g_cond_init (&question->changed);
  g_thread_unref (g_thread_new ("question", question_main, question));
  return question;
}

Question *
ask_https (const Runner *runner, guint number, const gchar *path, gint64 patience_ms)
{
  Question *question = g_new0 (Question, 1);
  g_autofree gchar *cert = runner_client_file (runner->options, number, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, number, "client.key");
  g_autofree gchar *seconds = g_strdup_printf ("%.3f", (gdouble) patience_ms / 1000);
  g_autofree gchar *url = g_strdup_printf ("https://127.0.0.1:%u%s", runner->ports.https, path);
  const gchar *const argv[] = { "curl", "-q", "-s", "-k", "--cert", cert, "--key", key, "-m",
    seconds, "-w", "\n%{http_code} %{time_total}", url, NULL };

  question->argv = g_strdupv ((gchar **) argv);
  return ask (question, patience_ms);
}

Question *
ask_socket (const Runner *runner, const gchar *socket, const gchar *method, const gchar *path,
    const gchar *body, gint64 patience_ms)
{
  Question *question = g_new0 (Question, 1);

  question->socket = runner_path (runner, socket);
  question->request = g_strdup_printf (
      "%s %s HTTP/1.1\r\nHost: wolf\r\nConnection: close\r\nContent-Length: %" G_GSIZE_FORMAT
      "\r\n\r\n%s",
      method, path, body ? strlen (body) : 0, body ? body : "");
  return ask (question, patience_ms);
}

Question *
ask_api (const Runner *runner, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms)
{
  return ask_socket (runner, "wolf.sock", method, path, body, patience_ms);
}

gboolean
question_is_over (Question *question, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&question->lock);
  while (!question->over && g_cond_wait_until (&question->changed, &question->lock, until))
    ;
  const gboolean over = question->over;
  g_mutex_unlock (&question->lock);
  return over;
}

void
question_end (Question *question, Answer *answer)
{
  memset (answer, 0, sizeof *answer);
  if (question_is_over (question, question->patience_ms + SOON_MS)) {
    *answer = question->answer;
    memset (&question->answer, 0, sizeof question->answer);
  }
  question_unref (question);
}

void
ask_https_now (
    const Runner *runner, guint number, const gchar *path, gint64 patience_ms, Answer *answer)
{
  question_end (ask_https (runner, number, path, patience_ms), answer);
}

void
ask_api_now (const Runner *runner, const gchar *method, const gchar *path, const gchar *body,
    gint64 patience_ms, Answer *answer)
{
  question_end (ask_api (runner, method, path, body, patience_ms), answer);
}
