/* SPDX-License-Identifier: MIT
 *
 * A streaming thread beats with each buffer that it pushes. Late is one that is in a push, which
 * the STREAM_LOCK of the next pad tells, or in the create function of a source that makes its
 * buffers itself. A queue, or a source that is fed, waits there: it may do so for ever. So may a
 * source until its first buffer: the pipeline is not playing yet, or the compositor starts.
 *
 * The thread's Stream belongs to the pad's probe, so that it goes with either. A thread that ends
 * without a LEAVE leaves it to the pad.
 */
#include "pipeline-private.h"

#include <wolf-guard/beat.h>
#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>

typedef struct {
  WgBeat *beat;
  GstTask *task;           /* a reference */
  _Atomic (GstPad *) peer; /* a reference; set with the first buffer */
  gboolean makes;          /* buffers, in create() */
} Stream;

/* The calling thread's records that wg_stream_status() has entered, and what it beats for. */
static _Thread_local guint entered;
static _Thread_local GstPad *watched;
static _Thread_local gulong probe;

static void
stream_free (gpointer data)
{
  Stream *stream = data;
  GstPad *peer;

  wg_beat_free (stream->beat);
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
  wg_beat_now (stream->beat);
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
watch (WgPipeline *p, GstElement *owner, GstPad *pad, GstTask *task)
{
  g_autofree char *name =
      g_strdup_printf ("%s:%s %s", GST_OBJECT_NAME (owner), GST_OBJECT_NAME (pad), p->session);
  Stream *stream = g_new0 (Stream, 1);
  WgBeatSpec spec = { .kind = WG_BEAT_STREAM, .name = name, .where = where, .data = stream };

  stream->task = gst_object_ref (task);
  stream->makes = makes_buffers (owner);
  stream->beat = wg_beat_new (&spec);
  if (!stream->beat) {
    stream_free (stream);
    return;
  }
  wg_beat_now (stream->beat);
  watched = pad;
  probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
      on_buffer, stream, stream_free);
}

static void
enter (WgPipeline *p, GstElement *owner, GstMessage *message)
{
  GstObject *src = GST_MESSAGE_SRC (message);
  const GValue *object = gst_message_get_stream_status_object (message);
  g_autofree char *name = GST_IS_PAD (src)
      ? g_strdup_printf ("%s:%s", GST_OBJECT_NAME (owner), GST_OBJECT_NAME (src))
      : g_strdup (GST_OBJECT_NAME (owner));

  wg_thread_enter (name, p->session, p->name);
  entered++;
  if (GST_IS_PAD (src) && GST_PAD_IS_SRC (src) && object && G_VALUE_HOLDS (object, GST_TYPE_TASK))
    watch (p, owner, GST_PAD (src), g_value_get_object (object));
}

static void
leave (GstMessage *message)
{
  entered--;
  if (watched && GST_MESSAGE_SRC (message) == GST_OBJECT (watched)) {
    gst_pad_remove_probe (watched, probe);
    watched = NULL;
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
