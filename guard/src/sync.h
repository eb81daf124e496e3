/* SPDX-License-Identifier: MIT
 *
 * Conditions and threads as guard uses them. pthreads, because sanitizers see them: a GMutex is a
 * bare futex. Deadlines are in µs of wg_clock_now().
 *
 * No wait is a cancellation point: a thread that is cancelled in one would keep the mutex.
 */
#pragma once

#include "clock.h"

#include <pthread.h>

void wg_cond_init (pthread_cond_t *cond);

/* Wait until signalled. May return without a signal, as any condition. */
void wg_cond_wait (pthread_cond_t *cond, pthread_mutex_t *mutex);

/* Wait until signalled or until `deadline`. FALSE: the deadline has passed. TRUE may come without a
 * signal. */
gboolean wg_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *mutex, gint64 deadline);

/* Lock, at most until `until`, µs of g_get_monotonic_time(), whatever a test does to the clock. By
 * tries, which every sanitizer understands. FALSE: it is another thread's. */
gboolean wg_mutex_try_until (pthread_mutex_t *mutex, gint64 until);

/* Start a detached thread with a name of at most 15 characters. It takes no signals but those of
 * faults. FALSE: the system has no thread to give. */
gboolean wg_spawn (const char *name, void *(*func) (void *), void *data);
