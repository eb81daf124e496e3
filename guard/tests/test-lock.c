/* SPDX-License-Identifier: MIT
 *
 * A lock comes back from every death, never hangs anybody, knows who holds it, and outlives whoever
 * drops it too early.
 *
 * Threads that end by the exit syscall are not joined under sanitizers: TSan waits for ever for one that
 * it has not seen ending, and ASan does not expect to see its stack again.
 */
#include <wolf-guard/lock-inspect.h>
#include <wolf-guard/log.h>

#include "gate.h"
#include "lock-copy.h"
#include "../src/lock-private.h"
#include "../src/robust.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TIMEOUT_S 220 /* for the whole file; a hang is a failure */
#define PATIENT_MS (AWAIT_S * 1000)
#define BOUND_MS 60   /* WOLF_GUARD_LOCK_MS for this file */
#define LATE_MS 10000 /* how much later than its bound a wait may end on a busy machine */
#define DEATHS 25     /* of each kind */
#define CHURN 2000    /* rounds */
#define CHURN_S 2 /* and no longer than that: a busy machine needs 100 ms for one; with -m slow: */
#define CHURN_SLOW 10000
#define CHURN_YIELD 4 /* changes */
#define CHURN_WORKERS 2
#define CHURN_BARE_SANITIZED 50 /* one in so many: their stacks and TSan's slots do not come back */
#define ORPHANS 250             /* of each thread */
#define IN_VAIN 200             /* tries */
#define TSAN_FOUND 66

#ifdef WG_ROBUST_TSAN
#define UNDER_TSAN TRUE
#else
#define UNDER_TSAN FALSE
#endif

#ifdef __SANITIZE_ADDRESS__
#define UNDER_ASAN TRUE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN TRUE
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN FALSE
#endif

#define SANITIZED (UNDER_TSAN || UNDER_ASAN)

/* ---- what guard says */

static pthread_mutex_t lines_mutex = PTHREAD_MUTEX_INITIALIZER;
static GPtrArray *lines; /* of char *, "LEVEL [GUARD] TEXT" */

static void
on_log (WgLogLevel level, const char *line)
{
  g_assert_cmpuint (wg_lock_self.held, ==, 0); /* never under a lock */
  pthread_mutex_lock (&lines_mutex);
  g_ptr_array_add (lines, g_strdup_printf ("%d %s", level, line));
  pthread_mutex_unlock (&lines_mutex);
}

static guint
line_count (void)
{
  guint count;

  pthread_mutex_lock (&lines_mutex);
  count = lines->len;
  pthread_mutex_unlock (&lines_mutex);
  return count;
}

/* There is exactly one line, of that level and pattern (GPatternSpec); forget it. */
static void assert_one_line (WgLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);
static void
assert_one_line (WgLogLevel level, const char *format, ...)
{
  g_autofree char *text = NULL, *pattern = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  pattern = g_strdup_printf ("%d [GUARD] %s", level, text);
  pthread_mutex_lock (&lines_mutex);
  g_assert_cmpuint (lines->len, ==, 1);
  if (!g_pattern_match_simple (pattern, lines->pdata[0]))
    g_assert_cmpstr (lines->pdata[0], ==, pattern);
  g_ptr_array_set_size (lines, 0);
  pthread_mutex_unlock (&lines_mutex);
}

/* What each test begins with: nothing said, and where the numbers stand. */
static WgLockCounts before;

static void
begin (void)
{
  pthread_mutex_lock (&lines_mutex);
  g_ptr_array_set_size (lines, 0);
  pthread_mutex_unlock (&lines_mutex);
  wg_lock_get_counts (&before);
}

/* How much the numbers have grown since. `orphans` stands for itself. */
static void
assert_counts (WgLockCounts grown)
{
  WgLockCounts now;

  wg_lock_get_counts (&now);
  g_assert_cmpuint (now.recovered - before.recovered, ==, grown.recovered);
  g_assert_cmpuint (now.timeouts - before.timeouts, ==, grown.timeouts);
  g_assert_cmpuint (now.relocks - before.relocks, ==, grown.relocks);
  g_assert_cmpuint (now.foreign - before.foreign, ==, grown.foreign);
  g_assert_cmpuint (now.orphaned - before.orphaned, ==, grown.orphaned);
  g_assert_cmpuint (now.orphans, ==, grown.orphans);
}
#define ASSERT_COUNTS(...) assert_counts ((WgLockCounts){ __VA_ARGS__ })

/* ---- who holds it */

/* Another thread, which holds the lock until it is told to let go. */
typedef struct {
  pthread_t thread;
  Gate gate;
  WgLock *lock;
  const char *place;
  pid_t tid;
} Holder;

static void *
hold (void *data)
{
  Holder *holder = data;

  holder->tid = gettid ();
  g_assert_cmpint (wg_lock_acquire (holder->lock, holder->place), ==, WG_LOCK_OK);
  gate_pass (&holder->gate);
  return GINT_TO_POINTER (wg_lock_release (holder->lock));
}

static void
holder_start (Holder *holder, WgLock *lock, const char *place)
{
  *holder = (Holder){ .gate = GATE_INIT, .lock = lock, .place = place };
  gate_close (&holder->gate);
  g_assert_cmpint (pthread_create (&holder->thread, NULL, hold, holder), ==, 0);
  gate_await (&holder->gate, 1);
}

static void
holder_stop (Holder *holder)
{
  void *released;

  gate_open (&holder->gate);
  pthread_join (holder->thread, &released);
  g_assert_true (GPOINTER_TO_INT (released));
}

/* What another thread gets that only tries. */
static void *
try_once (void *lock)
{
  WgLockResult result = wg_lock_acquire_within (lock, "try", 0);

  if (wg_lock_is_mine (result))
    g_assert_true (wg_lock_release (lock));
  return GINT_TO_POINTER (result);
}

static WgLockResult
try_elsewhere (WgLock *lock)
{
  pthread_t thread;
  void *result;

  g_assert_cmpint (pthread_create (&thread, NULL, try_once, lock), ==, 0);
  pthread_join (thread, &result);
  return GPOINTER_TO_INT (result);
}

static gboolean
is_waited_for (WgLock *lock)
{
  WgLockOwner owner;

  return wg_lock_get_owner (lock, &owner) && owner.since != 0;
}

static void
test_plain (void)
{
  WgLock *lock = wg_lock_new ("plain"), *other = wg_lock_new ("other");
  WgLockOwner owner;

  begin ();
  g_assert_false (wg_lock_get_owner (lock, &owner));
  g_assert_cmpint (wg_lock_acquire (lock, "here"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_get_owner (lock, &owner));
  g_assert_cmpstr (owner.lock, ==, "plain");
  g_assert_cmpint (owner.tid, ==, gettid ());
  g_assert_cmpstr (owner.place, ==, "here");
  g_assert_cmpint (owner.since, ==, 0);
  g_assert_cmpint (try_elsewhere (lock), ==, WG_LOCK_TIMEOUT);
  g_assert_cmpint (wg_lock_acquire (other, "there"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock)); /* in any order */
  g_assert_true (wg_lock_release (other));
  g_assert_false (wg_lock_get_owner (lock, &owner));
  g_assert_cmpint (try_elsewhere (lock), ==, WG_LOCK_OK);

  g_assert_true (wg_lock_ref (lock) == lock);
  wg_lock_unref (lock);
  g_assert_cmpint (wg_lock_acquire_within (lock, "again", 0), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
  wg_lock_unref (other);
  wg_lock_unref (NULL);
  ASSERT_COUNTS (0); /* a try that fails is an answer */
  g_assert_cmpuint (line_count (), ==, 0);

  g_assert_true (wg_lock_is_mine (WG_LOCK_OK));
  g_assert_true (wg_lock_is_mine (WG_LOCK_RECOVERED));
  g_assert_false (wg_lock_is_mine (WG_LOCK_TIMEOUT));
  g_assert_false (wg_lock_is_mine (WG_LOCK_RELOCK));
}

/* ---- deaths */

typedef enum { BY_RETURN, BY_EXIT, BY_CANCEL, BY_BARE_EXIT, WAYS } Way;
static const char *const way_names[] = { "return", "pthread-exit", "cancel", "bare-exit" };

static void
end (Way way)
{
  switch (way) {
  case BY_EXIT:
    pthread_exit (NULL);
  case BY_CANCEL:
    pthread_cancel (pthread_self ());
    pthread_testcancel ();
    g_assert_not_reached ();
  case BY_BARE_EXIT:
    syscall (SYS_exit, 0);
    g_assert_not_reached ();
  case BY_RETURN:
  case WAYS:
    break;
  }
}

typedef struct {
  Way way;
  gboolean detached;
  WgLock *lock;
  atomic_int tid;       /* set when it holds the lock */
  atomic_bool is_ready; /* its last words: TSan does not see the kernel put a death in order */
} Death;

static void *
die (void *data)
{
  Death *death = data;
  Way way = death->way;

  g_assert_cmpint (wg_lock_acquire (death->lock, "death bed"), ==, WG_LOCK_OK);
  death->tid = gettid ();
  if (death->detached) /* then the successor comes by waiting, else by trying */
    assert_comes (is_waited_for, death->lock);
  death->is_ready = TRUE;
  end (way);
  return NULL;
}

static gboolean
has_tid (Death *death)
{
  return death->tid != 0;
}

/* A thread that has acquired the lock and dies, at once or as soon as somebody waits. */
static void
spawn_death (Death *death)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, die, death), ==, 0);
  if (death->detached) {
    pthread_detach (thread);
    assert_comes (has_tid, death);
  } else {
    pthread_join (thread, NULL);
  }
}

static void
test_death (gconstpointer data)
{
  Way way = GPOINTER_TO_UINT (data) % WAYS;
  gboolean detached = GPOINTER_TO_UINT (data) >= WAYS;

  if (SANITIZED && way == BY_BARE_EXIT && !detached) {
    g_test_skip ("sanitizers do not survive joining a thread that they have not seen ending");
    return;
  }
  for (int i = 0; i < DEATHS; i++) {
    WgLock *lock = wg_lock_new ("mortal");
    Death death = { .way = way, .detached = detached, .lock = lock };

    begin ();
    spawn_death (&death);
    g_assert_cmpint (wg_lock_acquire_within (lock, "heir", PATIENT_MS), ==, WG_LOCK_RECOVERED);
    g_assert_true (death.is_ready);
    ASSERT_COUNTS (.recovered = 1);
    g_assert_cmpuint (line_count (), ==, 0); /* not yet */
    g_assert_cmpint (try_elsewhere (lock), ==, WG_LOCK_TIMEOUT);
    g_assert_true (wg_lock_release (lock));
    assert_one_line (WG_LOG_ERROR,
        "lock 'mortal': its owner died with it, thread %d at 'death bed'; taken over by thread %d "
        "at 'heir'",
        death.tid, (int) gettid ());
    /* Once. */
    g_assert_cmpint (wg_lock_acquire (lock, "after"), ==, WG_LOCK_OK);
    g_assert_true (wg_lock_release (lock));
    ASSERT_COUNTS (.recovered = 1);
    wg_lock_unref (lock);
  }
}

/* Who recovered it dies with it as well. */
static void *
recover_and_die (void *lock)
{
  return GINT_TO_POINTER (wg_lock_acquire (lock, "second"));
}

static void
test_death_of_heir (void)
{
  WgLock *lock = wg_lock_new ("mortal");
  Death death = { .way = BY_RETURN, .lock = lock };
  pthread_t thread;
  void *result;

  begin ();
  spawn_death (&death);
  g_assert_cmpint (pthread_create (&thread, NULL, recover_and_die, lock), ==, 0);
  pthread_join (thread, &result);
  g_assert_cmpint (GPOINTER_TO_INT (result), ==, WG_LOCK_RECOVERED);
  g_assert_cmpint (wg_lock_acquire (lock, "third"), ==, WG_LOCK_RECOVERED);
  g_assert_true (wg_lock_release (lock));
  ASSERT_COUNTS (.recovered = 2);
  assert_one_line (
      WG_LOG_ERROR, "*at 'second'; taken over*"); /* the first's was the second's to say */
  wg_lock_unref (lock);
}

/* ---- all of it at once */

typedef struct {
  WgLock *lock;
  /* Under the lock. Atomics, because a dead owner orders nothing in TSan's eyes; never read and
   * written in one operation, so that two owners at a time would be seen. */
  atomic_int half; /* somebody is in the middle of something */
  atomic_uint changes;
  atomic_uint deaths, recovered, owners_seen, waited_for;
  atomic_bool enough;
  atomic_int worker_tids[CHURN_WORKERS];
} Churn;

static const char *const worker_places[CHURN_WORKERS] = { "worker 0", "worker 1" };

static guint
churn_enter (Churn *churn, const char *place)
{
  WgLockResult result = wg_lock_acquire_within (churn->lock, place, PATIENT_MS);

  g_assert_true (wg_lock_is_mine (result));
  g_assert_cmpint (churn->half, ==, result == WG_LOCK_RECOVERED);
  churn->half = 1;
  churn->changes = churn->changes + 1;
  if (churn->changes % CHURN_YIELD == 0)
    g_thread_yield (); /* for the others to run into it */
  churn->waited_for += is_waited_for (churn->lock);
  return result == WG_LOCK_RECOVERED;
}

static void
churn_leave (Churn *churn)
{
  churn->half = 0;
  g_assert_true (wg_lock_release (churn->lock));
}

typedef struct {
  Churn *churn;
  guint index; /* of a worker */
  Way way;     /* of who dies */
} ChurnTask;

/* Each thread's place is its own: an owner is never shown with another's. */
static void
churn_look (Churn *churn)
{
  WgLockOwner owner;

  if (!wg_lock_get_owner (churn->lock, &owner))
    return;
  churn->owners_seen++;
  for (guint i = 0; i < CHURN_WORKERS; i++)
    g_assert_true ((owner.tid == churn->worker_tids[i]) == (owner.place == worker_places[i]));
}

static void *
churn_work (void *data)
{
  const ChurnTask *task = data;
  Churn *churn = task->churn;
  guint changes = 0;

  churn->worker_tids[task->index] = gettid ();
  while (!churn->enough) {
    churn->recovered += churn_enter (churn, worker_places[task->index]);
    churn_leave (churn);
    changes++;
    churn_look (churn);
    g_thread_yield ();
  }
  return GUINT_TO_POINTER (changes);
}

static void *
churn_die (void *data)
{
  Churn *churn = ((ChurnTask *) data)->churn;
  Way way = ((ChurnTask *) data)->way;

  g_free (data);
  churn->recovered += churn_enter (churn, "dying");
  churn->deaths++;
  end (way);
  return NULL;
}

static void
test_churn (void)
{
  Churn churn = { .lock = wg_lock_new ("churn") };
  guint rounds = 0, changes = 0;
  gint64 begun = g_get_monotonic_time ();
  pthread_t workers[CHURN_WORKERS];
  ChurnTask tasks[CHURN_WORKERS];

  begin ();
  for (guint i = 0; i < CHURN_WORKERS; i++) {
    tasks[i] = (ChurnTask){ .churn = &churn, .index = i };
    g_assert_cmpint (pthread_create (&workers[i], NULL, churn_work, &tasks[i]), ==, 0);
  }
  while (g_test_slow () ? rounds < CHURN_SLOW : rounds < CHURN && seconds_since (begun) < CHURN_S) {
    guint i = rounds++;
    ChurnTask *task = g_new (ChurnTask, 1);
    Way way = i % WAYS;
    pthread_t thread;

    if (SANITIZED)
      way = i % CHURN_BARE_SANITIZED == 0 ? BY_BARE_EXIT : i % BY_BARE_EXIT;
    *task = (ChurnTask){ .churn = &churn, .way = way };
    g_assert_cmpint (pthread_create (&thread, NULL, churn_die, task), ==, 0);
    if (SANITIZED && way == BY_BARE_EXIT)
      pthread_detach (thread);
    else
      pthread_join (thread, NULL);
  }
  while (churn.deaths < rounds) { /* detached ones may be under way */
    churn.recovered += churn_enter (&churn, "main");
    churn_leave (&churn);
    changes++;
  }
  churn.enough = TRUE;
  for (guint i = 0; i < CHURN_WORKERS; i++) {
    void *changed;

    pthread_join (workers[i], &changed);
    changes += GPOINTER_TO_UINT (changed);
  }
  /* Waits until the last of them is through the kernel's hands, should nobody have it yet. */
  churn.recovered += churn_enter (&churn, "main");
  churn_leave (&churn);
  g_assert_cmpuint (churn.recovered, ==, rounds);
  g_assert_cmpuint (churn.changes, ==, changes + rounds + 1);
  ASSERT_COUNTS (.recovered = rounds);
  g_test_message ("%u deaths, %u changes, %u of them waited for, %u owners seen", rounds,
      churn.changes, churn.waited_for, churn.owners_seen);
  g_assert_cmpuint (churn.waited_for, >, 0);
  wg_lock_unref (churn.lock);
}

/* ---- mistakes */

static void
test_relock (void)
{
  WgLock *lock = wg_lock_new ("twice");

  begin ();
  g_assert_cmpint (wg_lock_acquire (lock, "first"), ==, WG_LOCK_OK);
  g_assert_cmpint (wg_lock_acquire (lock, "second"), ==, WG_LOCK_RELOCK);
  g_assert_cmpint (wg_lock_acquire_within (lock, "second", 0), ==, WG_LOCK_RELOCK);
  g_assert_cmpint (wg_lock_acquire_within (lock, "second", PATIENT_MS), ==, WG_LOCK_RELOCK);
  g_assert_cmpuint (line_count (), ==, 0); /* not under the lock */
  g_assert_cmpint (try_elsewhere (lock), ==, WG_LOCK_TIMEOUT);
  g_assert_true (wg_lock_release (lock));
  assert_one_line (WG_LOG_ERROR,
      "lock 'twice': asked for at 'second' by its owner, thread %d at 'first'", (int) gettid ());
  g_assert_cmpint (try_elsewhere (lock), ==, WG_LOCK_OK); /* one release was enough */

  /* The same again is no news, another place is. */
  g_assert_cmpint (wg_lock_acquire (lock, "first"), ==, WG_LOCK_OK);
  g_assert_cmpint (wg_lock_acquire (lock, "second"), ==, WG_LOCK_RELOCK);
  g_assert_cmpint (wg_lock_acquire (lock, "third"), ==, WG_LOCK_RELOCK);
  g_assert_true (wg_lock_release (lock));
  assert_one_line (WG_LOG_ERROR, "lock 'twice': asked for at 'third' by*");
  ASSERT_COUNTS (.relocks = 5);
  wg_lock_unref (lock);
}

/* More reports under one lock than there is room for. */
static void
test_many_reports (void)
{
  static const char *const places[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };
  WgLock *lock = wg_lock_new ("many");

  begin ();
  g_assert_cmpint (wg_lock_acquire (lock, "first"), ==, WG_LOCK_OK);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    g_assert_cmpint (wg_lock_acquire (lock, places[i]), ==, WG_LOCK_RELOCK);
  g_assert_true (wg_lock_release (lock));
  g_assert_cmpuint (line_count (), ==, 9);
  g_assert_nonnull (strstr (lines->pdata[0], "at '0'"));
  g_assert_nonnull (strstr (lines->pdata[7], "at '7'"));
  g_assert_nonnull (strstr (lines->pdata[8], "2 more reports"));
  wg_lock_unref (lock);
}

static void
test_foreign_release (void)
{
  WgLock *lock = wg_lock_new ("not yours");
  Death death = { .way = BY_RETURN, .lock = lock };
  Holder holder;

  begin ();
  g_assert_false (wg_lock_release (lock));
  assert_one_line (WG_LOG_ERROR,
      "lock 'not yours': thread %d released what it does not hold; held by nobody",
      (int) gettid ());

  holder_start (&holder, lock, "mine");
  g_assert_false (wg_lock_release (lock));
  assert_one_line (WG_LOG_ERROR,
      "lock 'not yours': thread %d released what it does not hold; held by thread %d at 'mine'",
      (int) gettid (), (int) holder.tid);
  g_assert_false (wg_lock_release (lock)); /* no news */
  g_assert_cmpuint (line_count (), ==, 0);
  g_assert_cmpint (wg_lock_acquire_within (lock, "try", 0), ==, WG_LOCK_TIMEOUT);
  holder_stop (&holder); /* its own release still counts */

  spawn_death (&death);
  g_assert_false (wg_lock_release (lock)); /* and a dead owner's lock is its heir's */
  assert_one_line (WG_LOG_ERROR, "*held by thread %d at 'death bed'", death.tid);
  g_assert_cmpint (wg_lock_acquire (lock, "heir"), ==, WG_LOCK_RECOVERED);
  g_assert_true (wg_lock_release (lock));
  g_assert_false (wg_lock_release (lock)); /* once too often */
  ASSERT_COUNTS (.foreign = 5, .recovered = 1);
  wg_lock_unref (lock);
}

/* ---- the last reference goes too early */

/* A later call finds it free. */
static void
come_by (void)
{
  wg_lock_unref (wg_lock_new ("passing by"));
}

static void
test_orphan_of_other (void)
{
  WgLock *lock = wg_lock_new ("orphan");
  Holder holder;

  begin ();
  holder_start (&holder, lock, "holding on");
  wg_lock_unref (lock);
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1);
  assert_one_line (WG_LOG_ERROR,
      "lock 'orphan': thread %d dropped the last reference while it is held by thread %d at "
      "'holding on'; *",
      (int) gettid (), (int) holder.tid);
  come_by ();
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1);
  g_assert_cmpuint (line_count (), ==, 0);
  holder_stop (&holder); /* writes into the memory: ASan would know */
  come_by ();
  ASSERT_COUNTS (.orphaned = 1, .orphans = 0);
  assert_one_line (WG_LOG_INFO, "lock 'orphan': the orphan is free, its memory given back");
}

static void
test_orphan_of_itself (void)
{
  WgLock *lock = wg_lock_new ("orphan");

  begin ();
  g_assert_cmpint (wg_lock_acquire (lock, "self"), ==, WG_LOCK_OK);
  wg_lock_unref (lock);
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1);
  g_assert_cmpint (wg_lock_acquire (lock, "self, again"), ==, WG_LOCK_RELOCK);
  come_by ();
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1, .relocks = 1);
  g_assert_cmpuint (line_count (), ==, 0);
  g_assert_true (wg_lock_release (lock));
  g_assert_cmpuint (line_count (), ==, 2); /* dropped; relock */
  g_assert_nonnull (strstr (lines->pdata[0], "held by thread"));
  begin ();
  wg_lock_unref (NULL); /* any call will do */
  ASSERT_COUNTS (.orphans = 0);
  assert_one_line (WG_LOG_INFO, "lock 'orphan': the orphan is free*");
}

/* Who holds an orphan may take a new reference, and has a lock again. */
static void
test_orphan_adopted (void)
{
  WgLock *lock = wg_lock_new ("orphan");

  begin ();
  g_assert_cmpint (wg_lock_acquire (lock, "self"), ==, WG_LOCK_OK);
  wg_lock_unref (lock);
  wg_lock_unref (wg_lock_ref (lock)); /* an orphan as before */
  g_assert_true (wg_lock_ref (lock) == lock);
  g_assert_true (wg_lock_release (lock));
  come_by ();
  g_assert_cmpint (wg_lock_acquire (lock, "again"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1);
  wg_lock_unref (lock);
  ASSERT_COUNTS (.orphaned = 1);
}

/* Its owner was dead when it was dropped: nothing to keep. */
static void
test_drop_of_dead (void)
{
  WgLock *lock = wg_lock_new ("orphan");
  Death death = { .way = BY_RETURN, .lock = lock };

  begin ();
  spawn_death (&death);
  wg_lock_unref (lock);
  ASSERT_COUNTS (.recovered = 1);
  assert_one_line (WG_LOG_ERROR,
      "lock 'orphan': its owner died with it, thread %d at 'death bed'; taken over by thread %d to "
      "be freed",
      death.tid, (int) gettid ());
}

typedef struct {
  Gate gate;
  WgLock *lock;
} Bereaved;

static void *
hold_and_vanish (void *data)
{
  Bereaved *bereaved = data;

  g_assert_cmpint (wg_lock_acquire (bereaved->lock, "to the end"), ==, WG_LOCK_OK);
  gate_pass (&bereaved->gate);
  end (BY_BARE_EXIT);
  return NULL;
}

static gboolean
is_reclaimed (gpointer unused)
{
  WgLockCounts counts;

  (void) unused;
  come_by ();
  wg_lock_get_counts (&counts);
  return counts.orphans == 0;
}

/* Its owner dies when it is an orphan already: the kernel goes through memory nobody refers to. */
static void
test_orphan_of_dying (void)
{
  static Bereaved bereaved = { .gate = GATE_INIT }; /* not on a stack that others use after it */
  pthread_t thread;

  begin ();
  bereaved.lock = wg_lock_new ("orphan");
  gate_close (&bereaved.gate);
  g_assert_cmpint (pthread_create (&thread, NULL, hold_and_vanish, &bereaved), ==, 0);
  pthread_detach (thread);
  gate_await (&bereaved.gate, 1);
  wg_lock_unref (bereaved.lock);
  ASSERT_COUNTS (.orphaned = 1, .orphans = 1);
  gate_open (&bereaved.gate);
  assert_comes (is_reclaimed, NULL);
  ASSERT_COUNTS (.orphaned = 1, .recovered = 1);
  g_assert_cmpuint (line_count (), ==, 3); /* dropped; died; given back */
}

static void *
wait_for_it (void *lock)
{
  WgLockResult result = wg_lock_acquire_within (lock, "in the queue", PATIENT_MS);

  g_assert_true (wg_lock_release (lock));
  return GINT_TO_POINTER (result);
}

/* It is dropped while somebody waits, and held by the waiter when that is done. */
static void
test_orphan_of_waiter (void)
{
  WgLock *lock = wg_lock_new ("orphan");
  pthread_t thread;
  void *result;

  begin ();
  g_assert_cmpint (wg_lock_acquire (lock, "first in"), ==, WG_LOCK_OK);
  g_assert_cmpint (pthread_create (&thread, NULL, wait_for_it, lock), ==, 0);
  assert_comes (is_waited_for, lock);
  wg_lock_unref (lock);
  ASSERT_COUNTS (0); /* the waiter refers to it */
  g_assert_true (wg_lock_release (lock));
  pthread_join (thread, &result);
  g_assert_cmpint (GPOINTER_TO_INT (result), ==, WG_LOCK_OK);
  come_by ();
  ASSERT_COUNTS (.orphaned = 1);
}

/* Drops what it holds, takes a new reference or not, lets go, drops that. */
static void *
make_orphans (void *unused)
{
  for (guint i = 0; i < ORPHANS; i++) {
    WgLock *lock = wg_lock_new ("orphan");

    g_assert_cmpint (wg_lock_acquire (lock, "self"), ==, WG_LOCK_OK);
    wg_lock_unref (lock);
    if (i % 2) {
      wg_lock_ref (lock);
      g_assert_true (wg_lock_release (lock));
      wg_lock_unref (lock);
    } else {
      g_assert_true (wg_lock_release (lock));
    }
  }
  return unused;
}

/* Threads that make orphans free each other's, each of them once. */
static void
test_orphans_of_many (void)
{
  pthread_t threads[4];

  begin ();
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, make_orphans, NULL), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  come_by ();
  ASSERT_COUNTS (.orphaned = G_N_ELEMENTS (threads) * ORPHANS, .orphans = 0);
}

/* ---- bounds */

static void
test_bound (void)
{
  static const gint64 bounds[] = { 0 /* the default's */, 1, 7, 120 };
  WgLock *lock = wg_lock_new ("slow");
  Holder holder;

  g_assert_cmpint (wg_lock_get_timeout_ms (), ==, BOUND_MS);
  holder_start (&holder, lock, "stuck");
  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++) {
    gint64 bound_us = (bounds[i] ? bounds[i] : BOUND_MS) * 1000, begun = g_get_monotonic_time (),
           took;
    WgLockResult result = bounds[i] ? wg_lock_acquire_within (lock, "hurry", bounds[i])
                                    : wg_lock_acquire (lock, "hurry");

    took = g_get_monotonic_time () - begun;
    g_assert_cmpint (result, ==, WG_LOCK_TIMEOUT);
    g_assert_cmpint (took, >=, bound_us);
    g_assert_cmpint (took, <=, bound_us + LATE_MS * 1000);
    g_test_message ("%d us: %d us late", (int) bound_us, (int) (took - bound_us));
  }
  g_assert_cmpint (wg_lock_acquire_within (lock, "try", 0), ==, WG_LOCK_TIMEOUT);
  g_assert_cmpint (wg_lock_acquire_within (lock, "try", G_MININT64), ==, WG_LOCK_TIMEOUT);
  holder_stop (&holder);
  g_assert_cmpint (wg_lock_acquire_within (lock, "far", G_MAXINT64), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

/* Who keeps a lock costs one bound; the next owner is waited for again. */
static void
test_bound_once (void)
{
  WgLock *lock = wg_lock_new ("slow");
  Holder holder;

  begin ();
  for (guint turn = 0; turn < 2; turn++) {
    gint64 begun = g_get_monotonic_time ();

    holder_start (&holder, lock, "stuck");
    g_assert_cmpint (wg_lock_acquire (lock, "hurry"), ==, WG_LOCK_TIMEOUT);
    g_assert_cmpint (g_get_monotonic_time () - begun, >=, BOUND_MS * 1000);
    begun = g_get_monotonic_time ();
    for (guint i = 0; i < IN_VAIN; i++)
      g_assert_cmpint (wg_lock_acquire (lock, "hurry"), ==, WG_LOCK_TIMEOUT);
    /* Half of it, and a busy machine makes no difference. */
    g_assert_cmpint (g_get_monotonic_time () - begun, <, BOUND_MS * 1000 * IN_VAIN / 2);
    g_assert_cmpuint (line_count (), ==, turn + 1); /* who waited says so, once */
    holder_stop (&holder);
  }
  ASSERT_COUNTS (.timeouts = 2 * (IN_VAIN + 1));
  g_assert_cmpint (wg_lock_acquire (lock, "at last"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

/* A bound beyond what fits in a clock is no past one. */
static void
test_bound_huge (void)
{
  WgLock *lock = wg_lock_new ("slow");
  Death death = { .way = BY_RETURN, .detached = TRUE, .lock = lock };

  spawn_death (&death);
  g_assert_cmpint (wg_lock_acquire_within (lock, "far", G_MAXINT64), ==, WG_LOCK_RECOVERED);
  g_assert_true (death.is_ready);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

static void
test_timeout_report (void)
{
  WgLock *lock = wg_lock_new ("slow"), *other = wg_lock_new ("other");
  gint64 begun = g_get_monotonic_time ();
  WgLockOwner owner;
  Holder holder;

  begin ();
  holder_start (&holder, lock, "stuck");
  g_assert_cmpint (wg_lock_acquire_within (lock, "hurry", 5), ==, WG_LOCK_TIMEOUT);
  assert_one_line (WG_LOG_WARNING,
      "lock 'slow': thread %d at 'hurry' gave up after 5 ms; held by thread %d at 'stuck', waited "
      "for "
      "since ?* ms",
      (int) gettid (), (int) holder.tid);
  g_assert_true (wg_lock_get_owner (lock, &owner));
  g_assert_cmpint (owner.since, >=, begun);
  g_assert_cmpint (owner.since, <=, g_get_monotonic_time ());
  /* The same owner at the same place is no news. */
  g_assert_cmpint (wg_lock_acquire_within (lock, "elsewhere", 5), ==, WG_LOCK_TIMEOUT);
  g_assert_cmpuint (line_count (), ==, 0);
  holder_stop (&holder);
  g_assert_cmpint (wg_lock_acquire (lock, "next"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_get_owner (lock, &owner));
  g_assert_cmpint (owner.since, ==, 0); /* nobody waits for this one */
  g_assert_true (wg_lock_release (lock));

  /* Another one is; but it has to wait until this thread holds nothing. */
  holder_start (&holder, lock, "stuck again");
  g_assert_cmpint (wg_lock_acquire (other, "outer"), ==, WG_LOCK_OK);
  g_assert_cmpint (wg_lock_acquire_within (lock, "inner", 5), ==, WG_LOCK_TIMEOUT);
  g_assert_cmpuint (line_count (), ==, 0);
  g_assert_true (wg_lock_release (other));
  assert_one_line (WG_LOG_WARNING, "lock 'slow': thread * at 'inner' gave up * at 'stuck again'*");
  holder_stop (&holder);
  ASSERT_COUNTS (.timeouts = 3);
  wg_lock_unref (lock);
  wg_lock_unref (other);
}

/* The host's log function may use locks itself, this one included. */
static WgLock *log_lock;
static guint logged;

static void
log_with_lock (WgLogLevel level, const char *line)
{
  static gboolean logging;

  g_assert_false (logging); /* one line after the other, not within it */
  logging = TRUE;
  on_log (level, line);
  g_assert_cmpint (wg_lock_acquire (log_lock, "logging"), ==, WG_LOCK_OK);
  g_assert_cmpint (wg_lock_acquire (log_lock, "logging twice"), ==, WG_LOCK_RELOCK);
  logged++;
  g_assert_true (wg_lock_release (log_lock));
  logging = FALSE;
}

static void
test_log_uses_lock (void)
{
  Death death = { .way = BY_RETURN };

  begin ();
  death.lock = log_lock = wg_lock_new ("the log's");
  wg_log_set_func (log_with_lock);
  spawn_death (&death);
  g_assert_cmpint (wg_lock_acquire (log_lock, "heir"), ==, WG_LOCK_RECOVERED);
  g_assert_true (wg_lock_release (log_lock));
  wg_log_set_func (on_log);
  g_assert_cmpuint (logged, ==, 2); /* the death; the first relock */
  wg_lock_unref (log_lock);
}

/* ---- the setting, in a process of its own */

static void
test_setting (gconstpointer data)
{
  const char *value = data;
  gint64 expected = g_strcmp0 (value, "123") ? 500 : 123;

  if (g_test_subprocess ()) {
    wg_log_set_func (NULL);
    if (value)
      g_setenv ("WOLF_GUARD_LOCK_MS", value, TRUE);
    else
      g_unsetenv ("WOLF_GUARD_LOCK_MS");
    wg_lock_unref (wg_lock_new ("any"));
    g_assert_cmpint (wg_lock_get_timeout_ms (), ==, expected);
    g_assert_cmpint (wg_lock_get_timeout_ms (), ==, expected);
    return;
  }
  g_test_trap_subprocess (NULL, TIMEOUT_S * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
  if (!value || expected == 123) {
    g_test_trap_assert_stderr_unmatched ("*WOLF_GUARD*");
  } else {
    g_test_trap_assert_stderr ("*WARNING ?GUARD? WOLF_GUARD_LOCK_MS=*500*");
    g_test_trap_assert_stderr_unmatched ("*WOLF_GUARD*WOLF_GUARD*");
  }
}

/* ---- two copies of guard in one process, and this file's */

static const LockCopy *
load (const char *file, void **handle)
{
  g_autofree char *path = g_test_build_filename (G_TEST_BUILT, file, NULL);
  LockCopyFunc entry;

  *handle = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (!*handle)
    g_error ("%s", dlerror ());
  *(void **) &entry = dlsym (*handle, LOCK_COPY_ENTRY);
  g_assert_nonnull (entry);
  return entry ();
}

typedef struct {
  const LockCopy *copy;
  WgLock *lock;
} Copied;

static void *
die_with_all (void *data)
{
  Copied *copied = data;

  for (guint i = 0; i < 2; i++)
    g_assert_cmpint (copied[i].copy->acquire (copied[i].lock, "both"), ==, WG_LOCK_OK);
  return NULL;
}

static void
log_of_a (WgLogLevel level, const char *line)
{
  (void) level;
  g_printerr ("A hears %s\n", line);
}

static void
test_copies (void)
{
  Copied copied[2];
  WgLockCounts counts;
  pthread_t thread;
  void *handle;

  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, TIMEOUT_S * G_USEC_PER_SEC, 0);
    g_test_trap_assert_passed ();
    g_test_trap_assert_stderr ("*A hears ?GUARD? lock 'a': its owner died*");
    g_test_trap_assert_stderr_unmatched ("*A hears*A hears*");
    g_test_trap_assert_stderr ("*ERROR ?GUARD? lock 'b': its owner died*");
    g_test_trap_assert_stderr_unmatched ("*lock 'b'*lock 'b'*");
    return;
  }
  begin ();
  for (guint i = 0; i < 2; i++) {
    copied[i].copy = load (i ? "lock-copy-b.so" : "lock-copy-a.so", &handle);
    g_assert_null (dlsym (handle, "wg_lock_new"));
    g_assert_true (copied[i].copy->create != wg_lock_new);
    copied[i].lock = copied[i].copy->create (i ? "b" : "a");
  }
  g_assert_true (copied[0].copy->create != copied[1].copy->create);
  copied[0].copy->set_log_func (log_of_a);

  g_assert_cmpint (pthread_create (&thread, NULL, die_with_all, copied), ==, 0);
  pthread_join (thread, NULL);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (copied[i].copy->acquire (copied[i].lock, "heir"), ==, WG_LOCK_RECOVERED);
    g_assert_true (copied[i].copy->release (copied[i].lock));
    for (guint j = 0; j < 2; j++) {
      copied[j].copy->get_counts (&counts);
      g_assert_cmpuint (counts.recovered, ==, j <= i); /* each counts its own */
    }
    copied[i].copy->unref (copied[i].lock);
  }
  ASSERT_COUNTS (0);
  g_assert_cmpuint (line_count (), ==, 0);
}

/* The control: a copy that shows its symbols ends up with this program's. */
static void
test_copies_visible (void)
{
  void *handle;

  g_assert_true (load ("lock-copy-visible.so", &handle)->create == wg_lock_new);
}

/* ---- ThreadSanitizer */

typedef struct {
  const char *fault;
  const char *report; /* NULL: none is due */
} Planted;

static const Planted planted[] = {
  { "race", "WARNING: ThreadSanitizer: data race" },
  { "wrong-lock", "WARNING: ThreadSanitizer: data race" },
  { "inversion", "WARNING: ThreadSanitizer: lock-order-inversion" },
  { "waited", NULL },
  { "tried", NULL },
  { "recovered", NULL },
};

/* What is planted is found, and what only looks like it is not: or no run under TSan means anything. */
static void
test_planted (gconstpointer data)
{
  const Planted *plant = data;
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "lock-fault", NULL);
  char *argv[] = { program, (char *) plant->fault, NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TSAN_OPTIONS",
      "exitcode=" G_STRINGIFY (TSAN_FOUND) ":detect_deadlocks=1", TRUE);
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!UNDER_TSAN) {
    g_test_skip ("not built with ThreadSanitizer");
    return;
  }
  environment = g_environ_unsetenv (environment, "WOLF_GUARD_LOCK_MS");
  g_spawn_sync (NULL, argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &errors,
      &status, &error);
  g_assert_no_error (error);
  if (plant->report) {
    g_assert_false (g_spawn_check_wait_status (status, &error));
    g_assert_error (error, G_SPAWN_EXIT_ERROR, TSAN_FOUND);
    g_assert_nonnull (strstr (errors, plant->report));
  } else {
    if (strstr (errors, "ThreadSanitizer"))
      g_test_message ("%s", errors);
    g_assert_true (g_spawn_check_wait_status (status, &error));
    g_assert_null (strstr (errors, "ThreadSanitizer"));
  }
}

static void
add (const char *path, gconstpointer data, GTestDataFunc func)
{
  g_test_add_data_func (path, data, func);
}

int
main (int argc, char **argv)
{
  static const char *const bad[] = { "", "0", "-1", "soon", "5.5", "600001" };
  int result;

  g_test_init (&argc, &argv, NULL);
  g_setenv ("WOLF_GUARD_LOCK_MS", G_STRINGIFY (BOUND_MS), TRUE);
  alarm (TIMEOUT_S);
  lines = g_ptr_array_new_with_free_func (g_free);
  wg_log_set_func (on_log);

  g_test_add_func ("/lock/plain", test_plain);
  for (guint i = 0; i < 2 * WAYS; i++) {
    g_autofree char *path = g_strdup_printf (
        "/lock/death/%s/%s", way_names[i % WAYS], i < WAYS ? "joined" : "detached");

    add (path, GUINT_TO_POINTER (i), test_death);
  }
  g_test_add_func ("/lock/death/of-the-heir", test_death_of_heir);
  g_test_add_func ("/lock/churn", test_churn);
  g_test_add_func ("/lock/relock", test_relock);
  g_test_add_func ("/lock/many-reports", test_many_reports);
  g_test_add_func ("/lock/foreign-release", test_foreign_release);
  g_test_add_func ("/lock/orphan/of-other", test_orphan_of_other);
  g_test_add_func ("/lock/orphan/of-itself", test_orphan_of_itself);
  g_test_add_func ("/lock/orphan/adopted", test_orphan_adopted);
  g_test_add_func ("/lock/orphan/of-dead", test_drop_of_dead);
  g_test_add_func ("/lock/orphan/of-dying", test_orphan_of_dying);
  g_test_add_func ("/lock/orphan/of-waiter", test_orphan_of_waiter);
  g_test_add_func ("/lock/orphan/of-many", test_orphans_of_many);
  g_test_add_func ("/lock/bound", test_bound);
  g_test_add_func ("/lock/bound/once", test_bound_once);
  g_test_add_func ("/lock/bound/huge", test_bound_huge);
  g_test_add_func ("/lock/timeout-report", test_timeout_report);
  g_test_add_func ("/lock/log-uses-lock", test_log_uses_lock);
  add ("/lock/setting/default", NULL, test_setting);
  add ("/lock/setting/good", "123", test_setting);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *path = g_strdup_printf ("/lock/setting/bad/%u", i);

    add (path, bad[i], test_setting);
  }
  g_test_add_func ("/lock/copies", test_copies);
  g_test_add_func ("/lock/copies/visible", test_copies_visible);
  for (guint i = 0; i < G_N_ELEMENTS (planted); i++) {
    g_autofree char *path = g_strdup_printf ("/lock/tsan/%s", planted[i].fault);

    add (path, &planted[i], test_planted);
  }
  result = g_test_run ();
  g_ptr_array_unref (lines);
  return result;
}
