/* SPDX-License-Identifier: MIT */
#pragma once

#include <semaphore.h>
#include <wolf-guard/loop.h>

/* A semaphore that each wg_loop_stop() from now on posts, so that a thread can wait for the stop
 * and for something else. Look at wg_loop_is_stopped() before the first wait. It lives as long as
 * the loop. */
sem_t *wg_loop_add_semaphore (WgLoop *loop);

/* Have the scanner (beat.h) ask the loop, under that name, whenever it is run. The second time does
 * nothing. */
void wg_loop_watch (WgLoop *loop, const char *name);
