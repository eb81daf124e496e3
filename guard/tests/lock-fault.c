/* SPDX-License-Identifier: MIT
 *
 * Faults for ThreadSanitizer to find, and what looks like one to a tool that does not understand
 * the lock. Built with it, each name ends as test-lock.c expects; without, nothing is to be seen.
 *
 *   lock-fault race|wrong-lock|inversion|waited|tried|recovered
 */
#include <wolf-guard/lock-inspect.h>

#include "gate.h"

#include <string.h>
#include <unistd.h>

#define ROUNDS 1000

typedef struct {
  WgLock *first, *second; /* NULL: none */
  gint64 second_ms;
  int rounds;
} Task;

static int plain; /* what the locks protect, or fail to */

static void
take (WgLock *lock, gint64 ms)
{
  if (lock)
    g_assert_true (wg_lock_is_mine (wg_lock_acquire_within (lock, "fault", ms)));
}

static void
give (WgLock *lock)
{
  if (lock)
    g_assert_true (wg_lock_release (lock));
}

static void *
work (void *data)
{
  const Task *task = data;

  for (int i = 0; i < task->rounds; i++) {
    take (task->first, AWAIT_S * 1000);
    take (task->second, task->second_ms);
    plain++;
    give (task->second);
    give (task->first);
  }
  return NULL;
}

static void
run (Task *task)
{
  pthread_t thread;

  g_assert_cmpint (pthread_create (&thread, NULL, work, task), ==, 0);
  pthread_join (thread, NULL);
}

static void
run_both (Task *one, Task *other)
{
  pthread_t threads[2];

  g_assert_cmpint (pthread_create (&threads[0], NULL, work, one), ==, 0);
  g_assert_cmpint (pthread_create (&threads[1], NULL, work, other), ==, 0);
  pthread_join (threads[0], NULL);
  pthread_join (threads[1], NULL);
}

static gboolean
is_waited_for (WgLock *lock)
{
  WgLockOwner owner;

  return wg_lock_get_owner (lock, &owner) && owner.since != 0;
}

/* The other thread comes by waiting. */
static void
run_waited (WgLock *lock)
{
  Task task = { .first = lock, .rounds = ROUNDS };
  pthread_t thread;

  take (lock, 0);
  g_assert_cmpint (pthread_create (&thread, NULL, work, &task), ==, 0);
  assert_comes (is_waited_for, lock);
  plain++;
  give (lock);
  work (&task);
  pthread_join (thread, NULL);
  g_assert_cmpint (plain, ==, 2 * ROUNDS + 1);
}

static void *
die (void *lock)
{
  take (lock, 0);
  return NULL;
}

int
main (int argc, char **argv)
{
  const char *fault = argc == 2 ? argv[1] : "";
  WgLock *a = wg_lock_new ("a"), *b = wg_lock_new ("b");
  Task with_a = { .first = a, .rounds = 1 }, with_b = { .first = b, .rounds = 1 };
  Task without = { .rounds = 1 };
  Task a_then_b = { a, b, AWAIT_S * 1000, 1 }, b_then_a = { b, a, AWAIT_S * 1000, 1 };
  Task b_then_maybe_a = { b, a, 0, 1 };
  pthread_t thread;

  alarm (AWAIT_S);
  if (!strcmp (fault, "race")) {
    run_both (&with_a, &without);
  } else if (!strcmp (fault, "wrong-lock")) {
    run_both (&with_a, &with_b);
  } else if (!strcmp (fault, "inversion")) {
    run (&a_then_b);
    run (&b_then_a);
  } else if (!strcmp (fault, "tried")) {
    run (&a_then_b);
    run (&b_then_maybe_a);
  } else if (!strcmp (fault, "waited")) {
    run_waited (a);
  } else if (!strcmp (fault, "recovered")) {
    g_assert_cmpint (pthread_create (&thread, NULL, die, a), ==, 0);
    pthread_join (thread, NULL);
    g_assert_cmpint (wg_lock_acquire (a, "fault"), ==, WG_LOCK_RECOVERED);
    give (a);
    run_waited (a);
  } else {
    g_printerr ("usage: lock-fault race|wrong-lock|inversion|waited|tried|recovered\n");
    return 3;
  }
  wg_lock_unref (a);
  wg_lock_unref (b);
  return 0;
}
