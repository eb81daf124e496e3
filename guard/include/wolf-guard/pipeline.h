/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/pipeline.h: a pipeline, its worker, and an end that comes in time
 * ============================================================================
 *
 * Any call into GStreamer can wait for a lock that a stuck streaming thread holds for ever. So each
 * pipeline has a *worker*, a thread that makes those calls (parse, PLAYING, NULL, whatever is posted),
 * and nobody waits for the worker without a bound.
 *
 *   owner (runs the loop)            worker                         everybody else
 *   ---------------------            ------                         --------------
 *   wg_pipeline_new()  ───────────▶  parse
 *     waits: parsed or stopped
 *   wg_pipeline_play() ───────────▶  set_state(PLAYING)
 *   wg_loop_run()                    commands, in order  ◀────────  wg_pipeline_post(), …_send_upstream()
 *     returns: stop, ERROR, EOS
 *   wg_pipeline_end()                                               posts fail: ending
 *     helper: EOS into the peers
 *     of the source pads
 *     waits: EOS on the bus, ≤ WOLF_GUARD_EOS_MS
 *                      ───────────▶  set_state(NULL)
 *     waits: worker done, ≤ WOLF_GUARD_NULL_MS
 *     else: worker and pipeline go to the ward (ward.h)
 *
 * Why EOS goes to the peer pad: sent to a source or a bin it takes the element's STATE_LOCK and then
 * waits for the source's STREAM_LOCK; while it waits, NULL cannot even start. The peer's lock is
 * free unless the thread is stuck inside a push, and for that case the sender is a thread that may
 * be lost. Nothing is sent when the pipeline had an ERROR or EOS already, or never played.
 *
 * The deadline of the end runs from the stop request (wg_loop_stop_time()), not from the moment the
 * owner noticed it.
 *
 * Lifetime: guard's reference to the GstElement is the worker's, who drops it when it is done, in the
 * ward's case possibly years later; the host's own may outlast it. What callbacks of the pipeline
 * point to must therefore belong to the pipeline: pass it with a GDestroyNotify
 * (wg_pipeline_set_sync_handler(), gst_app_sink_set_callbacks(), g_signal_connect_data()).
 *
 * Threads:   new, play, end and unref of the owner's reference belong to the owner; the rest to any.
 * Settings:  environment, read once: WOLF_GUARD_EOS_MS (2000), WOLF_GUARD_NULL_MS (3000),
 *            WOLF_GUARD_WARD_MAX (32). A bad value gives one warning and the default.
 */
#pragma once

#include <gst/gst.h>
#include <wolf-guard/loop.h>

G_BEGIN_DECLS

typedef struct WgPipeline WgPipeline;

#define WG_PIPELINE_QUEUE_MAX 256 /* commands waiting; a 1 kHz mouse fills it in a quarter second */

#define WG_PIPELINE_ERROR (wg_pipeline_error_quark ())
GQuark wg_pipeline_error_quark (void);
typedef enum {
  WG_PIPELINE_ERROR_PARSE,    /* GStreamer's message */
  WG_PIPELINE_ERROR_STOPPED,  /* the loop was stopped before there was a pipeline */
  WG_PIPELINE_ERROR_SHUTDOWN, /* the process is shutting down */
  WG_PIPELINE_ERROR_THREAD,   /* no thread could be made */
} WgPipelineError;

/* Parse `description` on a new worker. `name` and `session` are for log lines (NULL: "").
 * Waits until it is parsed or `loop` is stopped; then for the same bounds as wg_pipeline_end(). NULL
 * with `error` set when there is none. An error that the parser recovered from is logged. */
WgPipeline *wg_pipeline_new (
    const char *name, const char *session, const char *description, WgLoop *loop, GError **error);

WgPipeline *wg_pipeline_ref (WgPipeline *pipeline);
/* NULL is fine. The owner calls wg_pipeline_end() first. */
void wg_pipeline_unref (WgPipeline *pipeline);

/* The guard of the pipeline that `element` is, or is in; a new reference, or NULL when there is none.
 * Any thread that holds a reference to `element`; takes object locks only, which no stuck thread
 * holds. */
WgPipeline *wg_pipeline_find (GstElement *element);

/* The GstPipeline, a new reference (gst_object_unref). Owner, before wg_pipeline_end(). */
GstElement *wg_pipeline_element (WgPipeline *pipeline);

/* The handler that the host would give to gst_bus_set_sync_handler(), which it must not call: guard
 * has one there already, looks at each message first and asks this one what to reply. Owner,
 * before wg_pipeline_play(). `notify` frees `data` when the bus goes. */
void wg_pipeline_set_sync_handler (
    WgPipeline *pipeline, GstBusSyncHandler handler, gpointer data, GDestroyNotify notify);

/* PLAYING, on the worker. A failure stops nothing by itself: GStreamer reports it on the bus; should
 * it fail to, the loop is stopped. Owner; blocks on nothing. */
void wg_pipeline_play (WgPipeline *pipeline);

typedef enum {
  WG_PIPELINE_ENDED,   /* in NULL, worker gone */
  WG_PIPELINE_IN_WARD, /* did not end in time: put aside */
} WgPipelineEnd;

/* End it, by the table above. Owner, once. Bounded by WOLF_GUARD_EOS_MS + WOLF_GUARD_NULL_MS from the
 * stop request, less during wg_shutdown_begin(). */
WgPipelineEnd wg_pipeline_end (WgPipeline *pipeline);

/* What a command does. Runs on the worker, in the order of posting, never after the ending began. */
typedef void (*WgPipelineFunc) (GstElement *pipeline, gpointer data);

/* Have func(pipeline, data) run on the worker. `what` names the call in reports (a literal: it is
 * kept). FALSE, with `data` freed: ending, or WG_PIPELINE_QUEUE_MAX commands are waiting. Blocks on
 * nothing. */
gboolean wg_pipeline_post (WgPipeline *pipeline, const char *what, WgPipelineFunc func,
    gpointer data, GDestroyNotify notify);

/* g_object_set(`element` of the pipeline, `property`, `value`) on the worker: interpipe's listen-to
 * waits for locks that other pipelines hold. Finds the guard by the GstElement; FALSE as above. */
gboolean wg_pipeline_post_string (
    GstElement *pipeline, const char *element, const char *property, const char *value);

/* Send an upstream event to `recipient`, an element in a pipeline of guard's or such a pipeline
 * itself, without gst_element_send_event(), which takes STATE_LOCK: an element gets it on its source
 * pads, a pipeline on the sink pads of its sinks. On the worker; FALSE, event freed: ending or queue
 * full. An element that is in no pipeline of guard's gets it at once, in the calling thread. Takes
 * the event. NULL as recipient is fine and FALSE. */
gboolean wg_pipeline_send_upstream (GstElement *recipient, GstEvent *event);

typedef struct {
  gboolean ending;
  gboolean eos_sent;      /* at least one peer was given EOS */
  gboolean eos_seen;      /* EOS was on the bus */
  gboolean error_seen;    /* ERROR was on the bus */
  guint64 dropped_ending; /* commands refused or discarded since the ending began */
  guint64 dropped_full;   /* commands refused because the queue was full */
} WgPipelineStats;
void wg_pipeline_stats (WgPipeline *pipeline, WgPipelineStats *stats);

/* The process is about to end: stop every loop, refuse new pipelines, and shorten every bound so that
 * all ends are over `bound_ms` from now. Any thread; returns at once. */
void wg_shutdown_begin (guint bound_ms);

/* Wait for that, ≤ the bound. Says how many pipelines did not end (in the ward, old ones included). */
guint wg_shutdown_wait (void);

G_END_DECLS
