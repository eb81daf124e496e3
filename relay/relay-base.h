/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-base.h: the thread that GstBaseSrc gives an interpipesrc.
 *
 * The thread opens the inbox and leaves the STREAM_LOCK. Then it does one of two things until the
 * element flushes, stops or ends its stream:
 * - It stands in the appsrc's create(), while a worker of the name sends (relay-pool.h). What an
 *   application puts into the appsrc by hand comes out there, joins the inbox, and is sent by this
 *   thread unless a worker is at it.
 * - It sends by itself: the element's work runs alone. What comes by hand then waits for the end of
 *   a run, or RELAY_LINGER_MS if there is none.
 *
 * A worker that gives the work to this thread unlocks the appsrc, so that create() returns. What is
 * pushed by hand in that moment is refused as flushing.
 *
 * Whatever sends holds the STREAM_LOCK, as this thread would in another source. So a thread that
 * takes the STREAM_LOCK to be sure that nothing is sent is right.
 */
#pragma once

#include "relay-stream.h"

#include <gst/app/gstappsrc.h>

G_BEGIN_DECLS

typedef struct {
  GstBaseSrc *src;         /* not ours: it has this */
  GstBaseSrcClass *appsrc; /* whose functions stand behind these */
  RelayInbox *inbox;
  RelayStream *stream;
  atomic_bool unlocked; /* between the base class's unlock and unlock_stop */
  atomic_bool parked;   /* the thread stands in the appsrc's create() */
  sem_t come_out;       /* it does not any more */
  atomic_int ending;    /* a GstFlowReturn that ends the stream; OK: none */
  RelayWaiter waiter;   /* never gives up: the inbox's own `flushing` ends its wait */
  sem_t wake;           /* `ending` or `unlocked` has changed, or the work runs alone */
  GMutex call_lock;     /* a leaf: around `called` and the unlocking that belongs to it */
  atomic_bool called;   /* the thread has to come out of create(), and go on */
} RelayBase;

void relay_base_init (RelayBase *self, GstBaseSrc *src, GstBaseSrcClass *appsrc, RelayInbox *inbox,
    RelayStream *stream);
void relay_base_clear (RelayBase *self);

/* Puts in what the application sends. @content: (transfer full)(nullable) */
gboolean relay_base_put (RelayBase *self, RelayKind kind, gpointer content);
/* The element's work runs alone from now on: the thread has to come for it. From any thread. */
void relay_base_call (RelayBase *self);
/* Ends the stream: create() returns @flow. From any thread. */
void relay_base_end (RelayBase *self, GstFlowReturn flow);

/* What the base class calls. */
GstFlowReturn relay_base_create (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer);
gboolean relay_base_unlock (RelayBase *self);
gboolean relay_base_unlock_stop (RelayBase *self);

G_END_DECLS
