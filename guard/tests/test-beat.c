/* SPDX-License-Identifier: MIT
 *
 * A loop that stands still is found and named; one that goes round, or waits, is left alone.
 */
#include "gate.h"
#include "scan-support.h"
#include "support.h"

#include "../src/watch-private.h"

#include <stdatomic.h>

#define SLOW_MS 1000
#define STUCK_MS 10000
#define MANY (WG_BEATS + 3)

static atomic_uint asked;
static _Atomic (const char *) place;

static void
ask (gpointer data)
{
  g_assert_true (data == &asked);
  atomic_fetch_add (&asked, 1);
}

static const char *
where (gpointer data)
{
  g_assert_true (data == &asked);
  return atomic_load (&place);
}

static const WgBeatSpec pinged = { WG_BEAT_LOOP, "HTTPS", ask, NULL, &asked, 0 };

static WgBeatCounts
read_counts (WgBeatBook *first)
{
  static WgBeatBook books[WG_BEATS];
  WgBeatCounts counts;

  g_assert_true (wg_beat_read (books, WG_BEATS, &counts, G_MAXINT64));
  if (first)
    *first = books[0];
  return counts;
}

/* One ping waits at most, and its age is the loop's. */
static void
test_ping (void)
{
  WgBeat *beat = wg_beat_new (&pinged);
  WgBeatBook book;
  guint before;

  log_watch ();
  before = atomic_load (&asked);
  scan_for (SLOW_MS);
  g_assert_cmpuint (atomic_load (&asked) - before, ==, 1);
  scan_for (SLOW_MS);
  g_assert_cmpuint (atomic_load (&asked) - before, ==, 1);
  g_assert_cmpuint (log_count ("watch: loop 'HTTPS', "), ==, 1);
  g_assert_cmpuint (log_count ("it does not answer: slow after 1."), ==, 1);
  scan_for (STUCK_MS);
  g_assert_cmpuint (log_count ("STUCK after 10."), ==, 1);
  g_assert_cmpuint (read_counts (&book).now[WG_WATCH_STUCK], ==, 1);
  g_assert_cmpstr (book.name, ==, "HTTPS");
  g_assert_cmpstr (book.where, ==, "it does not answer");
  wg_beat_now (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
  g_assert_cmpuint (log_count ("it does not answer: ended after"), ==, 1);
  g_assert_cmpuint (read_counts (NULL).now[WG_WATCH_STUCK], ==, 0);
  g_assert_cmpuint (log_count ("watch:"), ==, 3);
  wg_beat_free (beat);
}

static void
test_answers (void)
{
  WgBeat *beat = wg_beat_new (&pinged);
  guint64 episodes = read_counts (NULL).episodes;
  guint before = atomic_load (&asked);

  for (guint i = 0; i < 40; i++) {
    scan_at_once (WG_WATCH_SCAN_MS);
    wg_beat_now (beat); /* also when nobody has asked */
  }
  g_assert_cmpuint (read_counts (NULL).episodes, ==, episodes);
  g_assert_cmpuint (atomic_load (&asked) - before, <=, 20);
  scan_for (60 * 1000); /* it is left alone: now it is late */
  g_assert_cmpuint (read_counts (NULL).episodes, ==, episodes + 1);
  g_assert_cmpuint (atomic_load (&asked) - before, >, 0);
  wg_beat_free (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
}

/* A loop that beats by itself has nothing to answer; what it may take does not count. */
static void
test_plain (void)
{
  const WgBeatSpec spec = { WG_BEAT_LOOP, "control", NULL, NULL, NULL, 1000 };
  WgBeat *beat = wg_beat_new (&spec);

  scan_for (60 * 1000); /* another minute's lines */
  wg_beat_now (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
  log_watch ();
  scan_for (SLOW_MS + 500);
  g_assert_cmpuint (log_count ("slow"), ==, 0);
  scan_for (SLOW_MS);
  g_assert_cmpuint (log_count ("loop 'control'"), ==, 1);
  g_assert_cmpuint (log_count ("it does not go round: slow"), ==, 1);
  wg_beat_free (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
  g_assert_cmpuint (log_count ("ended after"), ==, 1); /* with its beat */
}

/* One that waits for work is not late, however long; what it is in is told. */
static void
test_idle (void)
{
  const WgBeatSpec spec = { WG_BEAT_STREAM, "src", NULL, where, &asked, 0 };
  WgBeat *beat = wg_beat_new (&spec);
  WgBeatBook book;

  log_watch ();
  atomic_store (&place, NULL);
  scan_for (60 * 1000);
  g_assert_cmpuint (log_count ("watch:"), ==, 0);
  atomic_store (&place, "create");
  scan_for (2 * SLOW_MS);
  g_assert_cmpuint (log_count ("watch: stream 'src', "), ==, 1);
  g_assert_cmpuint (log_count (": create: slow after 1."), ==, 1);
  read_counts (&book);
  g_assert_cmpstr (book.where, ==, "create");
  wg_beat_free (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
}

/* A scope says more than the beat of its thread. */
static void
test_scope (void)
{
  WgBeat *beat = wg_beat_new (&pinged);

  scan_for (60 * 1000);
  log_watch ();
  wg_beat_now (beat);
  wg_watch_begin ("GET /cancel");
  scan_for (3 * SLOW_MS);
  g_assert_cmpuint (log_count ("GET /cancel: slow"), ==, 1);
  g_assert_cmpuint (log_count ("loop 'HTTPS'"), ==, 0);
  g_assert_cmpuint (read_counts (NULL).now[WG_WATCH_SLOW], ==, 1);
  wg_watch_end ();
  wg_beat_now (beat);
  wg_beat_free (beat);
  scan_for (2 * WG_WATCH_SCAN_MS);
}

static gpointer
beat_and_end (gpointer beat)
{
  wg_beat_now (beat);
  return NULL;
}

static void
test_dead (void)
{
  WgBeat *beat = wg_beat_new (&pinged);

  g_thread_join (g_thread_new ("loop", beat_and_end, beat));
  scan_for (60 * 1000);
  log_watch ();
  wg_beat_now (beat); /* the end of an episode; by this thread, which lives */
  scan_at_once (WG_WATCH_SCAN_MS);
  g_thread_join (g_thread_new ("loop", beat_and_end, beat));
  scan_for (60 * 1000);
  g_assert_cmpuint (log_count ("its thread has ended: slow"), ==, 1);
  wg_beat_free (beat);
  scan_at_once (WG_WATCH_SCAN_MS);
}

/* The scanner was late by an hour. */
static void
test_late_scanner (void)
{
  WgBeat *beat = wg_beat_new (&pinged);
  guint64 episodes = read_counts (NULL).episodes;

  scan_for (2 * WG_WATCH_SCAN_MS); /* the ping is out */
  scan_at_once (3600 * 1000);
  g_assert_cmpuint (read_counts (NULL).episodes, ==, episodes);
  wg_beat_free (beat);
}

/* More than there is room for: refused and counted, and no function minds. */
static void
test_no_room (void)
{
  WgBeat *beats[MANY];
  guint made = 0;

  for (guint i = 0; i < MANY; i++) {
    beats[i] = wg_beat_new (&pinged);
    made += beats[i] != NULL;
  }
  g_assert_cmpuint (made, ==, WG_BEATS);
  g_assert_cmpuint (read_counts (NULL).refused, ==, 3);
  for (guint i = 0; i < MANY; i++) {
    wg_beat_now (beats[i]);
    wg_beat_free (beats[i]);
  }
  g_assert_cmpuint (read_counts (NULL).count, ==, 0);
}

/* --- a main loop */

static gpointer
run_loop (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static gboolean
stand (gpointer gate)
{
  gate_pass (gate);
  return G_SOURCE_REMOVE;
}

static gboolean
is_seen (gpointer unused)
{
  WgBeatBook book;

  (void) unused;
  scan_at_once (WG_WATCH_SCAN_MS);
  read_counts (&book);
  return book.tid != 0;
}

static gboolean
is_fine (gpointer unused)
{
  (void) unused;
  scan_at_once (WG_WATCH_SCAN_MS);
  return read_counts (NULL).now[WG_WATCH_FINE] == 1;
}

static void
test_main_loop (void)
{
  static Gate gate = GATE_INIT;
  GMainContext *context = g_main_context_new ();
  GMainLoop *loop = g_main_loop_new (context, FALSE);
  WgBeat *beat = wg_beat_new_for_context ("API", context, loop);
  GThread *thread;

  scan_for (60 * 1000); /* it is not run */
  log_watch ();
  thread = g_thread_new ("api", run_loop, loop);
  assert_comes (is_seen, NULL);
  gate_close (&gate);
  g_main_context_invoke (context, stand, &gate);
  gate_await (&gate, 1);
  assert_comes (is_fine, NULL);
  log_watch ();
  scan_for (3 * SLOW_MS);
  g_assert_cmpuint (log_count ("watch: loop 'API', "), ==, 1);
  g_assert_cmpuint (log_count ("'api': its main loop: slow"), ==, 1);
  gate_open (&gate);
  assert_comes (is_fine, NULL);
  g_main_loop_quit (loop);
  g_thread_join (thread);
  wg_beat_free (beat);
  g_main_loop_unref (loop);
  g_main_context_unref (context);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  log_watch ();

  g_test_add_func ("/beat/ping", test_ping);
  g_test_add_func ("/beat/answers", test_answers);
  g_test_add_func ("/beat/plain", test_plain);
  g_test_add_func ("/beat/idle", test_idle);
  g_test_add_func ("/beat/scope", test_scope);
  g_test_add_func ("/beat/dead", test_dead);
  g_test_add_func ("/beat/late", test_late_scanner);
  g_test_add_func ("/beat/no-room", test_no_room);
  g_test_add_func ("/beat/main-loop", test_main_loop);
  return g_test_run ();
}
