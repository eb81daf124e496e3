/* SPDX-License-Identifier: MIT
 *
 * A lock comes back from every death of its owner.
 *
 * Threads that end by the exit syscall are not joined under sanitizers: TSan waits for ever for one
 * that it has not seen ending, and ASan does not expect to see its stack again.
 */
#include "lock-support.h"

#include <unistd.h>

#define DEATHS 25 /* of each kind */
#define CHURN 200 /* rounds; with -m slow: */
#define CHURN_SLOW 10000
#define CHURN_YIELD 4 /* changes */
#define CHURN_WORKERS 2
#define CHURN_BARE_SANITIZED 50 /* one in so many: their stacks and TSan's slots do not come back */

static const char *const way_names[] = { "return", "pthread-exit", "cancel", "bare-exit" };

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
  end_thread (way);
  return NULL;
}

static void
test_churn (void)
{
  Churn churn = { .lock = wg_lock_new ("churn") };
  guint rounds = 0, changes = 0;
  pthread_t workers[CHURN_WORKERS];
  ChurnTask tasks[CHURN_WORKERS];

  begin ();
  for (guint i = 0; i < CHURN_WORKERS; i++) {
    tasks[i] = (ChurnTask){ .churn = &churn, .index = i };
    g_assert_cmpint (pthread_create (&workers[i], NULL, churn_work, &tasks[i]), ==, 0);
  }
  while (rounds < (g_test_slow () ? CHURN_SLOW : CHURN)) {
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lock_support_begin ();
  for (guint i = 0; i < 2 * WAYS; i++) {
    g_autofree char *path = g_strdup_printf (
        "/lock/death/%s/%s", way_names[i % WAYS], i < WAYS ? "joined" : "detached");

    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_death);
  }
  g_test_add_func ("/lock/death/of-the-heir", test_death_of_heir);
  g_test_add_func ("/lock/churn", test_churn);
  return g_test_run ();
}
