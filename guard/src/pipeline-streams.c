/* SPDX-License-Identifier: MIT
 *
 * A streaming thread beats with each buffer that it pushes. Late is one that is in a push, which
 * the STREAM_LOCK of the next pad tells, or in the create function of a source that makes its
 * buffers itself. A queue, or a source that is fed, waits there: it may do so for ever. So may a
 * source until its first buffer: the pipeline is not playing yet, or the compositor starts.
 *
 * The thread's Stream belongs to the pad's probe, so that it goes with either.
 *
 * A thread that ends without a LEAVE (pthread_exit, cancellation, return) still runs its
 * thread-specific destructors, and owns its locks until it is gone. There it does what GstTask's
 * own function does on its way out: it gives back the STREAM_LOCKs that it holds, which are
 * recursive mutexes and refuse an unlock by anybody else, marks its task as ended, and posts an
 * ERROR, so that the owner ends the pipeline the ordinary way. Nothing else is unlocked: a GMutex
 * has no owner. A thread that ended with one (in a sink's render, PREROLL_LOCK) leaves its pipeline
 * to the quarantine.
 */
#include "pipeline-private.h"

#include <errno.h>
#include <wolf-guard/beat.h>
#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>

typedef struct {
  _Atomic (WgBeat *) beat;
  GstTask *task;           /* a reference */
  _Atomic (GstPad *) peer; /* a reference; set with the first buffer */
  gboolean makes;          /* buffers, in create() */
} Stream;

/* What a streaming thread is, from its ENTER to its LEAVE or death. */
typedef struct {
  WgPipeline *pipeline;
  GstElement *owner;
  GstPad *pad; /* references, so far */
  GstTask *task;
  GThread *thread;
  Stream *stream; /* the probe's; NULL: not watched */
  gulong probe;
} Streaming;

static void ended_unexpectedly (gpointer data);

static GPrivate current = G_PRIVATE_INIT (ended_unexpectedly); /* the calling thread's Streaming */

/* The calling thread's records that wg_stream_status() has entered. */
static _Thread_local guint entered;

static void
stream_free (gpointer data)
{
  Stream *stream = data;
  GstPad *peer;

  wg_beat_free (atomic_exchange (&stream->beat, NULL));
  gst_object_unref (stream->task);
  peer = atomic_load (&stream->peer);
  if (peer)
    gst_object_unref (peer);
  g_free (stream);
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Stream *stream = data;

  (void) info;
  if (G_UNLIKELY (!atomic_load_explicit (&stream->peer, memory_order_relaxed)))
    atomic_store (&stream->peer, gst_pad_get_peer (pad));
  wg_beat_now (atomic_load_explicit (&stream->beat, memory_order_relaxed));
  return GST_PAD_PROBE_OK;
}

/* By the scanner: nothing here waits. */
static const char *
where (gpointer data)
{
  Stream *stream = data;
  GstPad *peer = atomic_load (&stream->peer);

  if (g_atomic_int_get ((gint *) &GST_TASK_STATE (stream->task)) != GST_TASK_STARTED)
    return NULL;
  if (peer) {
    if (!g_rec_mutex_trylock (GST_PAD_GET_STREAM_LOCK (peer)))
      return "a push";
    g_rec_mutex_unlock (GST_PAD_GET_STREAM_LOCK (peer));
  }
  return peer && stream->makes ? "create" : NULL;
}

/* Of a class that GStreamer may not have loaded. */
static gboolean
is_a (gpointer object, const char *type)
{
  GType known = g_type_from_name (type);

  return known && g_type_is_a (G_OBJECT_TYPE (object), known);
}

/* An appsrc is fed, a sound card may be asleep. */
static gboolean
makes_buffers (GstElement *element)
{
  return is_a (element, "GstPushSrc") && !is_a (element, "GstAppSrc")
      && !is_a (element, "GstAudioBaseSrc");
}

static void
watch (Streaming *it)
{
  g_autofree char *name = g_strdup_printf (
      "%s:%s %s", GST_OBJECT_NAME (it->owner), GST_OBJECT_NAME (it->pad), it->pipeline->session);
  Stream *stream = g_new0 (Stream, 1);
  WgBeatSpec spec = { .kind = WG_BEAT_STREAM, .name = name, .where = where, .data = stream };

  stream->task = gst_object_ref (it->task);
  stream->makes = makes_buffers (it->owner);
  stream->beat = wg_beat_new (&spec);
  if (!stream->beat) {
    stream_free (stream);
    return;
  }
  wg_beat_now (stream->beat);
  it->stream = stream;
  it->probe = gst_pad_add_probe (it->pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_buffer, stream, stream_free);
}

static void
streaming_free (Streaming *it)
{
  gst_object_unref (it->task);
  gst_object_unref (it->pad);
  gst_object_unref (it->owner);
  wg_pipeline_release (it->pipeline);
  g_free (it);
}

/* --- a death */

/* That a GRecMutex is what GLib has made of it so far: a recursive pthread mutex, which refuses. */
static gboolean
can_refuse (void)
{
  GRecMutex lock;
  pthread_mutex_t *mutex;
  gboolean can;

  g_rec_mutex_init (&lock);
  g_rec_mutex_lock (&lock);
  mutex = lock.p;
  can = mutex && pthread_mutex_trylock (mutex) == 0 && pthread_mutex_unlock (mutex) == 0
      && pthread_mutex_unlock (mutex) == 0 && pthread_mutex_unlock (mutex) == EPERM;
  g_rec_mutex_clear (&lock);
  return can;
}

/* As often as the calling thread holds it. */
static guint
give_back (GstPad *pad)
{
  pthread_mutex_t *mutex = GST_PAD_GET_STREAM_LOCK (pad)->p;
  guint count = 0;

  while (mutex && pthread_mutex_unlock (mutex) == 0)
    count++;
  return count;
}

static guint
give_back_all (GstElement *element)
{
  g_autoptr (GPtrArray) elements = wg_collect (gst_bin_iterate_recurse (GST_BIN (element)));
  guint count = 0;

  for (guint i = 0; i < elements->len; i++) {
    g_autoptr (GPtrArray) pads =
        wg_collect (gst_element_iterate_pads (g_ptr_array_index (elements, i)));

    for (guint j = 0; j < pads->len; j++) {
      GstPad *pad = g_ptr_array_index (pads, j);
      GstProxyPad *inside =
          GST_IS_PROXY_PAD (pad) ? gst_proxy_pad_get_internal (GST_PROXY_PAD (pad)) : NULL;

      count += give_back (pad);
      if (!inside)
        continue;
      count += give_back (GST_PAD (inside));
      gst_object_unref (inside);
    }
  }
  return count;
}

/* As GstTask's function on its way out; its reference goes with it. */
static void
end_task (Streaming *it)
{
  gboolean mine;

  GST_OBJECT_LOCK (it->task);
  mine = it->task->running && it->task->thread == it->thread;
  if (mine) {
    it->task->running = FALSE;
    it->task->thread = NULL;
    GST_TASK_SIGNAL (it->task);
  }
  GST_OBJECT_UNLOCK (it->task);
  if (mine)
    gst_object_unref (it->task);
}

static void
post_error (Streaming *it, guint locks)
{
  g_autoptr (GError) error = g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
      "streaming thread %s:%s ended unexpectedly; %u locks given back", GST_OBJECT_NAME (it->owner),
      GST_OBJECT_NAME (it->pad), locks);

  gst_element_post_message (it->owner, gst_message_new_error (GST_OBJECT (it->owner), error, NULL));
}

static void
ended_unexpectedly (gpointer data)
{
  Streaming *it = data;
  GstElement *element;
  guint locks;
  int cancel;

  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_mutex_lock (&it->pipeline->mutex);
  element = it->pipeline->element ? gst_object_ref (it->pipeline->element) : NULL;
  pthread_mutex_unlock (&it->pipeline->mutex);
  if (element && can_refuse ()) {
    if (it->stream) /* its probe may be in the midst of a call, and then never goes */
      wg_beat_free (atomic_exchange (&it->stream->beat, NULL));
    locks = give_back_all (element);
    end_task (it);
    post_error (it, locks);
  }
  if (element)
    gst_object_unref (element);
  streaming_free (it);
  pthread_setcancelstate (cancel, NULL);
}

/* --- messages */

static void
enter (WgPipeline *p, GstElement *owner, GstMessage *message)
{
  GstObject *src = GST_MESSAGE_SRC (message);
  const GValue *object = gst_message_get_stream_status_object (message);
  g_autofree char *name = GST_IS_PAD (src)
      ? g_strdup_printf ("%s:%s", GST_OBJECT_NAME (owner), GST_OBJECT_NAME (src))
      : g_strdup (GST_OBJECT_NAME (owner));
  Streaming *it;

  wg_thread_enter (name, p->session, p->name);
  entered++;
  if (!GST_IS_PAD (src) || !object || !G_VALUE_HOLDS (object, GST_TYPE_TASK)
      || g_private_get (&current))
    return;
  it = g_new0 (Streaming, 1);
  it->pipeline = wg_pipeline_hold (p);
  it->owner = gst_object_ref (owner);
  it->pad = gst_object_ref (GST_PAD (src));
  it->task = gst_object_ref (g_value_get_object (object));
  it->thread = g_thread_self ();
  if (GST_PAD_IS_SRC (it->pad))
    watch (it);
  g_private_set (&current, it);
}

static void
leave (GstMessage *message)
{
  Streaming *it = g_private_get (&current);

  entered--;
  if (it && GST_MESSAGE_SRC (message) == GST_OBJECT (it->pad)) {
    g_private_set (&current, NULL);
    if (it->stream)
      gst_pad_remove_probe (it->pad, it->probe);
    streaming_free (it);
  }
  wg_thread_leave ();
}

void
wg_stream_status (WgPipeline *p, GstMessage *message)
{
  GstStreamStatusType type;
  GstElement *owner;

  gst_message_parse_stream_status (message, &type, &owner);
  if (type == GST_STREAM_STATUS_TYPE_ENTER)
    enter (p, owner, message);
  else if (type == GST_STREAM_STATUS_TYPE_LEAVE && entered > 0)
    leave (message);
}
