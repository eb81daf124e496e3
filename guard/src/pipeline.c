/* SPDX-License-Identifier: MIT
 *
 * Who touches what:
 *  - `element` belongs to the worker, which alone makes calls on it that can block; others take a
 *    reference under the mutex. The worker drops guard's reference as its last deed.
 *  - everything else below `mutex` is read and written under it. What is taken with it held is a leaf:
 *    the ward's mutex and that of the list of all pipelines.
 *  - the WgPipeline itself is referenced by its owner, its worker, each EOS helper, the ward, and by the
 *    GstPipeline (qdata, sync handler). That last circle is cut by the worker's last deed.
 *
 * Invariants:
 *  - `ending` and `to_null` are set once and never cleared; no command starts after `ending`;
 *  - `done` is set once, by the worker, after the last call into GStreamer; a pipeline is in the ward
 *    only while it is not done;
 *  - the owner waits for nothing without a deadline.
 */
#include "settings.h"
#include "sync.h"
#include "ward.h"

#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>

#include <stdatomic.h>

/* An owner that comes to the end after the deadline has passed gives a healthy pipeline this much,
 * half of it for draining. */
#define LATE_GRACE_MS 500
/* How often the helper looks whether a source that had not begun to stream has done so. */
#define EOS_SEARCH_MS 10
/* During a shutdown, the share of the bound that draining may take. */
#define SHUTDOWN_EOS_PERCENT 40

typedef struct {
  const char *what;
  WgPipelineFunc func;
  gpointer data;
  GDestroyNotify notify;
} Command;

struct WgPipeline {
  atomic_uint refs;
  char *name, *session, *description;
  WgLoop *loop;

  pthread_mutex_t mutex;
  pthread_cond_t changed; /* broadcast whenever something below changes that somebody awaits */
  GstElement *element;
  GstBus *bus;
  GError *parse_error;
  gboolean parsed; /* successfully or not */
  GSource *wake;   /* tells the owner; made and destroyed by the worker */
  gboolean woken;  /* it has been dispatched; the owner's */
  gboolean playing /* PLAYING has begun */, played /* …and returned */;
  gboolean to_null, done, in_ward;
  gboolean nothing_to_drain; /* the helper found nobody to send EOS to */
  GQueue commands;           /* of Command */
  WgPipelineStats stats;
  gint64 asked;     /* when the end was asked for, 0: not yet */
  const char *call; /* what the worker is in, NULL: nothing */
  gint64 call_since;
  GstBusSyncHandler host_handler;
  gpointer host_data;
  GDestroyNotify host_notify;
};

/* clang-format off: these are names, not differences */
G_DEFINE_QUARK (wg - pipeline - error - quark, wg_pipeline_error)
static G_DEFINE_QUARK (wg - pipeline, wg_pipeline)
    /* clang-format on */

    /* All pipelines whose worker is not done, and the shutdown; a leaf mutex like the ward's. */
    static struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  GQueue pipelines;
  gint64 eos_deadline, deadline; /* 0: no shutdown */
} all = { .mutex = PTHREAD_MUTEX_INITIALIZER, .pipelines = G_QUEUE_INIT };
static pthread_once_t all_once = PTHREAD_ONCE_INIT;

static void
all_init (void)
{
  wg_cond_init (&all.changed);
}

/* --- life ------------------------------------------------------------------------------------- */

WgPipeline *
wg_pipeline_ref (WgPipeline *p)
{
  atomic_fetch_add_explicit (&p->refs, 1, memory_order_relaxed);
  return p;
}

static void
command_free (Command *command)
{
  if (command->notify)
    command->notify (command->data);
  g_free (command);
}

void
wg_pipeline_unref (WgPipeline *p)
{
  if (!p || atomic_fetch_sub_explicit (&p->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_queue_clear_full (&p->commands, (GDestroyNotify) command_free);
  g_clear_error (&p->parse_error);
  pthread_cond_destroy (&p->changed);
  pthread_mutex_destroy (&p->mutex);
  wg_loop_unref (p->loop);
  g_free (p->name);
  g_free (p->session);
  g_free (p->description);
  g_free (p);
}

static WgPipeline *
pipeline_alloc (const char *name, const char *session, const char *description, WgLoop *loop)
{
  WgPipeline *p = g_new0 (WgPipeline, 1);

  atomic_init (&p->refs, 1);
  p->name = g_strdup (name ? name : "");
  p->session = g_strdup (session ? session : "");
  p->description = g_strdup (description);
  p->loop = wg_loop_ref (loop);
  pthread_mutex_init (&p->mutex, NULL);
  wg_cond_init (&p->changed);
  g_queue_init (&p->commands);
  return p;
}

/* --- what the bus says ------------------------------------------------------------------------ */

/* The calling thread's records that on_stream_status() has entered. */
static _Thread_local guint streaming;

/* Posted by the streaming thread itself, as its first and its last word. A task that is stopped before its thread
 * has begun posts LEAVE only (gsttask.c). */
static void
on_stream_status (WgPipeline *p, GstMessage *message)
{
  GstStreamStatusType type;
  GstElement *owner;

  gst_message_parse_stream_status (message, &type, &owner);
  if (type == GST_STREAM_STATUS_TYPE_ENTER) {
    GstObject *src = GST_MESSAGE_SRC (message);
    g_autofree char *name = GST_IS_PAD (src)
        ? g_strdup_printf ("%s:%s", GST_OBJECT_NAME (owner), GST_OBJECT_NAME (src))
        : g_strdup (GST_OBJECT_NAME (owner));

    wg_thread_enter (name, p->session, p->name);
    streaming++;
  } else if (type == GST_STREAM_STATUS_TYPE_LEAVE && streaming > 0) {
    streaming--;
    wg_thread_leave ();
  }
}

static GstBusSyncReply
on_bus_message (GstBus *bus, GstMessage *message, gpointer data)
{
  WgPipeline *p = data;
  GstBusSyncHandler host;
  gpointer host_data;
  gboolean unread;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STREAM_STATUS)
    on_stream_status (p, message);

  pthread_mutex_lock (&p->mutex);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    p->stats.eos_seen = TRUE; /* the bin posts its own when every sink has: it keeps theirs */
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    p->stats.error_seen = TRUE;
  pthread_cond_broadcast (&p->changed);
  host = p->host_handler;
  host_data = p->host_data;
  unread = p->in_ward;
  pthread_mutex_unlock (&p->mutex);

  if (unread) {
    gst_message_unref (message);
    return GST_BUS_DROP;
  }
  return host ? host (bus, message, host_data) : GST_BUS_PASS;
}

void
wg_pipeline_set_sync_handler (
    WgPipeline *p, GstBusSyncHandler handler, gpointer data, GDestroyNotify notify)
{
  gpointer old_data;
  GDestroyNotify old_notify;

  pthread_mutex_lock (&p->mutex);
  old_data = p->host_data;
  old_notify = p->host_notify;
  p->host_handler = handler;
  p->host_data = data;
  p->host_notify = notify;
  pthread_mutex_unlock (&p->mutex);
  if (old_notify)
    old_notify (old_data);
}

static void
on_bus_gone (gpointer data)
{
  WgPipeline *p = data;

  wg_pipeline_set_sync_handler (p, NULL, NULL, NULL); /* frees the host's data */
  wg_pipeline_unref (p);
}

/* --- the worker ------------------------------------------------------------------------------- */

static void
call_begin (WgPipeline *p, const char *what)
{
  pthread_mutex_lock (&p->mutex);
  p->call = what;
  p->call_since = g_get_monotonic_time ();
  pthread_mutex_unlock (&p->mutex);
}

static gboolean
on_woken (gpointer data)
{
  WgPipeline *p = data;

  p->woken = TRUE;
  g_main_loop_quit (wg_loop_main_loop (p->loop));
  return G_SOURCE_REMOVE;
}

/* Tell the owner, who runs the loop meanwhile, that parsing is over. Dispatched inside the run, so
 * this quit is not lost either. An owner that was stopped first never gets there: the source then
 * stays in the loop's context, holding us and we the loop, until the worker takes it out. */
static void
wake_owner (WgPipeline *p)
{
  p->wake = g_idle_source_new ();
  g_source_set_callback (
      p->wake, on_woken, wg_pipeline_ref (p), (GDestroyNotify) wg_pipeline_unref);
  g_source_attach (p->wake, wg_loop_context (p->loop));
}

static void
parse (WgPipeline *p)
{
  GError *error = NULL;
  GstElement *element;
  GstBus *bus = NULL;

  call_begin (p, "gst_parse_launch");
  element = gst_parse_launch (p->description, &error);
  if (element) {
    gst_object_ref_sink (element);
    if (!GST_IS_PIPELINE (element)) {
      gst_object_unref (element);
      element = NULL;
      if (!error) /* else the parser says what is missing */
        error = g_error_new_literal (WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_PARSE,
            "the description makes a single element, not a pipeline");
    }
  }
  if (element) {
    if (error)
      wg_log (WG_LOG_WARNING, "pipeline '%s' of session %s: the parser recovered from: %s", p->name,
          p->session, error->message);
    g_clear_error (&error);
    bus = gst_pipeline_get_bus (GST_PIPELINE (element));
    gst_bus_set_sync_handler (bus, on_bus_message, wg_pipeline_ref (p), on_bus_gone);
    g_object_set_qdata_full (G_OBJECT (element), wg_pipeline_quark (), wg_pipeline_ref (p),
        (GDestroyNotify) wg_pipeline_unref);
  }

  pthread_mutex_lock (&p->mutex);
  p->call = NULL;
  p->element = element;
  p->bus = bus;
  p->parse_error = error;
  p->parsed = TRUE;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  wake_owner (p);
}

/* PLAYING, as a command of the worker's. */
static void
play (GstElement *element, gpointer data)
{
  WgPipeline *p = data;
  GstStateChangeReturn ret;
  gboolean silent;

  ret = gst_element_set_state (element, GST_STATE_PLAYING);
  pthread_mutex_lock (&p->mutex);
  p->played = TRUE;
  silent = ret == GST_STATE_CHANGE_FAILURE && !p->stats.error_seen;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  if (silent) {
    wg_log (WG_LOG_ERROR, "pipeline '%s' of session %s: PLAYING failed without an error message",
        p->name, p->session);
    wg_loop_stop (p->loop);
  }
}

static void
serve (WgPipeline *p)
{
  pthread_mutex_lock (&p->mutex);
  while (!p->to_null) {
    Command *command = p->stats.ending ? NULL : g_queue_pop_head (&p->commands);

    if (!command) {
      pthread_cond_wait (&p->changed, &p->mutex);
      continue;
    }
    p->playing |= command->func == play; /* here, so that no end slips in between */
    p->call = command->what;
    p->call_since = g_get_monotonic_time ();
    pthread_mutex_unlock (&p->mutex);
    command->func (p->element, command->data);
    command_free (command);
    pthread_mutex_lock (&p->mutex);
    p->call = NULL;
  }
  pthread_mutex_unlock (&p->mutex);
}

/* There is no worker, or none any more. */
static void
unlist (WgPipeline *p)
{
  pthread_mutex_lock (&all.mutex);
  g_queue_remove (&all.pipelines, p);
  pthread_cond_broadcast (&all.changed);
  pthread_mutex_unlock (&all.mutex);
}

/* The worker's last deeds. */
static void
finish (WgPipeline *p)
{
  GstElement *element;
  GstBus *bus;
  gboolean was_in_ward;
  gint64 now;

  g_source_destroy (p->wake);
  g_source_unref (p->wake);
  if (p->element) {
    call_begin (p, "set_state(NULL)");
    gst_element_set_state (p->element, GST_STATE_NULL);
  }
  pthread_mutex_lock (&p->mutex);
  element = g_steal_pointer (&p->element);
  bus = g_steal_pointer (&p->bus);
  p->call = "unref";
  p->call_since = g_get_monotonic_time ();
  pthread_mutex_unlock (&p->mutex);
  if (bus)
    gst_object_unref (bus);
  if (element)
    gst_object_unref (element);

  pthread_mutex_lock (&p->mutex);
  p->call = NULL;
  p->done = TRUE;
  was_in_ward = p->in_ward;
  p->in_ward = FALSE;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  now = g_get_monotonic_time ();
  if (was_in_ward) {
    wg_ward_remove (p);
    wg_log (WG_LOG_INFO,
        "ward: '%s' of session %s came through and is released, %.1f s after its stop", p->name,
        p->session, (double) (now - p->asked) / G_USEC_PER_SEC);
  }
  unlist (p);
}

static void *
worker (void *data)
{
  WgPipeline *p = data;

  wg_thread_enter ("worker", p->session, p->name);
  parse (p);
  serve (p);
  finish (p);
  wg_thread_leave ();
  wg_pipeline_unref (p);
  return NULL;
}

/* --- the owner: start ------------------------------------------------------------------------- */

WgPipeline *
wg_pipeline_new (
    const char *name, const char *session, const char *description, WgLoop *loop, GError **error)
{
  WgPipeline *p = pipeline_alloc (name, session, description, loop);
  gboolean shutdown;
  gboolean failed;

  pthread_once (&all_once, all_init);
  pthread_mutex_lock (&all.mutex);
  shutdown = all.deadline != 0;
  if (!shutdown)
    g_queue_push_tail (&all.pipelines, p);
  pthread_mutex_unlock (&all.mutex);
  if (shutdown) {
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_SHUTDOWN, "the process is shutting down");
    wg_pipeline_unref (p);
    return NULL;
  }

  if (!wg_spawn ("wg-worker", worker, wg_pipeline_ref (p))) {
    unlist (p);
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_THREAD, "the system has no thread to give");
    wg_pipeline_unref (p); /* the worker's */
    wg_pipeline_unref (p);
    return NULL;
  }

  /* Until the worker's wake_owner() or a stop. Nobody else knows the main loop yet, but a stray quit
   * is harmless: run again. */
  while (!wg_loop_run (loop) && !p->woken)
    ;

  pthread_mutex_lock (&p->mutex);
  failed = p->parsed && p->parse_error;
  if (failed)
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_PARSE, p->parse_error->message);
  pthread_mutex_unlock (&p->mutex);
  if (!failed && !wg_loop_stopped (loop))
    return p;

  if (!failed)
    g_set_error_literal (
        error, WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_STOPPED, "stopped before it was parsed");
  wg_pipeline_end (p);
  wg_pipeline_unref (p);
  return NULL;
}

GstElement *
wg_pipeline_element (WgPipeline *p)
{
  GstElement *element;

  pthread_mutex_lock (&p->mutex);
  element = p->element ? gst_object_ref (p->element) : NULL;
  pthread_mutex_unlock (&p->mutex);
  return element;
}

void
wg_pipeline_play (WgPipeline *p)
{
  /* With the queue full already it would wait for ever in a loop that nothing ends. */
  if (!wg_pipeline_post (
          p, "set_state(PLAYING)", play, wg_pipeline_ref (p), (GDestroyNotify) wg_pipeline_unref))
    wg_loop_stop (p->loop);
}

/* --- the owner: end --------------------------------------------------------------------------- */

typedef struct {
  WgPipeline *pipeline;
  GstPad *peer;
} EosHelper;

/* A thread that may be lost: the peer's STREAM_LOCK is taken while a push is stuck in it. */
static void *
eos_into_peer (void *data)
{
  EosHelper *helper = data;

  pthread_mutex_lock (&helper->pipeline->mutex);
  helper->pipeline->stats.eos_sent = TRUE;
  pthread_mutex_unlock (&helper->pipeline->mutex);
  gst_pad_send_event (helper->peer, gst_event_new_eos ());
  gst_object_unref (helper->peer);
  wg_pipeline_unref (helper->pipeline);
  g_free (helper);
  return NULL;
}

/* What `iterator` goes over, each once, with references; frees the iterator. Complete before anything
 * is done with it, because a bin that changes meanwhile makes it start again. */
static GPtrArray *
items_of (GstIterator *iterator)
{
  GPtrArray *items = g_ptr_array_new_with_free_func (gst_object_unref);
  GValue item = G_VALUE_INIT;
  GstIteratorResult result;

  while ((result = gst_iterator_next (iterator, &item)) == GST_ITERATOR_OK
      || result == GST_ITERATOR_RESYNC) {
    if (result == GST_ITERATOR_OK) {
      g_ptr_array_add (items, g_value_dup_object (&item));
      g_value_reset (&item);
    } else {
      g_ptr_array_set_size (items, 0);
      gst_iterator_resync (iterator);
    }
  }
  g_value_unset (&item);
  gst_iterator_free (iterator);
  return items;
}

/* Add to `peers` the peer of each source pad that has begun to stream; says how many pads have not.
 * Without a stream-start nothing is in the encoder yet that could drain, and EOS would be out of order. */
static guint
find_peers (WgPipeline *p, GPtrArray *peers)
{
  GstElement *element = wg_pipeline_element (p);
  g_autoptr (GPtrArray) elements = NULL;
  guint silent = 0;

  if (!element)
    return 0;
  elements = items_of (gst_bin_iterate_recurse (GST_BIN (element)));
  for (guint i = 0; i < elements->len; i++) {
    GstElement *source = g_ptr_array_index (elements, i);
    g_autoptr (GPtrArray) pads = NULL;

    if (GST_IS_BIN (source) || !GST_OBJECT_FLAG_IS_SET (source, GST_ELEMENT_FLAG_SOURCE))
      continue;
    pads = items_of (gst_element_iterate_src_pads (source));
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

  *helper = (EosHelper){ wg_pipeline_ref (p), gst_object_ref (peer) };
  if (wg_spawn ("wg-eos", eos_into_peer, helper))
    return TRUE;
  gst_object_unref (peer);
  wg_pipeline_unref (p);
  g_free (helper);
  return FALSE;
}

static gboolean
is_over (const WgPipeline *p)
{
  return p->stats.eos_seen || p->stats.error_seen || p->done;
}

/* Finds the sources, in a thread of its own as well: walking a bin takes object locks. Its references
 * are gone before it has EOS sent, so that they do not keep the pipeline beyond its end. A source
 * that has not begun when others have gets its EOS when it does: an element that joins them passes
 * on no EOS before it has one from each. */
static void *
eos_into_pipeline (void *data)
{
  WgPipeline *p = data;
  g_autoptr (GPtrArray) peers = g_ptr_array_new_with_free_func (gst_object_unref);
  gboolean sent = FALSE, again;

  do {
    guint served = peers->len, silent = find_peers (p, peers);
    gint64 next = g_get_monotonic_time () + EOS_SEARCH_MS * 1000;

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
  wg_pipeline_unref (p);
  return NULL;
}

typedef enum { EOS_DEADLINE, NULL_DEADLINE } Deadline;

/* The deadline of an end that was asked for at `stop` and reached by the owner at `began`; the
 * shutdown's if that comes first. */
static gint64
deadline_at (Deadline which, gint64 stop, gint64 began)
{
  const WgSettings *settings = wg_settings ();
  gint64 at = stop + (gint64) settings->eos_ms * 1000;

  if (which == EOS_DEADLINE)
    at = MAX (at, began + LATE_GRACE_MS / 2 * 1000);
  else
    at = MAX (at + (gint64) settings->null_ms * 1000, began + LATE_GRACE_MS * 1000);
  pthread_mutex_lock (&all.mutex);
  if (all.deadline)
    at = MIN (at, which == EOS_DEADLINE ? all.eos_deadline : all.deadline);
  pthread_mutex_unlock (&all.mutex);
  return at;
}

typedef gboolean (*Condition) (const WgPipeline *p);

/* With the mutex held: wait for `condition`, TRUE, or the deadline, FALSE. A shutdown that begins
 * meanwhile shortens it. */
static gboolean
await (WgPipeline *p, Condition condition, Deadline which, gint64 stop, gint64 began)
{
  while (!condition (p)) {
    gint64 at = deadline_at (which, stop, began);

    if (g_get_monotonic_time () >= at)
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
is_done (const WgPipeline *p)
{
  return p->done;
}

/* With the mutex held: EOS through the pipeline, if it plays and has had neither EOS nor ERROR. */
static void
drain (WgPipeline *p, gint64 stop, gint64 began)
{
  if (!p->playing || !await (p, has_played, EOS_DEADLINE, stop, began) || is_over (p))
    return;
  if (!wg_spawn ("wg-eos", eos_into_pipeline, wg_pipeline_ref (p))) {
    wg_pipeline_unref (p); /* not the last: the owner has one */
    return;
  }
  await (p, has_drained, EOS_DEADLINE, stop, began);
}

WgPipelineEnd
wg_pipeline_end (WgPipeline *p)
{
  gint64 began = g_get_monotonic_time ();
  gint64 stop = wg_loop_stop_time (p->loop);
  GQueue dropped;
  WgPipelineStats stats;
  GstBus *bus = NULL;
  gboolean done;

  wg_settings (); /* may log when it reads them: not below, under the mutex */
  if (!stop)
    stop = began;

  pthread_mutex_lock (&p->mutex);
  p->stats.ending = TRUE;
  p->asked = stop;
  dropped = p->commands;
  g_queue_init (&p->commands);
  p->stats.dropped_ending += dropped.length;
  pthread_mutex_unlock (&p->mutex);
  g_queue_clear_full (&dropped, (GDestroyNotify) command_free);

  pthread_mutex_lock (&p->mutex);
  drain (p, stop, began);
  p->to_null = TRUE;
  pthread_cond_broadcast (&p->changed);
  done = await (p, is_done, NULL_DEADLINE, stop, began);
  if (!done) {
    p->in_ward = TRUE;
    wg_ward_add (p);
    bus = p->bus ? gst_object_ref (p->bus) : NULL;
  }
  stats = p->stats;
  pthread_mutex_unlock (&p->mutex);

  if (stats.eos_sent && !stats.eos_seen && !stats.error_seen)
    wg_log (WG_LOG_WARNING, "pipeline '%s' of session %s: no EOS within its bound", p->name,
        p->session);
  if (stats.dropped_full)
    wg_log (WG_LOG_WARNING,
        "pipeline '%s' of session %s: %" G_GUINT64_FORMAT " commands dropped, the queue was full",
        p->name, p->session, stats.dropped_full);
  if (bus) {
    /* Nobody reads it any more. on_bus_message() refuses what comes; here goes what is there. Not by
     * flushing, which would keep the streaming threads' last words from us. */
    GstMessage *message;

    while ((message = gst_bus_pop (bus)))
      gst_message_unref (message);
    gst_object_unref (bus);
  }
  if (done) {
    wg_log (WG_LOG_DEBUG, "pipeline '%s' of session %s: ended %.3f s after its stop, %s", p->name,
        p->session, (double) (g_get_monotonic_time () - stop) / G_USEC_PER_SEC,
        stats.eos_seen         ? "drained"
            : stats.error_seen ? "after an error"
                               : "nothing to drain");
  } else {
    WgWardStatus ward;
    g_autofree char *what = wg_pipeline_describe (p);

    wg_ward_status (&ward);
    wg_log (WG_LOG_ERROR,
        "pipeline %s did not end within its bounds; put into the ward (%u of %u), its threads with "
        "it",
        what, ward.now, ward.max);
    if (ward.failing)
      wg_log (WG_LOG_ERROR,
          "FAILING: %u pipelines with their threads are leaked, WOLF_GUARD_WARD_MAX is %u; restart "
          "this process when its players allow",
          ward.now, ward.max);
  }
  return done ? WG_PIPELINE_ENDED : WG_PIPELINE_IN_WARD;
}

/* --- everybody else --------------------------------------------------------------------------- */

gboolean
wg_pipeline_post (
    WgPipeline *p, const char *what, WgPipelineFunc func, gpointer data, GDestroyNotify notify)
{
  Command *command = g_new (Command, 1);
  gboolean first_overflow = FALSE, taken = FALSE;

  *command = (Command){ what, func, data, notify };
  pthread_mutex_lock (&p->mutex);
  if (p->stats.ending) {
    p->stats.dropped_ending++;
  } else if (p->commands.length >= WG_PIPELINE_QUEUE_MAX) {
    first_overflow = p->stats.dropped_full++ == 0;
  } else {
    g_queue_push_tail (&p->commands, command);
    taken = TRUE;
    pthread_cond_broadcast (&p->changed);
  }
  pthread_mutex_unlock (&p->mutex);
  if (!taken)
    command_free (command);
  if (first_overflow) {
    g_autofree char *state = wg_pipeline_describe (p);

    wg_log (WG_LOG_WARNING,
        "pipeline %s: %d commands are waiting, '%s' and further ones are dropped", state,
        WG_PIPELINE_QUEUE_MAX, what);
  }
  return taken;
}

WgPipeline *
wg_pipeline_find (GstElement *element)
{
  GstObject *top = gst_object_ref (element);
  WgPipeline *p;

  for (;;) {
    GstObject *parent = gst_object_get_parent (top);

    if (!parent)
      break;
    gst_object_unref (top);
    top = parent;
  }
  p = g_object_get_qdata (G_OBJECT (top), wg_pipeline_quark ());
  if (p)
    wg_pipeline_ref (p); /* alive: the GstPipeline holds one, and we hold that */
  gst_object_unref (top);
  return p;
}

typedef struct {
  char *element, *property, *value;
} StringCommand;

static void
string_command_free (gpointer data)
{
  StringCommand *command = data;

  g_free (command->element);
  g_free (command->property);
  g_free (command->value);
  g_free (command);
}

static void
set_string (GstElement *pipeline, gpointer data)
{
  StringCommand *command = data;
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), command->element);

  if (!element) {
    wg_log (WG_LOG_ERROR, "no element '%s' to set %s=%s", command->element, command->property,
        command->value);
    return;
  }
  g_object_set (element, command->property, command->value, NULL);
  gst_object_unref (element);
}

gboolean
wg_pipeline_post_string (
    GstElement *pipeline, const char *element, const char *property, const char *value)
{
  WgPipeline *p = wg_pipeline_find (pipeline);
  StringCommand *command;
  gboolean taken;

  if (!p)
    return FALSE;
  command = g_new (StringCommand, 1);
  *command = (StringCommand){ g_strdup (element), g_strdup (property), g_strdup (value) };
  taken = wg_pipeline_post (p, "g_object_set", set_string, command, string_command_free);
  wg_pipeline_unref (p);
  return taken;
}

typedef struct {
  GstElement *recipient;
  GstEvent *event;
} EventCommand;

static void
event_command_free (gpointer data)
{
  EventCommand *command = data;

  gst_object_unref (command->recipient);
  gst_event_unref (command->event);
  g_free (command);
}

static void
send_to_pads (GstIterator *iterator, GstEvent *event)
{
  g_autoptr (GPtrArray) pads = items_of (iterator);

  for (guint i = 0; i < pads->len; i++) {
    GstPad *pad = g_ptr_array_index (pads, i);

    if (GST_PAD_IS_SRC (pad))
      gst_pad_send_event (pad, gst_event_ref (event));
    else
      gst_pad_push_event (pad, gst_event_ref (event));
  }
}

static void
send_upstream (GstElement *recipient, GstEvent *event)
{
  g_autoptr (GPtrArray) elements = NULL;

  if (!GST_IS_PIPELINE (recipient)) {
    send_to_pads (gst_element_iterate_src_pads (recipient), event);
    return;
  }
  elements = items_of (gst_bin_iterate_recurse (GST_BIN (recipient)));
  for (guint i = 0; i < elements->len; i++) {
    GstElement *sink = g_ptr_array_index (elements, i);

    if (!GST_IS_BIN (sink) && GST_OBJECT_FLAG_IS_SET (sink, GST_ELEMENT_FLAG_SINK))
      send_to_pads (gst_element_iterate_sink_pads (sink), event);
  }
}

static void
send_posted (GstElement *pipeline, gpointer data)
{
  EventCommand *command = data;

  (void) pipeline;
  send_upstream (command->recipient, command->event);
}

gboolean
wg_pipeline_send_upstream (GstElement *recipient, GstEvent *event)
{
  WgPipeline *p;
  EventCommand *command;
  gboolean taken;

  if (!recipient) {
    gst_event_unref (event);
    return FALSE;
  }
  p = wg_pipeline_find (recipient);
  if (!p) {
    send_upstream (recipient, event);
    gst_event_unref (event);
    return TRUE;
  }
  command = g_new (EventCommand, 1);
  *command = (EventCommand){ gst_object_ref (recipient), event };
  taken = wg_pipeline_post (p, "upstream event", send_posted, command, event_command_free);
  wg_pipeline_unref (p);
  return taken;
}

void
wg_pipeline_stats (WgPipeline *p, WgPipelineStats *stats)
{
  pthread_mutex_lock (&p->mutex);
  *stats = p->stats;
  pthread_mutex_unlock (&p->mutex);
}

char *
wg_pipeline_describe (WgPipeline *p)
{
  char *text;

  pthread_mutex_lock (&p->mutex);
  if (p->call)
    text = g_strdup_printf ("'%s' of session %s: in %s for %.1f s", p->name, p->session, p->call,
        (double) (g_get_monotonic_time () - p->call_since) / G_USEC_PER_SEC);
  else
    text = g_strdup_printf (
        "'%s' of session %s: %s", p->name, p->session, p->done ? "done" : "in no call");
  pthread_mutex_unlock (&p->mutex);
  return text;
}

/* --- shutdown --------------------------------------------------------------------------------- */

void
wg_shutdown_begin (guint bound_ms)
{
  GList *pipelines = NULL;
  gint64 now = g_get_monotonic_time ();

  pthread_once (&all_once, all_init);
  pthread_mutex_lock (&all.mutex);
  if (!all.deadline) {
    all.deadline = now + (gint64) bound_ms * 1000;
    all.eos_deadline = now + (gint64) bound_ms * 10 * SHUTDOWN_EOS_PERCENT;
  }
  for (GList *l = all.pipelines.head; l; l = l->next)
    pipelines = g_list_prepend (pipelines, wg_pipeline_ref (l->data));
  pthread_mutex_unlock (&all.mutex);

  for (GList *l = pipelines; l; l = l->next) {
    WgPipeline *p = l->data;

    wg_loop_stop (p->loop);
    pthread_mutex_lock (&p->mutex); /* an owner that waits reads its deadline anew */
    pthread_cond_broadcast (&p->changed);
    pthread_mutex_unlock (&p->mutex);
  }
  g_list_free_full (pipelines, (GDestroyNotify) wg_pipeline_unref);
}

guint
wg_shutdown_wait (void)
{
  guint left;

  pthread_once (&all_once, all_init);
  pthread_mutex_lock (&all.mutex);
  while (all.pipelines.length && wg_cond_wait_until (&all.changed, &all.mutex, all.deadline))
    ;
  left = all.pipelines.length;
  pthread_mutex_unlock (&all.mutex);
  return left;
}
