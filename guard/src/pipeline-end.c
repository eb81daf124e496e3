/* SPDX-License-Identifier: MIT
 *
 * EOS goes to the peer of each source pad. Sent to a source or to a bin it takes the element's
 * STATE_LOCK and then waits for the source's STREAM_LOCK; while it waits, NULL cannot even start.
 * The peer's own lock is free unless the thread is stuck inside a push. For that case the sender is
 * a thread that may be lost.
 */
#include "pipeline-private.h"
#include "quarantine.h"
#include "settings.h"

#include <wolf-guard/log.h>

/* An owner that comes to the end after the deadline has passed gives a healthy pipeline this much,
 * half of it for draining. */
#define LATE_GRACE_MS 500
/* How often the helper looks whether a source that had not begun to stream has done so. */
#define EOS_SEARCH_MS 10

/* --- EOS */

typedef struct {
  WgPipeline *pipeline;
  GstPad *peer;
} EosHelper;

/* May be lost: the peer's STREAM_LOCK is taken while a push is stuck in it. */
static void *
eos_into_peer (void *data)
{
  EosHelper *helper = data;

  pthread_mutex_lock (&helper->pipeline->mutex);
  helper->pipeline->stats.eos_sent = TRUE;
  pthread_mutex_unlock (&helper->pipeline->mutex);
  gst_pad_send_event (helper->peer, gst_event_new_eos ());
  gst_object_unref (helper->peer);
  wg_pipeline_release (helper->pipeline);
  g_free (helper);
  return NULL;
}

static GstElement *
element_of (WgPipeline *p)
{
  GstElement *element;

  pthread_mutex_lock (&p->mutex);
  element = p->element ? gst_object_ref (p->element) : NULL;
  pthread_mutex_unlock (&p->mutex);
  return element;
}

/* Add to `peers` the peer of each source pad that has begun to stream; says how many pads have not.
 * Without a stream-start nothing is in the encoder yet that could drain, and EOS would be out of
 * order. */
static guint
find_peers (WgPipeline *p, GPtrArray *peers)
{
  GstElement *element = element_of (p);
  g_autoptr (GPtrArray) elements = NULL;
  guint silent = 0;

  if (!element)
    return 0;
  elements = wg_collect (gst_bin_iterate_recurse (GST_BIN (element)));
  for (guint i = 0; i < elements->len; i++) {
    GstElement *source = g_ptr_array_index (elements, i);
    g_autoptr (GPtrArray) pads = NULL;

    if (GST_IS_BIN (source) || !GST_OBJECT_FLAG_IS_SET (source, GST_ELEMENT_FLAG_SOURCE))
      continue;
    pads = wg_collect (gst_element_iterate_src_pads (source));
    for (guint j = 0; j < pads->len; j++) {
      g_autoptr (GstPad) peer = gst_pad_get_peer (g_ptr_array_index (pads, j));
      g_autoptr (GstEvent) start =
          peer ? gst_pad_get_sticky_event (peer, GST_EVENT_STREAM_START, 0) : NULL;

      if (peer && !start)
        silent++;
      else if (peer && !g_ptr_array_find (peers, peer, NULL))
        g_ptr_array_add (peers, g_steal_pointer (&peer));
    }
  }
  gst_object_unref (element);
  return silent;
}

static gboolean
send_eos (WgPipeline *p, GstPad *peer)
{
  EosHelper *helper = g_new (EosHelper, 1);

  *helper = (EosHelper){ wg_pipeline_hold (p), gst_object_ref (peer) };
  if (wg_spawn ("wg-eos", eos_into_peer, helper))
    return TRUE;
  gst_object_unref (peer);
  wg_pipeline_release (p);
  g_free (helper);
  return FALSE;
}

static gboolean
is_over (const WgPipeline *p)
{
  return p->stats.eos_seen || p->stats.error_seen || p->done;
}

/* Finds the sources. A thread of its own as well: walking a bin takes object locks. Its references
 * are gone before EOS is sent, so that they do not keep the pipeline beyond its end. A source that
 * begins later than others gets its EOS then: an element that joins them passes on no EOS before it
 * has one from each. */
static void *
eos_into_pipeline (void *data)
{
  WgPipeline *p = data;
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func (gst_object_unref);
  gboolean sent = FALSE, again;

  do {
    guint served = peers->len, silent = find_peers (p, peers);
    gint64 next = wg_clock_now () + EOS_SEARCH_MS * 1000;

    for (; served < peers->len; served++)
      sent |= send_eos (p, g_ptr_array_index (peers, served));

    pthread_mutex_lock (&p->mutex);
    if (!sent) {
      p->nothing_to_drain = TRUE;
      pthread_cond_broadcast (&p->changed);
    }
    again = sent && silent;
    while (
        again && !p->to_null && !is_over (p) && wg_cond_wait_until (&p->changed, &p->mutex, next))
      ;
    again = again && !p->to_null && !is_over (p);
    pthread_mutex_unlock (&p->mutex);
  } while (again);
  wg_pipeline_release (p);
  return NULL;
}

/* --- deadlines */

/* The deadline of an end that was asked for at `asked` and noticed at `noticed`. */
static gint64
deadline_at (WgDeadline which, gint64 asked, gint64 noticed)
{
  const WgSettings *settings = wg_settings ();
  gint64 at = asked + (gint64) settings->eos_ms * 1000;

  if (which == WG_DEADLINE_EOS)
    at = MAX (at, noticed + LATE_GRACE_MS / 2 * 1000);
  else
    at = MAX (at + (gint64) settings->null_ms * 1000, noticed + LATE_GRACE_MS * 1000);
  return wg_shutdown_shorten (which, at);
}

typedef gboolean (*Condition) (const WgPipeline *p);

/* With the mutex: wait for `condition`, TRUE, or the deadline, FALSE. A shutdown that begins
 * meanwhile shortens it. */
static gboolean
await (WgPipeline *p, Condition condition, WgDeadline which, gint64 noticed)
{
  while (!condition (p)) {
    gint64 at = deadline_at (which, p->asked, noticed);

    if (wg_clock_now () >= at)
      return FALSE;
    wg_cond_wait_until (&p->changed, &p->mutex, at);
  }
  return TRUE;
}

static gboolean
has_played (const WgPipeline *p)
{
  return p->played || is_over (p);
}

static gboolean
has_drained (const WgPipeline *p)
{
  return p->nothing_to_drain || is_over (p);
}

static gboolean
may_go_to_null (const WgPipeline *p)
{
  return p->to_null;
}

static gboolean
is_done (const WgPipeline *p)
{
  return p->done;
}

/* --- the end */

typedef enum { OWNER, WORKER } Who;

/* From now on commands are refused. TRUE: the caller is the one that has to drain. */
static gboolean
begin_end (WgPipeline *p, Who who)
{
  GQueue dropped = G_QUEUE_INIT;
  gboolean drains;

  wg_settings (); /* may log when it reads them: not below, under the mutex */
  pthread_mutex_lock (&p->mutex);
  if (!p->stats.ending) {
    p->stats.ending = TRUE;
    p->began = wg_clock_now ();
    p->asked = wg_loop_get_stop_time (p->loop);
    if (!p->asked)
      p->asked = p->began;
    dropped = p->commands;
    g_queue_init (&p->commands);
    p->stats.dropped_ending += dropped.length;
  }
  /* A worker that is in no call comes here by itself. */
  drains = !p->draining && (who == WORKER || p->call);
  p->draining |= drains;
  pthread_mutex_unlock (&p->mutex);
  g_queue_clear_full (&dropped, (GDestroyNotify) wg_command_free);
  return drains;
}

/* With the mutex: EOS through the pipeline, if it plays and has had neither EOS nor ERROR. */
static void
drain (WgPipeline *p)
{
  if (!p->playing || !await (p, has_played, WG_DEADLINE_EOS, p->began) || is_over (p))
    return;
  if (!wg_spawn ("wg-eos", eos_into_pipeline, wg_pipeline_hold (p))) {
    wg_pipeline_release (p); /* not the last: the caller has one */
    return;
  }
  await (p, has_drained, WG_DEADLINE_EOS, p->began);
}

/* With the mutex: the streams are over, as far as anybody will wait for them. */
static void
allow_null (WgPipeline *p)
{
  p->to_null = TRUE;
  pthread_cond_broadcast (&p->changed);
  sem_post (p->work);
  /* Without an owner that waits the monitor thread has to notice that it takes too long. */
  if (!p->owner_waits)
    wg_quarantine_add (wg_pipeline_hold (p), wg_pipeline_describe,
        (GDestroyNotify) wg_pipeline_release, deadline_at (WG_DEADLINE_NULL, p->asked, p->began));
}

static void
end_streams (WgPipeline *p, Who who)
{
  gboolean drains = begin_end (p, who);

  pthread_mutex_lock (&p->mutex);
  if (drains) {
    drain (p);
    allow_null (p);
  } else if (who == WORKER) {
    await (p, may_go_to_null, WG_DEADLINE_EOS, p->began);
  }
  pthread_mutex_unlock (&p->mutex);
}

void
wg_pipeline_end_streams (WgPipeline *p)
{
  end_streams (p, WORKER);
}

/* Take what nobody will read off the bus. Not by flushing, which would keep the streaming threads'
 * last words from us. */
static void
empty_bus (GstBus *bus)
{
  GstMessage *message;

  while ((message = gst_bus_pop (bus)))
    gst_message_unref (message);
  gst_object_unref (bus);
}

static void
report_end (WgPipeline *p, const WgPipelineStats *stats, gboolean done)
{
  if (stats->eos_sent && !stats->eos_seen && !stats->error_seen)
    wg_log (WG_LOG_WARNING, "pipeline '%s' of session %s: no EOS within its time limit", p->name,
        p->session);
  if (stats->dropped_full)
    wg_log (WG_LOG_WARNING,
        "pipeline '%s' of session %s: %" G_GUINT64_FORMAT " commands dropped, the queue was full",
        p->name, p->session, stats->dropped_full);
  if (done)
    wg_log (WG_LOG_DEBUG,
        "pipeline '%s' of session %s: ended " WG_SECONDS_FORMAT " s after its stop, %s", p->name,
        p->session, WG_SECONDS (wg_clock_now () - p->asked),
        stats->eos_seen         ? "drained"
            : stats->error_seen ? "after an error"
                                : "nothing to drain");
}

static WgPipelineEnd
end_as_owner (WgPipeline *p)
{
  gint64 noticed = wg_clock_now ();
  GstElement *element;
  WgPipelineStats stats;
  GstBus *bus = NULL;
  gboolean done, reports = FALSE;

  pthread_mutex_lock (&p->mutex);
  p->end_asked = TRUE;
  p->owner_waits = TRUE;
  element = g_steal_pointer (&p->for_owner);
  pthread_mutex_unlock (&p->mutex);
  sem_post (p->work);
  g_clear_object (&element);
  end_streams (p, OWNER);

  pthread_mutex_lock (&p->mutex);
  done = await (p, is_done, WG_DEADLINE_NULL, noticed);
  if (!done) {
    p->quarantined = TRUE;
    reports = wg_quarantine_add (wg_pipeline_hold (p), wg_pipeline_describe,
        (GDestroyNotify) wg_pipeline_release, wg_clock_now ());
    bus = p->bus ? gst_object_ref (p->bus) : NULL;
  }
  stats = p->stats;
  pthread_mutex_unlock (&p->mutex);

  if (bus)
    empty_bus (bus);
  report_end (p, &stats, done);
  if (reports)
    wg_quarantine_report (p, wg_pipeline_describe);
  return done ? WG_PIPELINE_ENDED : WG_PIPELINE_QUARANTINED;
}

/* Not cancelled in between: GStreamer has cancellation points under its own locks, the bus's for
 * one. */
WgPipelineEnd
wg_pipeline_end (WgPipeline *p)
{
  WgPipelineEnd end;
  int cancel;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  end = end_as_owner (p);
  pthread_setcancelstate (cancel, NULL);
  return end;
}
