/* SPDX-License-Identifier: MIT
 *
 * A table of beats. `beats` and `tid` are written by the loops, everything else under the mutex,
 * which is held for list operations and the hosts' two functions.
 */
#include "books.h"
#include "portable.h"
#include "sync.h"
#include "watch-private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct WgBeat { /* NOLINT(clang-analyzer-optin.performance.Padding): by who writes what */
  atomic_uint beats;
  atomic_int tid; /* of the last one; 0: none yet */

  gboolean used;
  WgBeatSpec spec; /* its name is `name` */
  char name[WG_BOOK_TEXT];
  GSource *source; /* of wg_beat_new_for_context() */

  /* The scanner's. */
  guint seen;        /* beats */
  gboolean waits;    /* a ping does */
  gint64 age;        /* µs, of the ping or since the beat */
  const char *where; /* as of the last look, NULL: not late */
  WgWatchLevel level;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static WgBeat table[WG_BEATS];
static guint used; /* the first so many have been taken once */
static guint64 refused, episodes;

WgBeat *
wg_beat_new (const WgBeatSpec *spec)
{
  WgBeat *beat = NULL;

  pthread_mutex_lock (&mutex);
  for (guint i = 0; i < WG_BEATS && !beat; i++)
    if (!table[i].used && table[i].level == WG_WATCH_FINE) /* else its end is still to be told */
      beat = &table[i];
  if (!beat) {
    refused++;
  } else {
    atomic_store (&beat->tid, 0);
    beat->used = TRUE;
    beat->spec = *spec;
    g_strlcpy (beat->name, spec->name, sizeof beat->name);
    beat->seen = atomic_load (&beat->beats);
    beat->waits = FALSE;
    beat->age = 0;
    beat->where = NULL;
    used = MAX (used, (guint) (beat - table) + 1);
  }
  pthread_mutex_unlock (&mutex);
  return beat;
}

void
wg_beat_free (WgBeat *beat)
{
  GSource *source;

  if (!beat)
    return;
  pthread_mutex_lock (&mutex);
  source = g_steal_pointer (&beat->source);
  beat->used = FALSE;
  pthread_mutex_unlock (&mutex);
  if (!source)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

void
wg_beat_now (WgBeat *beat)
{
  static _Thread_local int tid;

  if (!beat)
    return;
  if (G_UNLIKELY (!tid))
    tid = wg_gettid ();
  atomic_store_explicit (&beat->tid, tid, memory_order_relaxed);
  atomic_fetch_add_explicit (&beat->beats, 1, memory_order_release);
}

/* --- a main context */

typedef struct {
  GSource parent;
  WgBeat *beat;
  GMainContext *context; /* this and the loop outlive the beat */
  GMainLoop *loop;       /* or NULL */
  atomic_bool asked;
} PingSource;

static gboolean
is_asked (GSource *source)
{
  return atomic_load (&((PingSource *) source)->asked);
}

static gboolean
prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return is_asked (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  (void) callback;
  (void) data;
  atomic_store (&((PingSource *) source)->asked, FALSE);
  wg_beat_now (((PingSource *) source)->beat);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs ping_funcs = { .prepare = prepare, .check = is_asked, .dispatch = dispatch };

static void
ask (gpointer source)
{
  PingSource *ping = source;

  atomic_store (&ping->asked, TRUE);
  g_main_context_wakeup (ping->context);
}

/* A loop that is not run answers nobody, and is not late. */
static const char *
is_run (gpointer source)
{
  GMainLoop *loop = ((PingSource *) source)->loop;

  return !loop || g_main_loop_is_running (loop) ? "its main loop" : NULL;
}

WgBeat *
wg_beat_new_for_context (const char *name, GMainContext *context, GMainLoop *loop)
{
  GSource *source = g_source_new (&ping_funcs, sizeof (PingSource));
  PingSource *ping = (PingSource *) source;
  WgBeatSpec spec = { .name = name, .post = ask, .where = is_run, .data = source };
  WgBeat *beat;

  ping->context = context;
  ping->loop = loop;
  g_source_set_name (source, "wolf-guard ping");
  g_source_set_priority (source, G_PRIORITY_HIGH);
  beat = ping->beat = wg_beat_new (&spec);
  if (!beat) {
    g_source_unref (source);
    return NULL;
  }
  g_source_attach (source, context);
  pthread_mutex_lock (&mutex);
  beat->source = source;
  pthread_mutex_unlock (&mutex);
  return beat;
}

/* --- the scanner */

/* What a late loop is in; NULL: it is not late after all. */
static const char *
where_is (WgBeat *beat)
{
  pid_t tid = atomic_load (&beat->tid);

  if (tid && wg_thread_signal (tid, 0) < 0 && errno == ESRCH)
    return "its thread has ended";
  if (beat->spec.where)
    return beat->spec.where (beat->spec.data);
  return beat->spec.post ? "it does not answer" : "it does not go round";
}

/* Let `passed` go by; TRUE: it has beaten since the last look. */
static gboolean
pass (WgBeat *beat, gint64 passed)
{
  guint beats = atomic_load_explicit (&beat->beats, memory_order_acquire);
  gboolean beaten = beats != beat->seen;

  beat->seen = beats;
  if (beaten) {
    beat->waits = FALSE;
    beat->age = 0;
    return TRUE;
  }
  beat->age += passed;
  if (beat->spec.post && !beat->waits
      && beat->age >= WG_BEAT_PING_MS * G_TIME_SPAN_MILLISECOND / 2) {
    beat->waits = TRUE;
    beat->age = 0;
    beat->spec.post (beat->spec.data);
  }
  return FALSE;
}

static void
look (WgBeat *beat, gint64 passed, WgBeatLevel level_of)
{
  beat->where = NULL;
  if (pass (beat, passed) || level_of (beat->age) == WG_WATCH_FINE)
    return;
  beat->where = where_is (beat);
  if (!beat->where)
    beat->age = 0;
}

static void
copy (const WgBeat *beat, WgBeatBook *book)
{
  *book = (WgBeatBook){
    .kind = beat->spec.kind,
    .tid = atomic_load (&beat->tid),
    .where = beat->where,
    .age = beat->spec.post && !beat->waits ? 0 : beat->age,
    .level = beat->level,
  };
  g_strlcpy (book->name, beat->name, sizeof book->name);
}

/* TRUE: the level is another one now; `book` tells what of. */
static gboolean
look_at (WgBeat *beat, gint64 passed, WgBeatLevel level_of, WgBeatBook *book)
{
  WgWatchLevel level = WG_WATCH_FINE;

  copy (beat, book); /* what an end tells of */
  if (beat->used)
    look (beat, passed, level_of);
  if (beat->used && beat->where)
    level = level_of (beat->age - (gint64) beat->spec.allowed_ms * 1000);
  if (level == beat->level)
    return FALSE;
  beat->level = level;
  if (level != WG_WATCH_FINE)
    copy (beat, book);
  book->level = level;
  return TRUE;
}

guint
wg_beats_look (gint64 passed, WgBeatLevel level_of, WgBeatBook *changes, guint max)
{
  guint count = 0;

  pthread_mutex_lock (&mutex);
  for (guint i = 0; i < used && count < max; i++) {
    guint before = table[i].level;

    if (!look_at (&table[i], passed, level_of, &changes[count]))
      continue;
    episodes += before == WG_WATCH_FINE;
    count++;
  }
  pthread_mutex_unlock (&mutex);
  return count;
}

/* --- the report */

static int
worst_first (gconstpointer a, gconstpointer b)
{
  const WgBeatBook *one = a, *other = b;

  if (one->level != other->level)
    return (int) other->level - (int) one->level;
  return (other->age > one->age) - (other->age < one->age);
}

gboolean
wg_beat_read (WgBeatBook *books, guint max, WgBeatCounts *counts, gint64 until)
{
  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  *counts = (WgBeatCounts){ .episodes = episodes, .refused = refused };
  for (guint i = 0; i < used; i++) {
    if (!table[i].used)
      continue;
    counts->now[table[i].level]++;
    if (counts->count < max)
      copy (&table[i], &books[counts->count++]);
  }
  pthread_mutex_unlock (&mutex);
  qsort (books, counts->count, sizeof *books, worst_first);
  return TRUE;
}
