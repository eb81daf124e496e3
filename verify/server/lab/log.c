/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LINES_MAX 4096 /* as many as the patched server keeps */
#define FLUSH_MS 1000

static gint threaded; /* atomic */
static GMutex mutex;
static GCond cond;     /* a line was written */
static gint wake = -1; /* an eventfd: there is a line */
static GQueue lines;   /* what is not written yet; the first one is being written */
static guint dropped;  /* since the last line that was written */

static void
write_line (const gchar *line)
{
  (void) !write (STDERR_FILENO, line, strlen (line)); /* one call, so that lines do not mix */
}

static void
write_dropped (guint n)
{
  g_autofree gchar *line = g_strdup_printf ("%u lines of the log were dropped\n", n);

  write_line (line);
}

/* The only thread that waits for whoever reads the log. */
static gpointer
log_main (gpointer data G_GNUC_UNUSED)
{
  g_mutex_lock (&mutex);
  for (;;) {
    while (lines.length == 0) {
      guint64 told;
      g_mutex_unlock (&mutex);
      (void) !read (wake, &told, sizeof told);
      g_mutex_lock (&mutex);
    }
    const gchar *line = g_queue_peek_head (&lines);
    const guint n = dropped;
    dropped = 0;
    g_mutex_unlock (&mutex);
    write_line (line);
    if (n > 0)
      write_dropped (n);
    g_mutex_lock (&mutex);
    g_free (g_queue_pop_head (&lines));
    g_cond_broadcast (&cond);
  }
  return NULL;
}

void
lab_log_begin (void)
{
  wake = eventfd (0, EFD_CLOEXEC);
  g_thread_unref (g_thread_new ("log", log_main, NULL));
  g_atomic_int_set (&threaded, 1);
}

void
lab_log_flush (void)
{
  const gint64 until = g_get_monotonic_time () + FLUSH_MS * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&mutex);
  while (lines.length > 0 && g_cond_wait_until (&cond, &mutex, until))
    ;
  g_mutex_unlock (&mutex);
}

static void
queue_line (gchar *line)
{
  const guint64 one = 1;

  g_mutex_lock (&mutex);
  if (lines.length < LINES_MAX)
    g_queue_push_tail (&lines, g_steal_pointer (&line));
  else
    dropped++;
  g_mutex_unlock (&mutex);
  /* Not under the mutex: a thread that is frozen in this call must not keep it. */
  (void) !write (wake, &one, sizeof one);
  g_free (line);
}

void
lab_log (const gchar *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree gchar *line = g_strconcat (text, "\n", NULL);
  if (g_atomic_int_get (&threaded))
    queue_line (g_steal_pointer (&line));
  else
    write_line (line);
}
