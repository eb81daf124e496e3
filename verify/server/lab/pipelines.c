/* SPDX-License-Identifier: MIT */
/* pipelines.c: one function for each way. */
#include "pipelines.h"

#include <wolf-guard/pipeline.h>

struct LabPipeline {
  Lab *lab;
  const gchar *name;
  LabSession *session;
  GstElement *element;
  WgLoop *loop; /* guard's way only */
  GArray *handlers;
};

/* What a stop handler has: one of the two. */
typedef struct {
  gchar *id;
  GstElement *element;
  WgLoop *loop;
} Stopper;

static void
stopper_free (gpointer data)
{
  Stopper *stopper = data;

  if (stopper->element != NULL)
    gst_object_unref (stopper->element);
  wg_loop_unref (stopper->loop);
  g_free (stopper->id);
  g_free (stopper);
}

/* In the thread that fires the event: HTTPS, a thread of the API's pool, a runner's, main. */
static void
on_stop (const LabEvent *event, gpointer data)
{
  const Stopper *stopper = data;

  if (!g_str_equal (event->id, stopper->id))
    return;
  if (stopper->loop != NULL)
    wg_loop_stop (stopper->loop);
  else
    gst_element_send_event (stopper->element, gst_event_new_eos ());
}

void
lab_pipeline_stop_on (LabPipeline *pipeline, LabEventType type)
{
  Stopper *stopper = g_new0 (Stopper, 1);

  stopper->id = g_strdup (pipeline->session->id);
  if (pipeline->loop != NULL)
    stopper->loop = wg_loop_ref (pipeline->loop);
  else
    stopper->element = gst_object_ref (pipeline->element);
  const guint number = lab_bus_register (pipeline->lab->bus, type, on_stop, stopper, stopper_free);
  g_array_append_val (pipeline->handlers, number);
}

/* Waits for the bus. */
static void
forget_handlers (LabPipeline *pipeline)
{
  for (guint i = 0; i < pipeline->handlers->len; i++)
    lab_bus_unregister (pipeline->lab->bus, g_array_index (pipeline->handlers, guint, i));
  g_array_set_size (pipeline->handlers, 0);
}

static void
on_error (GstBus *bus G_GNUC_UNUSED, GstMessage *message, gpointer loop)
{
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  lab_log ("Pipeline error: %s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  g_main_loop_quit (loop);
}

static void
on_eos (GstBus *bus G_GNUC_UNUSED, GstMessage *message G_GNUC_UNUSED, gpointer loop)
{
  g_main_loop_quit (loop);
}

/* A new reference. */
static GstBus *
watch_bus (GstElement *element, GMainLoop *loop)
{
  GstBus *bus = gst_pipeline_get_bus (GST_PIPELINE (element));

  gst_bus_add_signal_watch (bus);
  g_signal_connect (bus, "message::error", G_CALLBACK (on_error), loop);
  g_signal_connect (bus, "message::eos", G_CALLBACK (on_eos), loop);
  return bus;
}

static void
unwatch_bus (GstBus *bus)
{
  g_signal_handlers_disconnect_matched (bus, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, on_error, NULL);
  g_signal_handlers_disconnect_matched (bus, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, on_eos, NULL);
  gst_bus_remove_signal_watch (bus);
  gst_object_unref (bus);
}

/* Every call waits for as long as the pipeline likes. */
static void
run_before (LabPipeline *pipeline, const gchar *description, LabPipelineReady ready, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (context, FALSE);

  pipeline->element = gst_parse_launch (description, &error);
  if (pipeline->element == NULL) {
    lab_log ("Pipeline parse error: %s", error->message);
    return;
  }
  g_main_context_push_thread_default (context);
  ready (pipeline, pipeline->element, data);
  GstBus *bus = watch_bus (pipeline->element, loop);
  gst_element_set_state (pipeline->element, GST_STATE_PLAYING);
  g_main_loop_run (loop);
  gst_element_set_state (pipeline->element, GST_STATE_PAUSED);
  gst_element_set_state (pipeline->element, GST_STATE_READY);
  gst_element_set_state (pipeline->element, GST_STATE_NULL);
  unwatch_bus (bus);
  g_main_context_pop_thread_default (context);
  forget_handlers (pipeline);
  gst_object_unref (pipeline->element);
}

static void
stop_loop (gpointer loop)
{
  wg_loop_stop (loop);
}

static void
unref_loop (gpointer loop)
{
  wg_loop_unref (loop);
}

static void
run_after (LabPipeline *pipeline, const gchar *description, LabPipelineReady ready, gpointer data)
{
  g_autoptr (GError) error = NULL;
  WgLaunch *launch = pipeline->session->launch;
  guint watch = 0;

  pipeline->loop = wg_loop_new ();
  if (launch != NULL)
    watch = wg_launch_watch (launch, stop_loop, wg_loop_ref (pipeline->loop), unref_loop);
  WgPipeline *guard =
      wg_pipeline_new (pipeline->name, pipeline->session->id, description, pipeline->loop, &error);
  if (guard == NULL) {
    lab_log ("Pipeline: %s", error->message);
  } else {
    pipeline->element = wg_pipeline_get_element (guard);
    g_main_context_push_thread_default (wg_loop_get_context (pipeline->loop));
    ready (pipeline, pipeline->element, data);
    GstBus *bus = watch_bus (pipeline->element, wg_loop_get_main_loop (pipeline->loop));
    wg_pipeline_play (guard);
    wg_loop_run (pipeline->loop);
    wg_pipeline_end (guard);
    unwatch_bus (bus);
    g_main_context_pop_thread_default (wg_loop_get_context (pipeline->loop));
    forget_handlers (pipeline);
    gst_object_unref (pipeline->element);
    wg_pipeline_unref (guard);
  }
  if (launch != NULL)
    wg_launch_unwatch (launch, watch);
  wg_loop_unref (pipeline->loop);
}

void
lab_pipeline_run (Lab *lab, const gchar *name, LabSession *session, const gchar *description,
    LabPipelineReady ready, gpointer data)
{
  LabPipeline pipeline = { lab, name, session, NULL, NULL,
    g_array_new (FALSE, FALSE, sizeof (guint)) };

  lab_log ("%s of %s: %s", name, session->id, description);
  if (lab->options.guard_stop)
    run_after (&pipeline, description, ready, data);
  else
    run_before (&pipeline, description, ready, data);
  lab_log ("%s of %s: over", name, session->id);
  g_array_unref (pipeline.handlers);
}
