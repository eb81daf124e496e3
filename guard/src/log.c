/* SPDX-License-Identifier: MIT
 *
 * No lock and no stdio: stderr's FILE has a lock that any thread of the host may hold.
 */
#include <wolf-guard/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static _Atomic (WgLogFunc) log_func; /* NULL: stderr */

static const char *
level_text (WgLogLevel level)
{
  switch (level) {
  case WG_LOG_TRACE:
    return "TRACE";
  case WG_LOG_DEBUG:
    return "DEBUG";
  case WG_LOG_INFO:
    return "INFO";
  case WG_LOG_WARNING:
    return "WARNING";
  case WG_LOG_ERROR:
    return "ERROR";
  }
  return "?";
}

/* One write() a line, so that lines of several threads do not mix on a pipe or a terminal. */
static void
log_to_stderr (WgLogLevel level, const char *line)
{
  g_autofree char *text = g_strdup_printf ("%s %s\n", level_text (level), line);
  const char *rest = text;
  gsize left = strlen (text);

  while (left > 0) {
    ssize_t written = write (STDERR_FILENO, rest, left);

    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return; /* nowhere to say it */
    rest += written;
    left -= (gsize) written;
  }
}

void
wg_log_set_func (WgLogFunc func)
{
  atomic_store_explicit (&log_func, func, memory_order_release);
}

void
wg_log (WgLogLevel level, const char *format, ...)
{
  int saved_errno = errno, cancel;
  WgLogFunc func = atomic_load_explicit (&log_func, memory_order_acquire);
  char *text, *line;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  if (!text) /* an argument that the C library cannot convert */
    text = g_strdup (format);
  /* Names and exceptions' texts come from elsewhere; a line stays one line. */
  g_strdelimit (g_strchomp (text), "\r\n", ' ');
  line = g_strconcat ("[GUARD] ", text, NULL);

  /* The write is a cancellation point, and the caller is rarely in a state to be cancelled in. */
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  (func ? func : log_to_stderr) (level, line);
  g_free (line);
  g_free (text);
  pthread_setcancelstate (cancel, NULL);
  errno = saved_errno;
}
