/* SPDX-License-Identifier: MIT
 *
 * Every way in which a thread can end is told, as what it is, once, in time, and no other thread
 * is taken for the one that ended.
 *
 * Threads that end by the exit syscall are detached: to join one that it has not seen ending,
 * ThreadSanitizer waits for ever.
 */
#include <wolf-guard/log.h>
#include <wolf-guard/inspect.h>

#include "../src/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define TIMEOUT_S 220          /* for the whole file; a hang is a failure */
#define PROMISE G_USEC_PER_SEC /* a bare exit is reported within a second */
#define PATIENCE 20            /* seconds; for what has no bound of its own */
#define CHURN 1000             /* threads */
#define CHURN_AT_ONCE 50
#define REUSE_TRIES 20

/* What the two functions were told. */
typedef struct {
  pid_t tid;
  char *name, *session, *pipeline, *what;
  gint64 started, at;
  WgThreadEnd end;
} Event;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static GPtrArray *events; /* of Event, in order */
static GPtrArray *lines;  /* of char * */
static guint ends;        /* how many events are ends */

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->name);
  g_free (event->session);
  g_free (event->pipeline);
  g_free (event->what);
  g_free (event);
}

static void
on_thread (const WgThreadInfo *info, gpointer data)
{
  Event *event = g_new (Event, 1);
  WgThreadCounts counts;

  g_assert_true (data == &ends);
  wg_thread_get_counts (&counts); /* a deadlock if it were called with the module's mutex */
  *event = (Event){
    .tid = info->tid,
    .name = g_strdup (info->name),
    .session = g_strdup (info->session),
    .pipeline = g_strdup (info->pipeline),
    .what = g_strdup (info->what),
    .started = info->started,
    .at = g_get_monotonic_time (),
    .end = info->end,
  };
  pthread_mutex_lock (&mutex);
  g_ptr_array_add (events, event);
  ends += info->end != WG_THREAD_ALIVE;
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&mutex);
}

static void
on_line (WgLogLevel level, const char *line)
{
  WgThreadCounts counts;

  wg_thread_get_counts (&counts);
  pthread_mutex_lock (&mutex);
  g_ptr_array_add (lines, g_strdup_printf ("%d %s", level, line));
  pthread_mutex_unlock (&mutex);
}

static void
forget (void)
{
  pthread_mutex_lock (&mutex);
  g_ptr_array_set_size (events, 0);
  g_ptr_array_set_size (lines, 0);
  ends = 0;
  pthread_mutex_unlock (&mutex);
}

static gboolean
await_ends (guint count, gint64 deadline)
{
  gboolean enough;

  pthread_mutex_lock (&mutex);
  while (ends < count && wg_cond_wait_until (&changed, &mutex, deadline))
    ;
  enough = ends >= count;
  pthread_mutex_unlock (&mutex);
  return enough;
}

/* Starts count as well. */
static void
await_events (guint count)
{
  pthread_mutex_lock (&mutex);
  while (events->len < count)
    pthread_cond_wait (&changed, &mutex);
  pthread_mutex_unlock (&mutex);
}

static gint64
in_seconds (int seconds)
{
  return g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
}

/* The event `index`; only when no thread of the test can add one any more, or by its index. */
static Event *
event_at (guint index)
{
  Event *event = NULL;

  pthread_mutex_lock (&mutex);
  if (index < events->len)
    event = events->pdata[index];
  pthread_mutex_unlock (&mutex);
  g_assert_nonnull (event);
  return event;
}

static void
assert_event (guint index, const char *name, WgThreadEnd end)
{
  g_assert_cmpstr (event_at (index)->name, ==, name);
  g_assert_cmpint (event_at (index)->end, ==, end);
}

static void
assert_line (guint index, const char *pattern)
{
  const char *line;

  pthread_mutex_lock (&mutex);
  g_assert_cmpuint (index, <, lines->len);
  line = lines->pdata[index];
  if (!g_regex_match_simple (pattern, line, 0, 0))
    g_error ("\"%s\" does not match \"%s\"", line, pattern);
  pthread_mutex_unlock (&mutex);
}

/* The numbers since `before`, and nobody left. */
static void
assert_counts (const WgThreadCounts *before, guint64 left, guint64 unexpected)
{
  WgThreadCounts now;

  wg_thread_get_counts (&now);
  g_assert_cmpuint (now.alive, ==, 0);
  g_assert_cmpuint (now.left - before->left, ==, left);
  g_assert_cmpuint (now.unexpected - before->unexpected, ==, unexpected);
  g_assert_cmpuint (now.started - before->started, ==, left + unexpected);
}

static void
run_joined (void *(*func) (void *), void *data)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, func, data), ==, 0);
  pthread_join (thread, NULL);
}

static void
run_detached (void *(*func) (void *), void *data)
{
  pthread_t thread;
  pthread_attr_t attr;

  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  g_assert_cmpint (pthread_create (&thread, &attr, func, data), ==, 0);
  pthread_attr_destroy (&attr);
}

/* When a thread was about to vanish; it publishes that last. */
typedef struct {
  atomic_int tid;
  atomic_llong when;
} Vanishing;

G_NORETURN static void
vanish (Vanishing *vanishing)
{
  if (vanishing) {
    vanishing->when = g_get_monotonic_time ();
    vanishing->tid = gettid ();
  }
  syscall (SYS_exit, 0);
  g_assert_not_reached ();
}

/* --- the ways of ending ----------------------------------------------------------------------- */

static void *
end_by_leave (void *data)
{
  (void) data;
  wg_thread_enter ("leaves", NULL, NULL);
  wg_thread_leave ();
  return NULL;
}

static void
test_leave (void)
{
  WgThreadCounts before;
  gint64 now = g_get_monotonic_time ();

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_leave, NULL);
  assert_counts (&before, 1, 0);
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (0, "leaves", WG_THREAD_ALIVE);
  assert_event (1, "leaves", WG_THREAD_LEFT);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpstr (event_at (i)->session, ==, "");
    g_assert_cmpstr (event_at (i)->pipeline, ==, "");
    g_assert_cmpstr (event_at (i)->what, ==, "");
    g_assert_cmpint (event_at (i)->started, >=, now);
    g_assert_cmpint (event_at (i)->tid, !=, gettid ());
    g_assert_cmpint (event_at (i)->tid, ==, event_at (0)->tid);
  }
}

static void *
end_by_pthread_exit (void *data)
{
  (void) data;
  wg_thread_enter ("exits", "1", "a");
  pthread_exit (NULL);
}

static void *
end_by_return (void *data)
{
  (void) data;
  wg_thread_enter ("returns", "2", "b");
  return NULL;
}

static void *
end_by_cancel (void *data)
{
  (void) data;
  wg_thread_enter ("cancelled", "3", "c");
  for (;;)
    pause ();
  return NULL;
}

/* At once: when the thread has been joined, all has been said. */
static void
test_unwound (void)
{
  WgThreadCounts before;
  pthread_t thread;
  void *result;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_pthread_exit, NULL);
  run_joined (end_by_return, NULL);
  g_assert_cmpint (pthread_create (&thread, NULL, end_by_cancel, NULL), ==, 0);
  await_events (5);
  pthread_cancel (thread);
  pthread_join (thread, &result);
  g_assert_true (result == PTHREAD_CANCELED);
  assert_counts (&before, 0, 3);
  g_assert_cmpuint (events->len, ==, 6);
  assert_event (1, "exits", WG_THREAD_UNWOUND);
  assert_event (3, "returns", WG_THREAD_UNWOUND);
  assert_event (5, "cancelled", WG_THREAD_UNWOUND);
  g_assert_cmpstr (event_at (5)->session, ==, "3");
  g_assert_cmpstr (event_at (5)->pipeline, ==, "c");
}

static void *
end_by_fail (void *data)
{
  g_autofree char *what = g_strdup ("vector::at");

  (void) data;
  wg_thread_enter ("fails", NULL, NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, what);
  wg_thread_enter ("unwinds", NULL, NULL);
  wg_thread_fail (WG_THREAD_UNWOUND, NULL);
  return NULL;
}

static void
test_fail (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (end_by_fail, NULL);
  assert_counts (&before, 0, 2);
  g_assert_cmpuint (events->len, ==, 4);
  assert_event (1, "fails", WG_THREAD_EXCEPTION);
  g_assert_cmpstr (event_at (1)->what, ==, "vector::at");
  assert_event (3, "unwinds", WG_THREAD_UNWOUND);
  g_assert_cmpstr (event_at (3)->what, ==, "");
}

static void *
end_by_bare_exit (void *vanishing)
{
  wg_thread_enter ("vanishes", "4", "d");
  vanish (vanishing);
}

static void
test_vanished (void)
{
  Vanishing vanishing = { 0 };
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_by_bare_exit, &vanishing);
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  assert_counts (&before, 0, 1);
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (1, "vanishes", WG_THREAD_VANISHED);
  g_assert_cmpint (event_at (1)->tid, ==, vanishing.tid);
  g_assert_cmpint (event_at (1)->at - vanishing.when, <=, PROMISE);
  g_test_message ("reported after %d ms", (int) ((event_at (1)->at - vanishing.when) / 1000));
}

/* --- nesting ---------------------------------------------------------------------------------- */

static void
enter_three (void)
{
  wg_thread_enter ("outer", "1", NULL);
  wg_thread_enter ("gone before", NULL, NULL);
  wg_thread_leave ();
  wg_thread_enter ("middle", "2", NULL);
  wg_thread_enter ("inner", "3", NULL);
}

static void *
nested_leave (void *data)
{
  (void) data;
  enter_three ();
  wg_thread_leave ();
  wg_thread_leave ();
  wg_thread_leave ();
  return NULL;
}

static void *
nested_unwound (void *data)
{
  (void) data;
  enter_three ();
  pthread_exit (NULL);
}

static void *
nested_vanish (void *data)
{
  (void) data;
  enter_three ();
  vanish (NULL);
}

static void
test_nested (gconstpointer data)
{
  WgThreadEnd end = (WgThreadEnd) GPOINTER_TO_INT (data);
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  if (end == WG_THREAD_LEFT)
    run_joined (nested_leave, NULL);
  else if (end == WG_THREAD_UNWOUND)
    run_joined (nested_unwound, NULL);
  else
    run_detached (nested_vanish, NULL);
  g_assert_true (await_ends (4, in_seconds (PATIENCE)));
  if (end == WG_THREAD_LEFT)
    assert_counts (&before, 4, 0);
  else
    assert_counts (&before, 1, 3);
  g_assert_cmpuint (events->len, ==, 8);
  assert_event (0, "outer", WG_THREAD_ALIVE);
  assert_event (1, "gone before", WG_THREAD_ALIVE);
  assert_event (2, "gone before", WG_THREAD_LEFT);
  assert_event (3, "middle", WG_THREAD_ALIVE);
  assert_event (4, "inner", WG_THREAD_ALIVE);
  assert_event (5, "inner", end);
  assert_event (6, "middle", end);
  assert_event (7, "outer", end);
}

/* --- what must not be mistaken for something else --------------------------------------------- */

static gboolean
write_last_pid (pid_t pid)
{
  g_autofree char *text = g_strdup_printf ("%d", (int) pid);
  int fd = open ("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) > 0;

  if (fd >= 0)
    close (fd);
  return written;
}

typedef struct {
  atomic_int tid;
  atomic_bool leave;
} Successor;

static void *
live_on (void *data)
{
  Successor *successor = data;

  wg_thread_enter ("successor", NULL, NULL);
  successor->tid = gettid ();
  while (!successor->leave)
    g_usleep (1000);
  wg_thread_leave ();
  return NULL;
}

/* One thread vanishes, the next one gets its id before the scanner looks. TRUE: it came to that. */
static gboolean
try_reuse (void)
{
  Vanishing vanishing = { 0 };
  Successor successor = { 0 };
  gint64 deadline = in_seconds (PATIENCE);
  WgThreadCounts before, now;
  pthread_t thread;
  gboolean reused;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_by_bare_exit, &vanishing);
  while (!vanishing.tid || tgkill (getpid (), vanishing.tid, 0) == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (100);
  }
  write_last_pid (vanishing.tid - 1);
  g_assert_cmpint (pthread_create (&thread, NULL, live_on, &successor), ==, 0);
  while (!successor.tid)
    g_usleep (100);
  reused = successor.tid == vanishing.tid && event_at (1)->end == WG_THREAD_ALIVE;

  g_assert_true (await_ends (1, deadline));
  if (reused) {
    assert_event (1, "successor", WG_THREAD_ALIVE);
    assert_event (2, "vanishes", WG_THREAD_VANISHED);
    g_assert_cmpint (event_at (2)->tid, ==, successor.tid);
    g_assert_cmpint (event_at (2)->at - vanishing.when, <=, PROMISE);
  }
  wg_thread_get_counts (&now);
  g_assert_cmpuint (now.alive, ==, 1);
  successor.leave = TRUE;
  pthread_join (thread, NULL);
  assert_counts (&before, 1, 1);
  assert_event (3, "successor", WG_THREAD_LEFT);
  return reused;
}

static void
test_reused_id (void)
{
  if (!write_last_pid (gettid ())) {
    g_test_skip ("needs the right to write /proc/sys/kernel/ns_last_pid");
    return;
  }
  for (int i = 0; i < REUSE_TRIES; i++)
    if (try_reuse ())
      return;
  g_test_incomplete ("others took the id each time");
}

/* As after a robust mutex that the thread held was freed: the kernel's walk along the list does not
 * come to ours. */
static void *
end_with_damaged_list (void *vanishing)
{
  static struct {
    void *next;
    long offset;
    void *pending;
  } empty = { .next = &empty };

  wg_thread_enter ("damaged", NULL, NULL);
  g_assert_cmpint (syscall (SYS_set_robust_list, &empty, sizeof empty), ==, 0);
  vanish (vanishing);
}

static void
test_damaged_list (void)
{
  Vanishing vanishing = { 0 };
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_detached (end_with_damaged_list, &vanishing);
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  assert_counts (&before, 0, 1);
  assert_event (1, "damaged", WG_THREAD_VANISHED);
  g_assert_cmpint (event_at (1)->tid, ==, vanishing.tid);
  g_assert_cmpint (event_at (1)->at - vanishing.when, <=, PROMISE);
}

static void *
leave_twice (void *data)
{
  (void) data;
  wg_thread_leave ();
  wg_thread_enter ("once", NULL, NULL);
  wg_thread_leave ();
  wg_thread_leave ();
  return NULL;
}

static void
test_leave_without_enter (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  run_joined (leave_twice, NULL);
  assert_counts (&before, 1, 0);
  g_assert_cmpuint (lines->len, ==, 4);
  assert_line (0, "^3 \\[GUARD\\] thread \\d+ leaves without having entered$");
  assert_line (3, "^3 \\[GUARD\\] thread \\d+ leaves without having entered$");
}

static void
cancellation_point (const WgThreadInfo *info, gpointer data)
{
  on_thread (info, data);
  pthread_testcancel ();
}

static void *
leave_while_cancelled (void *survived)
{
  pthread_cancel (pthread_self ()); /* takes effect at the next cancellation point */
  wg_thread_enter ("outer", NULL, NULL);
  wg_thread_enter ("inner", NULL, NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, "?");
  wg_thread_leave ();
  *(gboolean *) survived = TRUE;
  pthread_testcancel ();
  return NULL;
}

static void
test_no_cancellation_point (void)
{
  gboolean survived = FALSE;
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  wg_thread_set_func (cancellation_point, &ends);
  run_joined (leave_while_cancelled, &survived);
  wg_thread_set_func (on_thread, &ends);
  g_assert_true (survived);
  assert_counts (&before, 1, 1);
  g_assert_cmpuint (events->len, ==, 4);
}

static pthread_key_t late_key;

static void
enter_late (void *data)
{
  (void) data;
  wg_thread_enter ("late", NULL, NULL);
}

static void *
end_with_late_enter (void *data)
{
  pthread_setspecific (late_key, &late_key);
  return end_by_return (data);
}

/* Another library's destructor works after ours: it is a thread like any other. */
static void
test_late_enter (void)
{
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  g_assert_cmpint (pthread_key_create (&late_key, enter_late), ==, 0);
  run_joined (end_with_late_enter, NULL);
  pthread_key_delete (late_key);
  assert_counts (&before, 0, 2);
}

/* --- the main thread -------------------------------------------------------------------------- */

static void *
await_main (void *end)
{
  g_assert_true (await_ends (1, in_seconds (PATIENCE)));
  g_assert_cmpuint (events->len, ==, 2);
  assert_event (1, "main", (WgThreadEnd) GPOINTER_TO_INT (end));
  g_assert_cmpint (event_at (1)->tid, ==, getpid ());
  _exit (0);
}

/* While others live it stays a zombie, whose id remains valid. */
static void
test_main (gconstpointer data)
{
  if (g_test_subprocess ()) {
    forget ();
    wg_thread_enter ("main", NULL, NULL);
    run_detached (await_main, (gpointer) data);
    if (GPOINTER_TO_INT (data) == WG_THREAD_UNWOUND)
      pthread_exit (NULL);
    vanish (NULL);
  }
  g_test_trap_subprocess (NULL, 2 * PATIENCE * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

/* --- many ------------------------------------------------------------------------------------- */

static void *
end_somehow (void *data)
{
  switch (GPOINTER_TO_UINT (data) % 10) {
  case 0:
    return end_by_bare_exit (NULL);
  case 1:
    return nested_vanish (NULL);
  case 2:
    return nested_unwound (NULL);
  case 3:
    return end_by_pthread_exit (NULL);
  case 4:
    return end_by_return (NULL);
  case 5:
    return end_by_fail (NULL);
  case 6:
    return nested_leave (NULL);
  default:
    return end_by_leave (NULL);
  }
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (dir))
    count++;
  return count;
}

static void
test_churn (void)
{
  static const guint records[10] = { 1, 4, 4, 1, 1, 2, 4, 1, 1, 1 }; /* 9 of these 20 leave */
  gint64 deadline = in_seconds (3 * PATIENCE);
  guint expected = 0, threads_before = count_threads ();
  WgThreadCounts before;

  forget ();
  wg_thread_get_counts (&before);
  for (guint i = 0; i < CHURN; i++) {
    run_detached (end_somehow, GUINT_TO_POINTER (i));
    expected += records[i % 10];
    /* All but the vanished of these have to be through before the next come. */
    if (i % CHURN_AT_ONCE == CHURN_AT_ONCE - 1)
      while (count_threads () > threads_before) {
        g_assert_cmpint (g_get_monotonic_time (), <, deadline);
        g_usleep (1000);
      }
  }
  g_assert_true (await_ends (expected, deadline));
  g_assert_cmpuint (ends, ==, expected);
  g_assert_cmpuint (events->len, ==, 2 * expected);
  assert_counts (&before, CHURN / 10 * 9, expected - CHURN / 10 * 9);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void *
say_everything (void *data)
{
  (void) data;
  wg_thread_enter ("video:src", "12", "video");
  wg_thread_leave ();
  wg_thread_enter ("rtsp", "", NULL);
  wg_thread_fail (WG_THREAD_EXCEPTION, "bad\nweather");
  wg_thread_enter ("input", "12", NULL);
  pthread_exit (NULL);
}

static void
test_lines (void)
{
  forget ();
  run_joined (say_everything, NULL);
  run_detached (end_by_bare_exit, NULL);
  g_assert_true (await_ends (4, in_seconds (PATIENCE)));
  g_assert_cmpuint (lines->len, ==, 8);
#define VIDEO "^1 \\[GUARD\\] thread \\d+ 'video:src' session=12 pipeline=video: "
  assert_line (0, VIDEO "started$");
  assert_line (1, VIDEO "ended after \\d+\\.\\d s$");
  assert_line (2, "^1 \\[GUARD\\] thread \\d+ 'rtsp': started$");
  assert_line (3,
      "^4 \\[GUARD\\] thread \\d+ 'rtsp': ENDED UNEXPECTEDLY "
      "\\(exception: bad weather\\) after \\d+\\.\\d s$");
  assert_line (4, "^1 \\[GUARD\\] thread \\d+ 'input' session=12: started$");
  assert_line (5,
      "^4 \\[GUARD\\] thread \\d+ 'input' session=12: ENDED UNEXPECTEDLY "
      "\\(pthread_exit, cancelled, or returned without leaving\\) after \\d+\\.\\d s$");
  assert_line (7,
      "^4 \\[GUARD\\] thread \\d+ 'vanishes' session=4 pipeline=d: ENDED UNEXPECTEDLY "
      "\\(bare exit\\) after \\d+\\.\\d s$");
}

/* --- wg_spawn --------------------------------------------------------------------------------- */

typedef struct {
  char name[16];
  sigset_t blocked;
  int detached;
  atomic_bool done;
} Spawned;

static void *
spawned_main (void *data)
{
  Spawned *spawned = data;
  pthread_attr_t attr;

  pthread_getname_np (pthread_self (), spawned->name, sizeof spawned->name);
  pthread_sigmask (SIG_SETMASK, NULL, &spawned->blocked);
  g_assert_cmpint (pthread_getattr_np (pthread_self (), &attr), ==, 0);
  pthread_attr_getdetachstate (&attr, &spawned->detached);
  pthread_attr_destroy (&attr);
  spawned->done = TRUE;
  return NULL;
}

static void
test_spawn (void)
{
  static const int blocked[] = { SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGUSR1, SIGALRM, SIGHUP };
  static const int open[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
  Spawned spawned = { .detached = -1 };
  sigset_t mask;

  g_assert_true (wg_spawn ("a-name-longer-than-the-kernel-keeps", spawned_main, &spawned));
  while (!spawned.done)
    g_usleep (100);
  g_assert_cmpstr (spawned.name, ==, "a-name-longer-t");
  g_assert_cmpint (spawned.detached, ==, PTHREAD_CREATE_DETACHED);
  pthread_sigmask (SIG_SETMASK, NULL, &mask);
  for (guint i = 0; i < G_N_ELEMENTS (blocked); i++) {
    g_assert_true (sigismember (&spawned.blocked, blocked[i]));
    g_assert_false (sigismember (&mask, blocked[i])); /* the caller's is as before */
  }
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    g_assert_false (sigismember (&spawned.blocked, open[i]));
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  alarm (TIMEOUT_S);
  wg_cond_init (&changed);
  events = g_ptr_array_new_with_free_func (event_free);
  lines = g_ptr_array_new_with_free_func (g_free);
  wg_log_set_func (on_line);
  wg_thread_set_func (on_thread, &ends);

  g_test_add_func ("/thread/leave", test_leave);
  g_test_add_func ("/thread/unwound", test_unwound);
  g_test_add_func ("/thread/fail", test_fail);
  g_test_add_func ("/thread/vanished", test_vanished);
  g_test_add_data_func ("/thread/nested/left", GINT_TO_POINTER (WG_THREAD_LEFT), test_nested);
  g_test_add_data_func ("/thread/nested/unwound", GINT_TO_POINTER (WG_THREAD_UNWOUND), test_nested);
  g_test_add_data_func (
      "/thread/nested/vanished", GINT_TO_POINTER (WG_THREAD_VANISHED), test_nested);
  g_test_add_func ("/thread/reused-id", test_reused_id);
  g_test_add_func ("/thread/damaged-list", test_damaged_list);
  g_test_add_func ("/thread/leave-without-enter", test_leave_without_enter);
  g_test_add_func ("/thread/no-cancellation-point", test_no_cancellation_point);
  g_test_add_func ("/thread/late-enter", test_late_enter);
  g_test_add_data_func ("/thread/main/unwound", GINT_TO_POINTER (WG_THREAD_UNWOUND), test_main);
  g_test_add_data_func ("/thread/main/vanished", GINT_TO_POINTER (WG_THREAD_VANISHED), test_main);
  g_test_add_func ("/thread/churn", test_churn);
  g_test_add_func ("/thread/lines", test_lines);
  g_test_add_func ("/thread/spawn", test_spawn);
  result = g_test_run ();

  wg_thread_set_func (NULL, NULL);
  wg_log_set_func (NULL);
  g_ptr_array_unref (events);
  g_ptr_array_unref (lines);
  return result;
}
