/* SPDX-License-Identifier: MIT */
/*
 * fake-source.c: an element in place of the compositor's source, `waylanddisplaysrc`.
 *
 * It offers what Wolf uses of the real one: a live push source with property `render-node`, which
 * says on start, in an application message "wayland.src", which Wayland socket to use, and takes
 * input as custom upstream events. Its frames are grey and paced by the pipeline's clock. What the
 * real one does not have: it counts input, apart by how it came (to the element or to its pad), and
 * frames.
 *
 * create() waits only on the clock, and unlock() ends that wait: this source by itself never hangs.
 */
#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (fake_source_debug);
#define GST_CAT_DEFAULT fake_source_debug

#define FAKE_SOURCE_TYPE (fake_source_get_type ())
G_DECLARE_FINAL_TYPE (FakeSource, fake_source, WG, FAKE_SOURCE, GstPushSrc)

struct _FakeSource {
  GstPushSrc parent;

  /* The object lock guards what follows. */
  gchar *render_node;
  GstVideoInfo info;
  GstClockID pause;
  gboolean flushing;
  GstClockTime next; /* running time of the next frame; none: before the first */
  guint display;
  guint64 frames;
  guint64 pad_events, element_events;
  guint64 buttons_down, moved;
};

G_DEFINE_TYPE (FakeSource, fake_source, GST_TYPE_PUSH_SRC)

enum {
  PROP_RENDER_NODE = 1,
  PROP_FRAMES,
  PROP_PAD_EVENTS,
  PROP_ELEMENT_EVENTS,
  PROP_BUTTONS_DOWN,
  PROP_MOVED
};

/* Set while send_event() runs in this thread, which hands element events on to event(). */
static _Thread_local gboolean through_element;

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_VIDEO_CAPS_MAKE ("{ RGBx, BGRx, RGBA, BGRA, NV12, I420 }")));

static void
fake_source_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  FakeSource *self = WG_FAKE_SOURCE (object);

  if (id != PROP_RENDER_NODE) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_free (self->render_node);
  self->render_node = g_value_dup_string (value);
  GST_OBJECT_UNLOCK (self);
}

static void
fake_source_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  FakeSource *self = WG_FAKE_SOURCE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_RENDER_NODE:
    g_value_set_string (value, self->render_node);
    break;
  case PROP_FRAMES:
    g_value_set_uint64 (value, self->frames);
    break;
  case PROP_PAD_EVENTS:
    g_value_set_uint64 (value, self->pad_events);
    break;
  case PROP_ELEMENT_EVENTS:
    g_value_set_uint64 (value, self->element_events);
    break;
  case PROP_BUTTONS_DOWN:
    g_value_set_uint64 (value, self->buttons_down);
    break;
  case PROP_MOVED:
    g_value_set_uint64 (value, self->moved);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
fake_source_start (GstBaseSrc *src)
{
  static gint displays;
  FakeSource *self = WG_FAKE_SOURCE (src);
  g_autofree gchar *name = NULL;

  GST_OBJECT_LOCK (self);
  self->display = (guint) g_atomic_int_add (&displays, 1) + 1;
  self->next = GST_CLOCK_TIME_NONE;
  name = g_strdup_printf ("wayland-%u", self->display);
  GST_OBJECT_UNLOCK (self);
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_application (GST_OBJECT (self),
          gst_structure_new ("wayland.src", "WAYLAND_DISPLAY", G_TYPE_STRING, name, NULL)));
  return TRUE;
}

static gboolean
fake_source_stop (GstBaseSrc *src)
{
  FakeSource *self = WG_FAKE_SOURCE (src);

  GST_OBJECT_LOCK (self);
  GST_INFO_OBJECT (self,
      "%" G_GUINT64_FORMAT " frames, input events: %" G_GUINT64_FORMAT
      " to the pad, %" G_GUINT64_FORMAT " to the element",
      self->frames, self->pad_events, self->element_events);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
fake_source_set_caps (GstBaseSrc *src, GstCaps *caps)
{
  FakeSource *self = WG_FAKE_SOURCE (src);
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  GST_OBJECT_LOCK (self);
  self->info = info;
  GST_OBJECT_UNLOCK (self);
  gst_base_src_set_blocksize (src, (guint) info.size);
  return TRUE;
}

/* Where downstream leaves it open: small and slow, so that a test costs little. */
static GstCaps *
fake_source_fixate (GstBaseSrc *src, GstCaps *caps)
{
  caps = gst_caps_make_writable (caps);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_caps_get_structure (caps, i);
    gst_structure_fixate_field_nearest_int (structure, "width", 320);
    gst_structure_fixate_field_nearest_int (structure, "height", 240);
    gst_structure_fixate_field_nearest_fraction (structure, "framerate", 30, 1);
  }
  return GST_BASE_SRC_CLASS (fake_source_parent_class)->fixate (src, caps);
}

static gboolean
fake_source_unlock (GstBaseSrc *src)
{
  FakeSource *self = WG_FAKE_SOURCE (src);

  GST_OBJECT_LOCK (self);
  self->flushing = TRUE;
  if (self->pause != NULL)
    gst_clock_id_unschedule (self->pause);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static gboolean
fake_source_unlock_stop (GstBaseSrc *src)
{
  FakeSource *self = WG_FAKE_SOURCE (src);

  GST_OBJECT_LOCK (self);
  self->flushing = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* Waits for the next frame's time. Returns FALSE when unlock() ended the wait. */
static gboolean
pace (FakeSource *self)
{
  GstElement *element = GST_ELEMENT (self);
  g_autoptr (GstClock) clock = gst_element_get_clock (element);
  const GstClockTime base = gst_element_get_base_time (element);
  gboolean flushing;

  GST_OBJECT_LOCK (self);
  const GstClockTime step = self->info.fps_n > 0
      ? gst_util_uint64_scale (GST_SECOND, (guint64) self->info.fps_d, (guint64) self->info.fps_n)
      : GST_SECOND / 30;
  if (clock != NULL && !self->flushing) {
    const GstClockTime now = gst_clock_get_time (clock) - base;
    if (!GST_CLOCK_TIME_IS_VALID (self->next) || now > self->next + GST_SECOND)
      self->next = now; /* the first frame, or one long overdue: do not make up for lost ones */
    GstClockID pause = gst_clock_new_single_shot_id (clock, base + self->next);
    self->pause = pause;
    GST_OBJECT_UNLOCK (self);
    gst_clock_id_wait (pause, NULL);
    GST_OBJECT_LOCK (self);
    self->pause = NULL;
    self->next += step;
    gst_clock_id_unref (pause);
  }
  flushing = self->flushing;
  self->frames += !flushing;
  GST_OBJECT_UNLOCK (self);
  return !flushing;
}

static GstFlowReturn
fake_source_fill (GstPushSrc *src, GstBuffer *buffer)
{
  FakeSource *self = WG_FAKE_SOURCE (src);

  if (!pace (self))
    return GST_FLOW_FLUSHING;
  gst_buffer_memset (buffer, 0, (guint8) self->frames, gst_buffer_get_size (buffer));
  return GST_FLOW_OK;
}

static void
take_input (FakeSource *self, const GstStructure *what)
{
  gboolean pressed;
  gdouble x;

  GST_OBJECT_LOCK (self);
  if (gst_structure_get_boolean (what, "pressed", &pressed))
    self->buttons_down = pressed ? 1 : 0;
  if (gst_structure_has_name (what, "MouseMoveRelative")
      && gst_structure_get_double (what, "pointer_x", &x) && x > 0)
    self->moved += (guint64) x;
  if (!through_element)
    self->pad_events++;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
fake_source_event (GstBaseSrc *src, GstEvent *event)
{
  FakeSource *self = WG_FAKE_SOURCE (src);

  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_UPSTREAM)
    return GST_BASE_SRC_CLASS (fake_source_parent_class)->event (src, event);
  take_input (self, gst_event_get_structure (event));
  GST_LOG_OBJECT (
      self, "input through the %s: %" GST_PTR_FORMAT, through_element ? "element" : "pad", event);
  return TRUE;
}

/* As the compositor's own source does it: at once, in the caller's thread, whose STATE_LOCK on the
 * way here is gst_element_send_event()'s. */
static gboolean
fake_source_send_event (GstElement *element, GstEvent *event)
{
  FakeSource *self = WG_FAKE_SOURCE (element);

  if (GST_EVENT_TYPE (event) != GST_EVENT_CUSTOM_UPSTREAM)
    return GST_ELEMENT_CLASS (fake_source_parent_class)->send_event (element, event);
  GST_OBJECT_LOCK (self);
  self->element_events++;
  GST_OBJECT_UNLOCK (self);
  through_element = TRUE;
  const gboolean result = GST_BASE_SRC_GET_CLASS (self)->event (GST_BASE_SRC (self), event);
  through_element = FALSE;
  gst_event_unref (event);
  return result;
}

static void
fake_source_finalize (GObject *object)
{
  g_free (WG_FAKE_SOURCE (object)->render_node);
  G_OBJECT_CLASS (fake_source_parent_class)->finalize (object);
}

static void
install_count (GObjectClass *klass, guint id, const gchar *name, const gchar *blurb)
{
  g_object_class_install_property (klass, id,
      g_param_spec_uint64 (
          name, name, blurb, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
fake_source_class_init (FakeSourceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *base_class = GST_BASE_SRC_CLASS (klass);

  object_class->set_property = fake_source_set_property;
  object_class->get_property = fake_source_get_property;
  object_class->finalize = fake_source_finalize;
  g_object_class_install_property (object_class, PROP_RENDER_NODE,
      g_param_spec_string ("render-node", "Render node", "Taken and kept; nothing is rendered",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  install_count (object_class, PROP_FRAMES, "frames", "Frames made");
  install_count (object_class, PROP_PAD_EVENTS, "pad-events", "Input events that came to the pad");
  install_count (
      object_class, PROP_ELEMENT_EVENTS, "element-events", "Input events that came to the element");
  install_count (object_class, PROP_BUTTONS_DOWN, "buttons-down", "1: the last one was a press");
  install_count (
      object_class, PROP_MOVED, "moved", "How far the mouse has been moved to the right");

  element_class->send_event = fake_source_send_event;
  base_class->start = fake_source_start;
  base_class->stop = fake_source_stop;
  base_class->set_caps = fake_source_set_caps;
  base_class->fixate = fake_source_fixate;
  base_class->unlock = fake_source_unlock;
  base_class->unlock_stop = fake_source_unlock_stop;
  base_class->event = fake_source_event;
  GST_PUSH_SRC_CLASS (klass)->fill = fake_source_fill;

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Fake Wayland display source",
      "Source/Video", "Grey frames in place of a compositor", "Wolf Guard");
  GST_DEBUG_CATEGORY_INIT (
      fake_source_debug, "wgfakesource", 0, "fake source in place of waylanddisplaysrc");
}

static void
fake_source_init (FakeSource *self)
{
  GstBaseSrc *src = GST_BASE_SRC (self);

  gst_video_info_init (&self->info);
  self->next = GST_CLOCK_TIME_NONE;
  gst_base_src_set_live (src, TRUE);
  gst_base_src_set_format (src, GST_FORMAT_TIME);
  gst_base_src_set_do_timestamp (src, TRUE);
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  return gst_element_register (plugin, "waylanddisplaysrc", GST_RANK_NONE, FAKE_SOURCE_TYPE);
}

#define PACKAGE "wolf-guard"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, wgfakesource,
    "A fake waylanddisplaysrc for tests", plugin_init, "1.0", "MIT/X11", "Wolf Guard", "Wolf Guard")
