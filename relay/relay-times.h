/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-times.h: what becomes of the times of the other pipeline (property stream-sync).
 *
 * Threads: as relay-stream.h.
 */
#pragma once

#include "relay-item.h"

#include <gst/base/gstbasesrc.h>

G_BEGIN_DECLS

typedef enum { RELAY_RESTART_TS, RELAY_PASSTHROUGH_TS, RELAY_COMPENSATE_TS } RelaySync;

typedef struct {
  GstBaseSrc *src; /* not ours */
  atomic_int sync; /* RelaySync */
  gboolean stamps; /* buffers get the time of their hand-over */
  GstClock *clock;
  GstClockTimeDiff running; /* running time less relay_now() */
  /* compensate-ts */
  gboolean catches_up; /* after a switch, until it is where the other was */
  gboolean prerolls;   /* there was no base time yet, and time began with the first buffer */
  GstClockTimeDiff preroll_shift;
  GstClockTime last; /* sent */
} RelayTimes;

/* For one item. */
typedef struct {
  RelaySync sync;
  GstClockTimeDiff shift;
  GstClockTime stamp; /* NONE: no clock */
} RelayShift;

/* After a start or a flush. */
void relay_times_begin (RelayTimes *self);
/* After a stop. */
void relay_times_forget (RelayTimes *self);
/* Looks up running time, once for all that a worker delivers at a time. */
void relay_times_look_at_clock (RelayTimes *self);

RelayShift relay_times_find (RelayTimes *self, const RelayEntry *entry);
/* Whether a buffer may be sent. With compensate-ts time goes on over a switch, as both nodes may
 * have sent the same moment, and from preroll to PLAYING. */
gboolean relay_times_is_in_time (RelayTimes *self, const RelayItem *item, const RelayShift *shift);
/* @buffer: (transfer full). Returns: (transfer full) */
GstBuffer *relay_shift_buffer (GstBuffer *buffer, const RelayShift *shift);
/* @event: (transfer none). Returns: (transfer full)(nullable): NULL if it has no time here */
GstEvent *relay_shift_event (GstEvent *event, const RelayShift *shift);

G_END_DECLS
