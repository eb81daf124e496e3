/* SPDX-License-Identifier: MIT */
/*
 * reader.c: a reader of the server's log that stands still.
 *
 * The log is a pipe here. When its reader stands still, the scenario fills it to the last byte, so
 * that the next line already has to wait.
 */
#define _GNU_SOURCE
#include "around.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 50
#define TERM_PATIENCE_MS 15000
#define TERM_LIMIT_MS 5000
/* More lines than a server keeps, of one each at least. */
#define REQUESTS 4500
/* With it streaming threads have something to say, too. Wolf's image sets 2. */
#define GST_DEBUG_LEVEL "4"
#define DROPPED "lines of the log were dropped"

typedef struct {
  gint from, to; /* the pipe's ends */
  gint file;     /* what has been read */
  GMutex mutex;
  GCond cond;
  gboolean still, over;
  GThread *thread;
} Reader;

/* Nothing is read once `still` is set: it is looked at, and read, under the mutex. */
static gpointer
reader_main (gpointer data)
{
  Reader *reader = data;
  struct pollfd look = { .fd = reader->from, .events = POLLIN };
  gchar bytes[4096];

  g_mutex_lock (&reader->mutex);
  while (!reader->over) {
    if (reader->still) {
      g_cond_wait (&reader->cond, &reader->mutex);
      continue;
    }
    const gssize n = read (reader->from, bytes, sizeof bytes);
    if (n > 0) {
      (void) !write (reader->file, bytes, (gsize) n);
      continue;
    }
    g_mutex_unlock (&reader->mutex);
    poll (&look, 1, LOOK_MS);
    g_mutex_lock (&reader->mutex);
  }
  g_mutex_unlock (&reader->mutex);
  return NULL;
}

static void
reader_set (Reader *reader, gboolean *what, gboolean value)
{
  g_mutex_lock (&reader->mutex);
  *what = value;
  g_cond_broadcast (&reader->cond);
  g_mutex_unlock (&reader->mutex);
}

/* Whether not one byte more fits in. Its own description of the pipe, since that of the server's
 * must wait. */
static gboolean
fill (const Reader *reader)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/self/fd/%d", reader->to);
  g_autofree gchar *lines = g_strnfill (4096, '\n');
  const gint fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return FALSE;
  for (gsize size = 4096; size >= 1; size = size > 1 ? 1 : 0)
    while (write (fd, lines, size) > 0)
      ;
  const gboolean full = errno == EAGAIN;
  close (fd);
  return full;
}

static void
reader_end (Reader *reader)
{
  reader_set (reader, &reader->over, TRUE);
  g_thread_join (reader->thread);
  close (reader->from);
  close (reader->to);
  close (reader->file);
}

/* A server whose log, GStreamer's in it, is read by us. */
static gboolean
reader_begin (Reader *reader, Runner *runner, Result *result)
{
  g_autofree gchar *path = runner_path (runner, SERVER_LOG);
  g_autoptr (GError) error = NULL;
  gint ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0) {
    expect_both (result, FALSE, "there is a pipe for the log");
    return FALSE;
  }
  runner_signal (runner, SIGKILL, SOON_MS, NULL); /* the file belongs to the next one's log */
  runner->told_to_end = FALSE;
  *reader = (Reader){ .from = ends[0],
    .to = ends[1],
    .file = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) };
  fcntl (reader->from, F_SETFL, O_NONBLOCK);
  reader->thread = g_thread_new ("reader", reader_main, reader);
  runner->log_to = reader->to;
  g_setenv ("GST_DEBUG", GST_DEBUG_LEVEL, TRUE);
  const gboolean up = runner_restart (runner, &error);
  g_unsetenv ("GST_DEBUG");
  expect_both (result, up, error ? error->message : "the server starts");
  if (!up)
    reader_end (reader); /* it is its caller's variable */
  return up;
}

static void
stand_still (Reader *reader, Result *result)
{
  reader_set (reader, &reader->still, TRUE);
  expect_both (result, fill (reader), "the pipe of the log is full");
}

/* One request to plain HTTP. */
static gboolean
ask_once (const Runner *runner, GSocketClient *client)
{
  static const gchar request[] = "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  g_autoptr (GSocketConnection) connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", (guint16) runner->ports.http, NULL, NULL);
  gchar answer[4096];

  return connection != NULL
      && g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
          request, sizeof request - 1, NULL, NULL, NULL)
      && g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer,
             sizeof answer, NULL, NULL)
      > 0;
}

/* How many of them were answered, one after the other. */
static guint
ask_often (const Runner *runner, guint n)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  guint answered = 0;

  g_socket_client_set_timeout (client, SOON_MS / 1000);
  while (answered < n && ask_once (runner, client))
    answered++;
  return answered;
}

/* While nobody reads: another client's questions, a session, and more lines than are kept. */
static void
look_while_still (Runner *runner, Result *result)
{
  g_autoptr (Client) client = client_start (runner, 0, NULL, SOON_MS);
  g_auto (Answer) cancelled = { 0 };

  expect_held (result, client_streams (client, SOON_MS), "a session starts, and streams");
  expect_held (result, around_all_answer (runner), "all ports answer meanwhile");
  ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  result_answer (result, "cancel", &cancelled);
  expect_held (result, cancelled.status == 200, "/cancel is answered");
  const guint answered = ask_often (runner, REQUESTS);
  result_int (result, "requests", answered);
  expect_held (result, answered == REQUESTS, "plain HTTP answers all along");
}

void
scenario_log_blocked (Runner *runner, Result *result)
{
  Reader reader;

  if (!reader_begin (&reader, runner, result))
    return;
  around_begin (runner, result);
  stand_still (&reader, result);
  const gboolean answers = around_measure (runner, result, "during");
  expect_fault (result, !answers, "HTTPS is silent while nobody reads the log");
  expect_held (result, answers, "HTTPS answers while nobody reads the log");
  if (answers)
    look_while_still (runner, result);
  reader_set (&reader, &reader.still, FALSE);
  if (answers)
    expect_held (
        result, runner_log_says (runner, DROPPED, SOON_MS), "the log says that lines were dropped");
  around_end (runner, result);
  runner_signal (runner, SIGKILL, SOON_MS, NULL);
  reader_end (&reader);
}

void
scenario_sigterm_log_blocked (Runner *runner, Result *result)
{
  Reader reader;
  gdouble ms = -1;

  if (!reader_begin (&reader, runner, result))
    return;
  stand_still (&reader, result);
  const gboolean ended = runner_signal (runner, SIGTERM, TERM_PATIENCE_MS, &ms);
  const gdouble limit_ms = step_stretched_ms (runner, TERM_LIMIT_MS);
  result_ms (result, "exit_ms", ended ? ms : -1);
  expect_fault (result, !ended || ms > limit_ms, "the process does not end in time");
  expect_in_time (result, ended && ms <= limit_ms, "the process ended in time");
  runner_signal (runner, SIGKILL, SOON_MS, NULL);
  reader_end (&reader);
}
