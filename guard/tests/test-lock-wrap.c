/* SPDX-License-Identifier: MIT
 *
 * A lock after 2^32 acquisitions. The source is included, to begin there.
 */
#include "../src/lock.c"

#include "gate.h"

static Gate gate = GATE_INIT;

static gpointer
hold_at_gate (gpointer lock)
{
  g_assert_cmpint (wg_lock_acquire (lock, "holder"), ==, WG_LOCK_OK);
  gate_pass (&gate);
  wg_lock_release (lock);
  return NULL;
}

/* The acquisition that a 32-bit number would call 0xffffffff is not taken for one that was waited
 * for. */
static void
test_wrap (gconstpointer first)
{
  WgLock *lock = wg_lock_new ("wrap");
  GThread *holder;

  atomic_store (&lock->acquisition, (guint64) GPOINTER_TO_SIZE (first) - 1);
  gate_close (&gate);
  holder = g_thread_new ("holder", hold_at_gate, lock);
  gate_await (&gate, 1);
  g_assert_false (is_kept (lock));
  g_assert_cmpint (wg_lock_acquire (lock, "first"), ==, WG_LOCK_TIMEOUT);
  g_assert_true (is_kept (lock)); /* now it is */
  g_assert_cmpint (wg_lock_acquire (lock, "second"), ==, WG_LOCK_TIMEOUT);
  gate_open (&gate);
  g_thread_join (holder);
  g_assert_false (is_kept (lock));
  g_assert_cmpint (wg_lock_acquire (lock, "third"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

int
main (int argc, char **argv)
{
  g_setenv ("WOLF_GUARD_LOCK_MS", "20", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/lock/wrap/at", GSIZE_TO_POINTER (G_MAXUINT32), test_wrap);
  g_test_add_data_func ("/lock/wrap/after", GSIZE_TO_POINTER ((gsize) G_MAXUINT32 + 1), test_wrap);
  g_test_add_data_func ("/lock/wrap/first", GSIZE_TO_POINTER (1), test_wrap);
  return g_test_run ();
}
