/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-stream.h: what an interpipesrc sends downstream, and under which caps, segment and time.
 *
 * A worker takes one entry after the other out of the inbox. Each entry says of what caps and
 * segment it is. What differs from what was sent last is sent before it. So the two pipelines have
 * nothing to agree on when a source changes over, and no buffer goes out under the caps of
 * another.
 *
 * Threads: everything is done with the STREAM_LOCK of the source's pad, by a worker or by a thread
 * that has made sure that no worker is there. What is atomic may be set by any.
 */
#pragma once

#include "relay-inbox.h"
#include "relay-times.h"

#include <gst/base/gstbasesrc.h>

G_BEGIN_DECLS

/* What a worker delivers in one round: then it looks after another inbox, and at limits that have
 * been set by an appsrc's functions. */
#define RELAY_BUDGET 16

typedef struct {
  GstBaseSrc *src; /* not ours: it has the stream */
  RelayInbox *inbox;
  /* The end: EOS, or a fault of what is downstream. */
  void (*end) (GstBaseSrc *src, GstFlowReturn flow);

  atomic_bool waits_for_playing; /* live, and not in PLAYING */

  RelayLink *link;
  guint64 epoch;
  RelayTimes times;
  GstCaps *caps, *refused;
  GstCaps *warned;   /* a WARNING was posted for them */
  GstEvent *segment; /* the one sent last; NULL: our own */
  gboolean need_segment, need_key, discont;
  guint64 number;     /* of the entry delivered last; a gap is what was dropped */
  guint64 first_link; /* links before it ended with a stop */
  GQueue events;      /* wait for what comes next */
  gint left;          /* of num-buffers; -1: no end */
} RelayStream;

void relay_stream_init (RelayStream *stream, GstBaseSrc *src, RelayInbox *inbox,
    void (*end) (GstBaseSrc *src, GstFlowReturn flow));
/* After a start or a flush: nothing of before is of use downstream. */
void relay_stream_begin (RelayStream *stream);
/* Sends @caps (nullable) if they are not those sent last. FALSE: they cannot be taken here. */
gboolean relay_stream_follow_caps (RelayStream *stream, GstCaps *caps);
/* After a stop. */
void relay_stream_forget (RelayStream *stream);
/* A RelayDeliver; data: the stream, which is looked at only while the inbox is open. */
guint relay_stream_run (RelayInbox *inbox, gpointer stream, gboolean *more);

G_END_DECLS
