/* SPDX-License-Identifier: MIT
 *
 * A lock never hangs anybody and knows who holds it. Deaths of its owners and its own have files of
 * their own.
 */
#include "lock-support.h"

#include "lock-copy.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define IN_VAIN 200 /* tries */
#define TSAN_FOUND 66

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
  g_assert_nonnull (strstr (line_at (0), "at '0'"));
  g_assert_nonnull (strstr (line_at (7), "at '7'"));
  g_assert_nonnull (strstr (line_at (8), "2 more reports"));
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

/* ---- time limits */

static void
test_limit (void)
{
  static const gint64 limits[] = { 0 /* the default's */, 1, 7, 120 };
  WgLock *lock = wg_lock_new ("slow");
  Holder holder;

  g_assert_cmpint (wg_lock_get_timeout_ms (), ==, TIME_LIMIT_MS);
  holder_start (&holder, lock, "stuck");
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    gint64 limit_us = (limits[i] ? limits[i] : TIME_LIMIT_MS) * 1000;
    gint64 begun = g_get_monotonic_time ();
    WgLockResult result = limits[i] ? wg_lock_acquire_within (lock, "hurry", limits[i])
                                    : wg_lock_acquire (lock, "hurry");

    g_assert_cmpint (result, ==, WG_LOCK_TIMEOUT);
    g_assert_cmpint (g_get_monotonic_time () - begun, >=, limit_us);
  }
  g_assert_cmpint (wg_lock_acquire_within (lock, "try", 0), ==, WG_LOCK_TIMEOUT);
  g_assert_cmpint (wg_lock_acquire_within (lock, "try", G_MININT64), ==, WG_LOCK_TIMEOUT);
  holder_stop (&holder);
  g_assert_cmpint (wg_lock_acquire_within (lock, "far", G_MAXINT64), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

/* How often the calling thread has waited for something. */
static long
waits (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_THREAD, &usage), ==, 0);
  return usage.ru_nvcsw;
}

/* An owner that keeps a lock costs one time limit; the next owner is waited for again. */
static void
test_limit_once (void)
{
  WgLock *lock = wg_lock_new ("slow");
  Holder holder;

  begin ();
  for (guint owner = 0; owner < 2; owner++) {
    gint64 begun = g_get_monotonic_time ();
    long waited;

    holder_start (&holder, lock, "stuck");
    g_assert_cmpint (wg_lock_acquire (lock, "hurry"), ==, WG_LOCK_TIMEOUT);
    g_assert_cmpint (g_get_monotonic_time () - begun, >=, TIME_LIMIT_MS * 1000);
    waited = waits ();
    for (guint i = 0; i < IN_VAIN; i++)
      g_assert_cmpint (wg_lock_acquire (lock, "hurry"), ==, WG_LOCK_TIMEOUT);
    g_assert_cmpint (waits () - waited, <, IN_VAIN / 2);
    g_assert_cmpuint (line_count (), ==, owner + 1); /* the one that waited says so, once */
    holder_stop (&holder);
  }
  ASSERT_COUNTS (.timeouts = 2 * (IN_VAIN + 1));
  g_assert_cmpint (wg_lock_acquire (lock, "at last"), ==, WG_LOCK_OK);
  g_assert_true (wg_lock_release (lock));
  wg_lock_unref (lock);
}

/* A time limit beyond what fits in a clock is no past one. */
static void
test_limit_huge (void)
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

/* What is planted is found, and what only looks like it is not: or no run under TSan means
 * anything. */
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

  g_test_init (&argc, &argv, NULL);
  lock_support_begin ();

  g_test_add_func ("/lock/plain", test_plain);
  g_test_add_func ("/lock/relock", test_relock);
  g_test_add_func ("/lock/many-reports", test_many_reports);
  g_test_add_func ("/lock/foreign-release", test_foreign_release);
  g_test_add_func ("/lock/limit", test_limit);
  g_test_add_func ("/lock/limit/once", test_limit_once);
  g_test_add_func ("/lock/limit/huge", test_limit_huge);
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
  return g_test_run ();
}
