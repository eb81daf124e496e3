/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-times.h"

#include "relay-os.h"
#include "relay-view.h"

/* A node whose time is behind by less is at what has been sent of the one before; by more, it goes
 * by another time altogether, and nothing of it would come for as long as that takes. */
#define OVERLAP GST_SECOND

static GstClockTime
shifted (GstClockTime time, GstClockTimeDiff shift)
{
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return time;
  return shift < 0 && time < (GstClockTime) -shift ? 0 : time + (GstClockTime) shift;
}

/* By how much compensate-ts moves times. A source that is not live has to preroll before it has a
 * base time: until then time begins with the first buffer. */
static GstClockTimeDiff
find_shift (RelayTimes *self, const RelayItem *item)
{
  if (GST_STATE (self->src) == GST_STATE_PLAYING)
    return GST_CLOCK_DIFF (gst_element_get_base_time (GST_ELEMENT (self->src)), item->base_time);
  if (!self->prerolls && GST_CLOCK_TIME_IS_VALID (item->time)) {
    self->prerolls = TRUE;
    self->preroll_shift = -(GstClockTimeDiff) item->time;
  }
  return self->prerolls ? self->preroll_shift : 0;
}

RelayShift
relay_times_find (RelayTimes *self, const RelayEntry *entry)
{
  RelayShift shift = { RELAY_PASSTHROUGH_TS, 0, GST_CLOCK_TIME_NONE };

  if (entry->link != NULL)
    shift.sync = (RelaySync) atomic_load (&self->sync);
  if (shift.sync == RELAY_COMPENSATE_TS)
    shift.shift = find_shift (self, entry->item);
  if (self->stamps && self->clock != NULL)
    shift.stamp = (GstClockTime) MAX (entry->item->at + self->running, 0);
  return shift;
}

gboolean
relay_times_is_in_time (RelayTimes *self, const RelayItem *item, const RelayShift *shift)
{
  const gboolean plays = GST_STATE (self->src) == GST_STATE_PLAYING;
  GstClockTime at;

  if (shift->sync != RELAY_COMPENSATE_TS || !GST_CLOCK_TIME_IS_VALID (item->time))
    return TRUE;
  if (shift->shift < 0 && item->time < (GstClockTime) -shift->shift)
    return FALSE;
  at = shifted (item->time, shift->shift);
  if (plays && self->prerolls && at < self->last)
    return FALSE;
  if (self->catches_up && at < self->last && self->last - at < OVERLAP)
    return FALSE;
  self->prerolls = self->prerolls && !plays;
  self->catches_up = FALSE;
  self->last = at;
  return TRUE;
}

GstBuffer *
relay_shift_buffer (GstBuffer *buffer, const RelayShift *shift)
{
  switch (shift->sync) {
  case RELAY_RESTART_TS:
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = shift->stamp;
    GST_BUFFER_DTS (buffer) = shift->stamp;
    break;
  case RELAY_COMPENSATE_TS:
    if (shift->shift == 0)
      break;
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = shifted (GST_BUFFER_PTS (buffer), shift->shift);
    GST_BUFFER_DTS (buffer) = shifted (GST_BUFFER_DTS (buffer), shift->shift);
    break;
  default:
    if (!GST_CLOCK_TIME_IS_VALID (shift->stamp) || GST_BUFFER_PTS_IS_VALID (buffer)
        || GST_BUFFER_DTS_IS_VALID (buffer))
      break;
    buffer = relay_view_new (buffer);
    GST_BUFFER_PTS (buffer) = shift->stamp;
    GST_BUFFER_DTS (buffer) = shift->stamp;
    break;
  }
  return buffer;
}

static GstClockTime
moved (GstClockTime time, const RelayShift *shift)
{
  return shift->sync == RELAY_RESTART_TS ? shift->stamp : shifted (time, shift->shift);
}

/* (transfer full)(nullable) */
static GstEvent *
shift_gap (GstEvent *event, const RelayShift *shift)
{
  GstClockTime time, duration;
  GstGapFlags flags;

  gst_event_parse_gap (event, &time, &duration);
  gst_event_parse_gap_flags (event, &flags);
  time = moved (time, shift);
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return NULL;
  event = gst_event_new_gap (time, duration);
  gst_event_set_gap_flags (event, flags);
  return event;
}

static GstEvent *
shift_segment_done (GstEvent *event, const RelayShift *shift)
{
  GstFormat format;
  gint64 position;
  GstClockTime time;

  gst_event_parse_segment_done (event, &format, &position);
  if (format != GST_FORMAT_TIME || position < 0)
    return gst_event_ref (event);
  time = moved ((GstClockTime) position, shift);
  return gst_event_new_segment_done (format, GST_CLOCK_TIME_IS_VALID (time) ? (gint64) time : -1);
}

GstEvent *
relay_shift_event (GstEvent *event, const RelayShift *shift)
{
  GstEvent *changed;

  if (shift->sync == RELAY_PASSTHROUGH_TS)
    return gst_event_ref (event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP)
    changed = shift_gap (event, shift);
  else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT_DONE)
    changed = shift_segment_done (event, shift);
  else
    return gst_event_ref (event);
  if (changed != NULL && changed != event)
    gst_event_set_seqnum (changed, gst_event_get_seqnum (event));
  return changed;
}

void
relay_times_look_at_clock (RelayTimes *self)
{
  gst_clear_object (&self->clock);
  if (!self->stamps)
    return;
  self->clock = gst_element_get_clock (GST_ELEMENT (self->src));
  if (self->clock == NULL)
    return;
  self->running = (GstClockTimeDiff) gst_clock_get_time (self->clock)
      - (GstClockTimeDiff) gst_element_get_base_time (GST_ELEMENT (self->src)) - relay_now ();
}

void
relay_times_begin (RelayTimes *self)
{
  self->stamps =
      atomic_load (&self->sync) == RELAY_RESTART_TS || gst_base_src_get_do_timestamp (self->src);
}

void
relay_times_forget (RelayTimes *self)
{
  gst_clear_object (&self->clock);
  self->catches_up = self->prerolls = FALSE;
  self->last = 0;
}
