/* SPDX-License-Identifier: MIT
 *
 * bare-thread.h: the least that a hand-over to another thread can cost.
 *
 * A thread that sleeps on a semaphore and pushes each buffer that it is given into a number of
 * pads. No queue, no caps, no limits, no switches: whatever takes a producer's buffers to a thread
 * of the consumer's own cannot be cheaper. What a plugin costs is to be held against it.
 *
 * Threads: bare_thread_give() by one thread; it returns at once. There is one place: to give a
 * buffer before the last one has been taken fails.
 */
#pragma once

#include <gst/gst.h>

typedef struct BareThread BareThread;

/* Runs until the process ends. */
BareThread *bare_thread_new (void);
/* A pad for it to push to; before the first buffer. Its events are sent here. */
void bare_thread_add (BareThread *thread, GstPad *peer);
/* Takes the buffer. FALSE: the last one still waits. */
gboolean bare_thread_give (BareThread *thread, GstBuffer *buffer);
