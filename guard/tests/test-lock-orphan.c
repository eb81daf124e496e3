/* SPDX-License-Identifier: MIT
 *
 * A lock outlives the thread that drops its last reference while another one holds it.
 */
#include "lock-support.h"

#include <string.h>
#include <unistd.h>

#define ORPHANS 250 /* of each thread */

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
  g_assert_nonnull (strstr (line_at (0), "held by thread"));
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
  end_thread (BY_BARE_EXIT);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lock_support_begin ();
  g_test_add_func ("/lock/orphan/of-other", test_orphan_of_other);
  g_test_add_func ("/lock/orphan/of-itself", test_orphan_of_itself);
  g_test_add_func ("/lock/orphan/adopted", test_orphan_adopted);
  g_test_add_func ("/lock/orphan/of-dead", test_drop_of_dead);
  g_test_add_func ("/lock/orphan/of-dying", test_orphan_of_dying);
  g_test_add_func ("/lock/orphan/of-waiter", test_orphan_of_waiter);
  g_test_add_func ("/lock/orphan/of-many", test_orphans_of_many);
  return g_test_run ();
}
