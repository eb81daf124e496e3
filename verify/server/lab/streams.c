/* SPDX-License-Identifier: MIT */
/* streams.c: what the pipelines are made of. */
#include "streams.h"
#include "handover.h"
#include "packets.h"
#include "pipelines.h"

#define SOURCE "wolf_wayland_source"
#define RATE "48000"

static gboolean
have (const gchar *factory)
{
  g_autoptr (GstElementFactory) found = gst_element_factory_find (factory);

  return found != NULL;
}

gboolean
lab_streams_check (const Lab *lab, GError **error)
{
  static const gchar *const needed[] = { "appsink", "appsrc", "queue", "videoconvert",
    "videotestsrc", "audioconvert", "audiotestsrc", "opusenc" };

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (!have (needed[i])) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
          "GStreamer has no %s: install gstreamer1.0-plugins-base", needed[i]);
      return FALSE;
    }
  if (!have ("x264enc") && !have ("theoraenc")) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "GStreamer has no video encoder: install gstreamer1.0-plugins-base (theoraenc), or -ugly "
        "(x264enc)");
    return FALSE;
  }
  if (lab->options.interpipe && !have ("interpipesink")) {
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--handover=interpipe: GStreamer has no interpipesink: name the folder of "
        "libgstinterpipe.so in GST_PLUGIN_PATH");
    return FALSE;
  }
  return TRUE;
}

static GstElement *
find (GstElement *element, const gchar *name)
{
  return gst_bin_get_by_name (GST_BIN (element), name);
}

/* The end of a producer, to be found under the session's name and the medium. */
static gchar *
sink_of (const Lab *lab, const gchar *id, const gchar *medium, guint buffers)
{
  return lab->options.interpipe
      ? g_strdup_printf (
          "interpipesink sync=true async=false name=%s_%s max-buffers=%u", id, medium, buffers)
      : g_strdup_printf (
          "appsink sync=true async=false drop=true name=%s_%s max-buffers=%u", id, medium, buffers);
}

/* The beginning of a consumer. */
static gchar *
source_of (const Lab *lab, const gchar *id, const gchar *medium, guint buffers)
{
  return lab->options.interpipe
      ? g_strdup_printf ("interpipesrc name=interpipesrc_%s_%s listen-to=%s_%s is-live=true "
                         "stream-sync=restart-ts max-bytes=0 max-buffers=%u leaky-type=downstream",
          id, medium, id, medium, buffers)
      : g_strdup_printf ("appsrc name=interpipesrc_%s_%s is-live=true do-timestamp=true "
                         "format=time max-bytes=0 max-buffers=%u leaky-type=downstream",
          id, medium, buffers);
}

static void
offer (Lab *lab, const LabSession *session, GstElement *element, const gchar *medium)
{
  g_autofree gchar *name = g_strdup_printf ("%s_%s", session->id, medium);
  GstElement *sink = find (element, name);

  if (!lab->options.interpipe)
    lab_handover_offer (lab->handover, GST_APP_SINK (sink));
  gst_object_unref (sink);
}

/* What a producer's bus handlers have. */
typedef struct {
  Lab *lab;
  LabSession *session;
  GstElement *display;
  LabDisplayReady ready;
  gint told;
} Producer;

static void
producer_free (gpointer data, GClosure *closure G_GNUC_UNUSED)
{
  Producer *producer = data;

  lab_session_unref (producer->session);
  g_clear_pointer (&producer->display, gst_object_unref);
  g_free (producer);
}

static void
tell_ready (Producer *producer)
{
  if (!g_atomic_int_compare_and_exchange (&producer->told, FALSE, TRUE))
    return;
  lab_session_set_display (producer->session, producer->display);
  g_clear_pointer (&producer->display, gst_object_unref); /* or it would keep its own bus */
  producer->ready (producer->lab, producer->session);
}

static void
on_application (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer producer)
{
  const GstStructure *what = gst_message_get_structure (message);

  if (gst_structure_has_name (what, "wayland.src")
      && gst_structure_has_field_typed (what, "WAYLAND_DISPLAY", G_TYPE_STRING))
    tell_ready (producer);
}

/* A test source says nothing of a display. */
static void
on_state (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer producer)
{
  GstState now;

  gst_message_parse_state_changed (message, NULL, &now, NULL);
  if (now == GST_STATE_PLAYING && GST_IS_PIPELINE (GST_MESSAGE_SRC (message)))
    tell_ready (producer);
}

typedef struct {
  Lab *lab;
  LabSession *session;
  LabDisplayReady ready;
  LabMedium medium;
  GSocket *socket;
  GSocketAddress *to;
  GstElement *source; /* of a consumer that listens */
} Work;

static void
video_producer_ready (LabPipeline *pipeline, GstElement *element, gpointer data)
{
  const Work *work = data;
  const gboolean speaks = have ("waylanddisplaysrc");
  Producer *producer = g_new0 (Producer, 1);
  GstBus *bus = gst_pipeline_get_bus (GST_PIPELINE (element));

  producer->lab = work->lab;
  producer->session = lab_session_ref (work->session);
  producer->display = find (element, SOURCE);
  producer->ready = work->ready;
  g_signal_connect_data (bus, speaks ? "message::application" : "message::state-changed",
      speaks ? G_CALLBACK (on_application) : G_CALLBACK (on_state), producer, producer_free, 0);
  gst_object_unref (bus);
  offer (work->lab, work->session, element, "video");
  lab_pipeline_stop_on (pipeline, LAB_EVENT_STOP);
}

void
lab_stream_video_producer (Lab *lab, LabSession *session, LabDisplayReady ready)
{
  g_autofree gchar *sink = sink_of (lab, session->id, "video", 1);
  g_autofree gchar *description =
      g_strdup_printf ("%s name=" SOURCE " ! video/x-raw, format=RGBx, width=%d, height=%d, "
                       "framerate=%d/1 ! %s",
          have ("waylanddisplaysrc") ? "waylanddisplaysrc render-node=software"
                                     : "videotestsrc is-live=true",
          session->mode.width, session->mode.height, session->mode.fps, sink);
  Work work = { .lab = lab, .session = session, .ready = ready };

  lab_pipeline_run (lab, "video producer", session, description, video_producer_ready, &work);
}

static void
audio_producer_ready (LabPipeline *pipeline, GstElement *element, gpointer data)
{
  const Work *work = data;

  offer (work->lab, work->session, element, "audio");
  lab_pipeline_stop_on (pipeline, LAB_EVENT_STOP);
}

static gchar *
tone (const LabSession *session)
{
  return g_strdup_printf ("audiotestsrc is-live=true name=audio_tone_%s ! "
                          "audio/x-raw, rate=" RATE ", channels=%d",
      session->id, session->mode.channels);
}

void
lab_stream_audio_producer (Lab *lab, LabSession *session)
{
  g_autofree gchar *sink = sink_of (lab, session->id, "audio", 3);
  g_autofree gchar *source = tone (session);
  g_autofree gchar *description =
      g_strdup_printf ("%s ! queue leaky=downstream max-size-buffers=3 ! %s", source, sink);
  Work work = { .lab = lab, .session = session };

  lab_pipeline_run (lab, "audio producer", session, description, audio_producer_ready, &work);
}

static void
consumer_ready (LabPipeline *pipeline, GstElement *element, gpointer data)
{
  Work *work = data;
  const gchar *medium = work->medium == LAB_VIDEO ? "video" : "audio";
  g_autofree gchar *name = g_strdup_printf ("interpipesrc_%s_%s", work->session->id, medium);
  g_autofree gchar *node = g_strdup_printf ("%s_%s", work->session->id, medium);
  GstElement *sink = find (element, "wolf_udp_sink");

  lab_packets_send (GST_APP_SINK (sink), work->medium, work->socket, work->to);
  gst_object_unref (sink);
  if (!work->lab->options.interpipe)
    work->source = find (element, name);
  if (work->source != NULL)
    lab_handover_listen (work->lab->handover, GST_APP_SRC (work->source), node);
  lab_pipeline_stop_on (pipeline, LAB_EVENT_PAUSE);
  lab_pipeline_stop_on (pipeline, LAB_EVENT_STOP);
}

/* Encoders are the cheapest there are: what is measured is not their speed. */
static gchar *
describe_video (const Lab *lab, const LabSession *session)
{
  g_autofree gchar *source = source_of (lab, session->id, "video", 1);

  return g_strdup_printf ("%s ! queue leaky=downstream max-size-buffers=1 ! videoconvert ! "
                          "video/x-raw, format=I420 ! %s ! queue ! "
                          "appsink sync=false max-buffers=1 drop=true name=wolf_udp_sink",
      source,
      have ("x264enc") ? "x264enc name=video_encoder tune=zerolatency speed-preset=ultrafast "
                         "threads=1 bitrate=2000 key-int-max=30 ! "
                         "video/x-h264, profile=baseline, stream-format=byte-stream"
                       : "theoraenc name=video_encoder speed-level=3 bitrate=2000");
}

static gchar *
describe_audio (const Lab *lab, const LabSession *session)
{
  g_autofree gchar *source =
      lab->options.relayed_audio ? source_of (lab, session->id, "audio", 3) : tone (session);

  return g_strdup_printf ("%s ! audioconvert ! opusenc name=audio_encoder bitrate=64000 "
                          "bitrate-type=cbr frame-size=5 audio-type=restricted-lowdelay ! queue ! "
                          "appsink name=wolf_udp_sink",
      source);
}

void
lab_stream_consumer (
    Lab *lab, LabSession *session, LabMedium medium, GSocket *socket, GSocketAddress *to)
{
  const gboolean video = medium == LAB_VIDEO;
  g_autofree gchar *description =
      video ? describe_video (lab, session) : describe_audio (lab, session);
  Work work = { lab, session, NULL, medium, socket, to, NULL };

  lab_pipeline_run (lab, video ? "video" : "audio", session, description, consumer_ready, &work);
  if (work.source == NULL)
    return;
  lab_handover_leave (lab->handover, GST_APP_SRC (work.source));
  gst_object_unref (work.source);
}
