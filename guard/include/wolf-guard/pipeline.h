/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/pipeline.h: a pipeline, its worker, and an end that comes in time
 * ============================================================================
 *
 * Any call into GStreamer can wait for a lock that a stuck streaming thread holds for ever. So each
 * pipeline has a *worker*, a thread of its own. The worker makes those calls: parse, PLAYING, NULL,
 * and every command that is posted. No other thread waits for the worker without a time limit.
 *
 *   owner (runs the loop)            worker                         other threads
 *   ---------------------            ------                         -------------
 *   wg_pipeline_new()  ───────────▶  parse
 *     waits: parsed or stopped
 *   wg_pipeline_play() ───────────▶  set_state(PLAYING)
 *   wg_loop_run()                    commands, in order  ◀────────  wg_pipeline_post()
 *     returns: stop, ERROR, EOS      stop of the loop, or an end
 *   wg_pipeline_end()  ───────────▶    posts fail: ending
 *                                    helper: EOS into the peers
 *                                    of the source pads
 *                                    waits: EOS on the bus, ≤ WOLF_GUARD_EOS_MS
 *                                    set_state(NULL)
 *     waits: worker done, ≤ WOLF_GUARD_NULL_MS more
 *     else: worker and pipeline go to quarantine (inspect.h)
 *
 * The end belongs to the worker. A stop of the loop ends the pipeline even if the owner's thread
 * has died. While a command blocks the worker, the owner sends EOS instead.
 *
 * Nothing is sent when the pipeline had an ERROR or EOS already, or never played. The time limits
 * run from the stop request (wg_loop_get_stop_time()), not from the moment at which the owner
 * noticed it.
 *
 * A streaming thread that ends without leaving its task (pthread_exit, cancellation, return) gives
 * back the STREAM_LOCKs that it holds, and an ERROR names it: the pipeline ends the ordinary way.
 * After a bare exit, or with a lock that has no owner, such as a sink's PREROLL_LOCK, it does not.
 *
 * Lifetime: guard's reference to the GstElement is the worker's. The worker drops it when it is
 * done; in quarantine possibly long after. The host's own reference may outlast it. What
 * callbacks of the pipeline point to must therefore belong to the pipeline: pass it with a
 * GDestroyNotify (wg_pipeline_set_sync_handler(), gst_app_sink_set_callbacks(),
 * g_signal_connect_data()).
 *
 * Main context: the worker has no thread-default main context, and it cannot have the loop's, which
 * the owner runs. An element that attaches sources to the thread-default context at a state change
 * gets the global one.
 *
 * Threads:   new, play, get_element, set_sync_handler, end and the unref of the owner's reference
 *            belong to the owner; every other function to any thread.
 * Blocking:  only new and end block, see there. End is no cancellation point. New is one: a
 *            cancelled owner is a dead one, see above.
 * Settings:  environment, read once: WOLF_GUARD_EOS_MS (2000), WOLF_GUARD_NULL_MS (3000),
 *            WOLF_GUARD_QUARANTINE_MAX (32). A bad value gives one warning and the default.
 */
#pragma once

#include <gst/gst.h>
#include <wolf-guard/loop.h>

G_BEGIN_DECLS

typedef struct WgPipeline WgPipeline;

/* Commands that may wait. A 1 kHz mouse fills it in a quarter of a second. */
#define WG_PIPELINE_QUEUE_MAX 256

#define WG_PIPELINE_ERROR (wg_pipeline_error_quark ())
GQuark wg_pipeline_error_quark (void);
typedef enum {
  WG_PIPELINE_ERROR_PARSE,       /* GStreamer's message */
  WG_PIPELINE_ERROR_STOPPED,     /* the loop was stopped before there was a pipeline */
  WG_PIPELINE_ERROR_SHUTDOWN,    /* the process is shutting down */
  WG_PIPELINE_ERROR_THREAD,      /* no thread could be made */
  WG_PIPELINE_ERROR_DESCRIPTORS, /* `loop` is NULL: wg_loop_new() found too few descriptors */
} WgPipelineError;

/* Parse `description` on a new worker. `name` and `session` are for log lines; NULL counts as "".
 * Blocks until it is parsed, or until `loop` is stopped and then as long as wg_pipeline_end(). NULL
 * with `error` set when there is no pipeline. An error that the parser recovered from is logged.
 * Free with wg_pipeline_end() and wg_pipeline_unref(). */
WgPipeline *wg_pipeline_new (
    const char *name, const char *session, const char *description, WgLoop *loop, GError **error);

/* Take a reference; returns `pipeline`. */
WgPipeline *wg_pipeline_ref (WgPipeline *pipeline);

/* Give a reference back. NULL is ignored. After the last one the worker ends the pipeline by
 * itself, if wg_pipeline_end() was not called. */
void wg_pipeline_unref (WgPipeline *pipeline);

/* The WgPipeline that `element` is, or is in: a new reference, or NULL when there is none. The
 * caller holds a reference to `element`. Takes object locks only, which no stuck thread holds. */
WgPipeline *wg_pipeline_find (GstElement *element);

/* The GstPipeline: a new reference, for gst_object_unref(). NULL after wg_pipeline_end(). */
GstElement *wg_pipeline_get_element (WgPipeline *pipeline);

/* Install the handler that the host would give to gst_bus_set_sync_handler(), which it must not
 * call: guard has a handler there, looks at each message first and asks this one for the reply.
 * Call it before wg_pipeline_play(). `notify` frees `data` when the bus goes. */
void wg_pipeline_set_sync_handler (
    WgPipeline *pipeline, GstBusSyncHandler handler, gpointer data, GDestroyNotify notify);

/* Post PLAYING to the worker. GStreamer reports a failure on the bus; if it does not, the loop is
 * stopped. */
void wg_pipeline_play (WgPipeline *pipeline);

typedef enum {
  WG_PIPELINE_ENDED,       /* in NULL, the worker is gone */
  WG_PIPELINE_QUARANTINED, /* did not end in time */
} WgPipelineEnd;

/* End the pipeline, as the diagram above shows. Call it once. Blocks for at most WOLF_GUARD_EOS_MS
 * + WOLF_GUARD_NULL_MS from the stop request, at least 0.5 s if that is over, less during a
 * shutdown (shutdown.h). */
WgPipelineEnd wg_pipeline_end (WgPipeline *pipeline);

/* A command. Runs on the worker, in the order of posting, never after the end began. */
typedef void (*WgPipelineFunc) (GstElement *pipeline, gpointer data);

/* Have func(pipeline, data) run on the worker. `what` names the call in reports and must be static
 * text. `notify` (or NULL) frees `data`. FALSE, with `data` freed: the pipeline is ending, or
 * WG_PIPELINE_QUEUE_MAX commands wait. Does not block. */
gboolean wg_pipeline_post (WgPipeline *pipeline, const char *what, WgPipelineFunc func,
    gpointer data, GDestroyNotify notify);

/* Have g_object_set(`element` of the pipeline, `property`, `value`) run on the worker: interpipe's
 * listen-to waits for locks that other pipelines hold. Finds the WgPipeline by the GstElement.
 * FALSE: as above, or there is none. */
gboolean wg_pipeline_post_string (
    GstElement *pipeline, const char *element, const char *property, const char *value);

/* How an event may be treated while it waits behind others. */
typedef enum {
  WG_EVENT_ORDINARY, /* refused when WG_PIPELINE_QUEUE_MAX commands wait */
  WG_EVENT_LATEST,   /* replaces a waiting one: an absolute position */
  WG_EVENT_SUM,      /* its numbers are added to those of a waiting one: a relative motion */
  WG_EVENT_VITAL,    /* taken beyond that, up to twice as many: the release of a key */
} WgEventKind;

/* Send an upstream event to `recipient`, an element in a pipeline of guard's or such a pipeline
 * itself, without gst_element_send_event(), which takes STATE_LOCK. An element gets it on its
 * source pads, a pipeline on the sink pads of its sinks. On the worker, in the order of the calls.
 * Takes the event.
 *
 * LATEST and SUM merge with the *last* command that waits, and only if that is an event of the same
 * kind and recipient whose structure has the same name and fields. So no order changes.
 *
 * FALSE, and the event is freed: the pipeline is ending, the queue is full, or `recipient` is NULL.
 * The caller of a refused WG_EVENT_ORDINARY press must not send its release; the caller of a
 * refused release must remember it. An element that is in no pipeline of guard's gets the event at
 * once, in the calling thread. */
gboolean wg_pipeline_send_upstream_as (GstElement *recipient, GstEvent *event, WgEventKind kind);

/* The same with WG_EVENT_ORDINARY. */
gboolean wg_pipeline_send_upstream (GstElement *recipient, GstEvent *event);

G_END_DECLS
