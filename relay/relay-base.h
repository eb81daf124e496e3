/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-base.h: the thread that GstBaseSrc gives an interpipesrc.
 *
 * This thread sends no buffers. It opens the inbox and stands in the appsrc's create(), without
 * the STREAM_LOCK, until the element flushes, stops or ends its stream. Meanwhile workers send
 * (relay-pool.h), and hold the STREAM_LOCK as this thread would. So whoever takes the STREAM_LOCK
 * to be sure that nobody sends is right. What an application puts into the appsrc by hand comes
 * out of create() and joins the inbox.
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
  atomic_bool parked;   /* the thread stands in create(), without the STREAM_LOCK */
  sem_t come_out;       /* it does not any more */
  atomic_int ending;    /* a GstFlowReturn that ends the stream; OK: none */
  RelayWaiter waiter;   /* never gives up: the inbox's own `flushing` ends its wait */
  sem_t wake;           /* `ending` or `unlocked` has changed */
} RelayBase;

void relay_base_init (RelayBase *self, GstBaseSrc *src, GstBaseSrcClass *appsrc, RelayInbox *inbox,
    RelayStream *stream);
void relay_base_clear (RelayBase *self);

/* Puts in what the application sends. @content: (transfer full)(nullable) */
gboolean relay_base_put (RelayBase *self, RelayKind kind, gpointer content);
/* Ends the stream: create() returns @flow. From any thread. */
void relay_base_end (RelayBase *self, GstFlowReturn flow);

/* What the base class calls. */
GstFlowReturn relay_base_create (RelayBase *self, guint64 offset, guint size, GstBuffer **buffer);
gboolean relay_base_unlock (RelayBase *self);
gboolean relay_base_unlock_stop (RelayBase *self);

G_END_DECLS
