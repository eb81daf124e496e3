/* SPDX-License-Identifier: MIT */
/*
 * tracer.c: GstTracer `wgfaults`, whose hooks are the fault points.
 *
 * GST_TRACERS=wgfaults loads it. WG_FAULTS_SOCKET names the unix socket on which it takes orders
 * ("%p" in it becomes the process id), WG_FAULTS_JOURNAL a file for the journal. Without either it
 * only keeps count of elements.
 */
#include "wgfaults.h"

#define GST_USE_UNSTABLE_API
#include <gst/gsttracer.h>
#include <string.h>

#define WGF_TYPE_TRACER (wgf_tracer_get_type ())
G_DECLARE_FINAL_TYPE (WgfTracer, wgf_tracer, WGF, TRACER, GstTracer)

struct _WgfTracer {
  GstTracer parent;
};

G_DEFINE_TYPE (WgfTracer, wgf_tracer, GST_TYPE_TRACER)

static gboolean
armed (WgfWhere where)
{
  return __atomic_load_n (&wgf_armed[where], __ATOMIC_RELAXED) != 0;
}

/* The element whose pad this is; for the inside of a ghost pad, the bin. A reference, or NULL.
 * GStreamer 1.26 has the pad's object lock around the hook of a sticky event, so it is not taken
 * here. The pad's own thread keeps its parent. */
static GstElement *
owner_of (GstPad *pad)
{
  GstObject *object = GST_OBJECT_PARENT (pad) ? gst_object_ref (GST_OBJECT_PARENT (pad)) : NULL;

  while (object != NULL && !GST_IS_ELEMENT (object)) {
    GstObject *up = gst_object_get_parent (object);
    gst_object_unref (object);
    object = up;
  }
  return (GstElement *) object;
}

static void
pad_point (WgfWhere where, GstPad *pad, const gchar *type)
{
  GstElement *element = owner_of (pad);

  if (element == NULL)
    return;
  /* The pad's own thread keeps the element alive meanwhile; a reference kept across the fault would
   * outlive a thread that ends in it. */
  gst_object_unref (element);
  wgf_point (where, element, pad, type);
}

static void
on_push (GstTracer *self, GstClockTime ts, GstPad *pad, GstMiniObject *data)
{
  (void) self, (void) ts;
  if (G_UNLIKELY (g_atomic_int_get (&wgf_caps_watched) != 0)) {
    g_autoptr (GstElement) element = owner_of (pad);
    if (element != NULL)
      wgf_caps_look (pad, element, data);
  }
  if (G_UNLIKELY (armed (WGF_PUSH)))
    pad_point (WGF_PUSH, pad, NULL);
}

static void
on_event (GstTracer *self, GstClockTime ts, GstPad *pad, GstEvent *event)
{
  (void) self, (void) ts;
  if (G_UNLIKELY (armed (WGF_EVENT)))
    pad_point (WGF_EVENT, pad, GST_EVENT_TYPE_NAME (event));
}

static void
on_query (GstTracer *self, GstClockTime ts, GstPad *pad, GstQuery *query)
{
  (void) self, (void) ts;
  if (G_UNLIKELY (armed (WGF_QUERY)))
    pad_point (WGF_QUERY, pad, GST_QUERY_TYPE_NAME (query));
}

static void
on_element_new (GstTracer *self, GstClockTime ts, GstElement *element)
{
  (void) self, (void) ts;
  wgf_vmethods_wrap (element);
  wgf_note_element (element);
  wgf_point (WGF_PARSE, element, NULL, NULL);
}

static void
on_state_pre (GstTracer *self, GstClockTime ts, GstElement *element, GstStateChange change)
{
  (void) self, (void) ts;
  wgf_point (WGF_STATE, element, NULL, gst_state_change_get_name (change));
}

static void
on_state_post (GstTracer *self, GstClockTime ts, GstElement *element, GstStateChange change,
    GstStateChangeReturn result)
{
  (void) self, (void) ts;
  wgf_journal_state (element, change, result);
}

static void
on_message (GstTracer *self, GstClockTime ts, GstElement *element, GstMessage *message)
{
  (void) self, (void) ts;
  wgf_journal_message (element, message);
}

/* The plugin scanner is a helper process of the program's; orders are not for it. */
static gboolean
is_scanner (void)
{
  g_autofree gchar *exe = g_file_read_link ("/proc/self/exe", NULL);

  return exe != NULL && strstr (exe, "plugin-scanner") != NULL;
}

static void
wgf_tracer_constructed (GObject *object)
{
  GstTracer *tracer = GST_TRACER (object);
  const gchar *socket = g_getenv ("WG_FAULTS_SOCKET");
  const gchar *journal = g_getenv ("WG_FAULTS_JOURNAL");

  G_OBJECT_CLASS (wgf_tracer_parent_class)->constructed (object);
  if (is_scanner ())
    return;
  gst_tracing_register_hook (tracer, "pad-push-pre", G_CALLBACK (on_push));
  gst_tracing_register_hook (tracer, "pad-push-list-pre", G_CALLBACK (on_push));
  gst_tracing_register_hook (tracer, "pad-push-event-pre", G_CALLBACK (on_event));
  gst_tracing_register_hook (tracer, "pad-query-pre", G_CALLBACK (on_query));
  gst_tracing_register_hook (tracer, "element-new", G_CALLBACK (on_element_new));
  gst_tracing_register_hook (tracer, "element-change-state-pre", G_CALLBACK (on_state_pre));
  if (journal != NULL && *journal != '\0') {
    wgf_journal_open (journal);
    gst_tracing_register_hook (tracer, "element-change-state-post", G_CALLBACK (on_state_post));
    gst_tracing_register_hook (tracer, "element-post-message-pre", G_CALLBACK (on_message));
  }
  if (socket != NULL && *socket != '\0')
    wgf_control_start (socket);
}

static void
wgf_tracer_class_init (WgfTracerClass *klass)
{
  G_OBJECT_CLASS (klass)->constructed = wgf_tracer_constructed;
}

static void
wgf_tracer_init (WgfTracer *self)
{
  (void) self;
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  return gst_tracer_register (plugin, "wgfaults", WGF_TYPE_TRACER);
}

#define PACKAGE "wolf-guard"
GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, wgfaults,
    "Fault points for tests of programs that use GStreamer", plugin_init, "1.0", "MIT/X11",
    "Wolf Guard", "Wolf Guard")
