/* SPDX-License-Identifier: MIT
 *
 * A thread that hands the scanner's lines to the host. The host's log may be what is stuck: then
 * this thread is, and the scanner is not. Its scope says so in the health document.
 */
#include "sync.h"
#include "watch-private.h"

#include <stdarg.h>

#define LINES_MAX 32
#define TEXT_MAX 256
#define ALLOWED_MS 4000 /* a log that is behind for a while is no fault */

typedef struct {
  WgLogLevel level;
  char text[TEXT_MAX];
} Line;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static gboolean runs, writes;
static Line lines[LINES_MAX]; /* a ring: `count` of them from `first` on */
static guint first, count;

static void
write_line (const Line *line)
{
  wg_watch_begin_allowing ("the host's log", ALLOWED_MS);
  wg_log (line->level, "%s", line->text);
  wg_watch_end ();
}

static void *
run (void *unused)
{
  wg_watch_begin_idle ("waits for lines"); /* takes its slot */
  for (;;) {
    Line line;

    pthread_mutex_lock (&mutex);
    writes = FALSE;
    while (count == 0)
      wg_cond_wait (&filled, &mutex);
    writes = TRUE;
    line = lines[first];
    first = (first + 1) % LINES_MAX;
    count--;
    pthread_mutex_unlock (&mutex);
    write_line (&line);
  }
  return unused;
}

gboolean
wg_watch_log_start (void)
{
  gboolean started;

  pthread_mutex_lock (&mutex);
  if (!runs)
    runs = wg_spawn ("wg-watch-log", run, NULL);
  started = runs;
  pthread_mutex_unlock (&mutex);
  return started;
}

gboolean
wg_watch_log (WgLogLevel level, const char *format, ...)
{
  gboolean room;
  va_list args;

  pthread_mutex_lock (&mutex);
  room = count < LINES_MAX;
  if (room) {
    Line *line = &lines[(first + count++) % LINES_MAX];

    line->level = level;
    va_start (args, format);
    g_vsnprintf (line->text, sizeof line->text, format, args);
    va_end (args);
    pthread_cond_signal (&filled);
  }
  pthread_mutex_unlock (&mutex);
  return room;
}

gboolean
wg_watch_log_is_idle (void)
{
  gboolean idle;

  pthread_mutex_lock (&mutex);
  idle = count == 0 && !writes;
  pthread_mutex_unlock (&mutex);
  return idle;
}
