/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-stream.h: what an interpipesrc sends downstream, and under which caps, segment and time.
 *
 * A worker takes one entry after the other out of the inbox. Each says of what caps and segment it is;
 * what differs from what was sent last is sent before it. So there is nothing to be agreed on between
 * the two pipelines when a source changes over, and no moment at which a buffer could be sent under the
 * caps of another.
 *
 * Threads: everything is done with the STREAM_LOCK of the source's pad, by a worker or by who has made
 * sure that none is there; what is atomic may be set by any.
 */
#pragma once

#include "relay-inbox.h"

#include <gst/base/gstbasesrc.h>

G_BEGIN_DECLS

typedef enum { RELAY_RESTART_TS, RELAY_PASSTHROUGH_TS, RELAY_COMPENSATE_TS } RelaySync;

typedef struct {
  GstBaseSrc *src; /* not ours: it has the stream */
  RelayInbox *inbox;
  /* The end: EOS, or a fault of what is downstream. */
  void (*end) (GstBaseSrc *src, GstFlowReturn flow);

  atomic_int sync; /* RelaySync */
  atomic_bool switch_on_keyframe;
  atomic_bool held_back; /* live, and not in PLAYING */

  RelayLink *link;
  guint64 epoch;
  GstCaps *caps, *refused;
  GstEvent *segment; /* the one sent last; NULL: our own */
  gboolean need_segment, need_key, discont;
  gboolean catches_up; /* compensate-ts: after a switch, until it is where the other was */
  GstClockTime last;   /* sent with compensate-ts */
  GQueue events;       /* wait for what comes next */
  gint left;           /* of num-buffers; -1: no end */
  GstClock *clock;
  GstClockTimeDiff running; /* running time less relay_now() */
  gboolean stamps;
} RelayStream;

/* After a start or a flush: nothing of before is of use downstream. */
void relay_stream_begin (RelayStream *stream);
/* Sends @caps (nullable) if they are not those sent last. FALSE: they cannot be taken here. */
gboolean relay_stream_follow_caps (RelayStream *stream, GstCaps *caps);
/* After a stop. */
void relay_stream_forget (RelayStream *stream);
/* A RelayServe; data: the stream, which is looked at only if the inbox is open. */
gboolean relay_stream_serve (RelayInbox *inbox, gpointer stream);

G_END_DECLS
