/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-os.h: what differs between C libraries. A port to another one changes relay-os.c only. */
#pragma once

#include <glib.h>
#include <semaphore.h>

G_BEGIN_DECLS

/* CLOCK_MONOTONIC, in nanoseconds. */
gint64 relay_now (void);

/* Waits until somebody posts; signals do not end the wait. */
void relay_sem_wait (sem_t *sem);
/* Waits for @ms milliseconds at most. Returns: whether somebody has posted */
gboolean relay_sem_wait_for (sem_t *sem, gint ms);

/* Starts a detached thread. Returns: FALSE if there can be no more threads */
gboolean relay_thread_start (void *(*run) (void *), void *data, const char *name);

G_END_DECLS
