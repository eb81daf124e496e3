/* SPDX-License-Identifier: MIT
 *
 * What the tests of locks share: guard's lines and counts, a thread that holds a lock, a thread
 * that dies with one.
 */
#pragma once

#include "gate.h"
#include "../src/lock-private.h"
#include "../src/robust.h"

#include <stdatomic.h>
#include <wolf-guard/lock-inspect.h>
#include <wolf-guard/log.h>

#define TIMEOUT_S 220 /* for a whole file; a hang is a failure */
#define PATIENT_MS (AWAIT_S * 1000)
#define TIME_LIMIT_MS 60 /* WOLF_GUARD_LOCK_MS for these files */

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

/* --- what guard says */

/* In main(), after g_test_init(). */
void lock_support_begin (void);

/* What each test begins with: nothing said, and where the numbers stand. */
void begin (void);
guint line_count (void);
/* The line `index`; valid until the next begin(). */
const char *line_at (guint index);
/* There is exactly one line, of that level and pattern (GPatternSpec); forget it. */
void assert_one_line (WgLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* How much the numbers have grown since begin(). `orphans` stands for itself. */
void assert_counts (WgLockCounts grown);
#define ASSERT_COUNTS(...) assert_counts ((WgLockCounts){ __VA_ARGS__ })
/* The log function of these tests. */
void on_log (WgLogLevel level, const char *line);

/* --- threads that hold */

/* Another thread, which holds the lock until it is told to let go. */
typedef struct {
  pthread_t thread;
  Gate gate;
  WgLock *lock;
  const char *place;
  pid_t tid;
} Holder;

void holder_start (Holder *holder, WgLock *lock, const char *place);
void holder_stop (Holder *holder);

/* What another thread gets that only tries. */
WgLockResult try_elsewhere (WgLock *lock);

/* Condition: somebody waits for the lock's owner. */
gboolean is_waited_for (WgLock *lock);

/* --- threads that die */

typedef enum { BY_RETURN, BY_EXIT, BY_CANCEL, BY_BARE_EXIT, WAYS } Way;
void end_thread (Way way);

typedef struct {
  Way way;
  gboolean detached;
  WgLock *lock;
  atomic_int tid;       /* set when it holds the lock */
  atomic_bool is_ready; /* its last words: TSan does not see the kernel put a death in order */
} Death;

/* A thread that has acquired the lock and dies, at once or, detached, as soon as somebody waits. */
void spawn_death (Death *death);
