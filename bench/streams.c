/* SPDX-License-Identifier: MIT
 *
 * A pipeline of so many buffers, run by guard, whose streaming threads are watched, or by plain
 * GStreamer. No clock is read: count instructions,
 *
 *   valgrind --tool=callgrind bench-streams guard|plain N
 *
 * with two N of each: the difference, by buffer, is what a buffer costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wolf-guard/pipeline.h>
#include <wolf-guard/watch.h>

#define DESCRIPTION                                                                                \
  "videotestsrc num-buffers=%d pattern=smpte ! video/x-raw, format=I420, width=320, height=180, "  \
  "framerate=30/1 ! queue ! theoraenc speed-level=3 ! fakesink sync=false"

static void
on_end (GstBus *bus, GstMessage *message, gpointer loop)
{
  (void) bus;
  (void) message;
  g_main_loop_quit (loop);
}

static void
run_plain (const char *description)
{
  GstElement *pipeline = gst_parse_launch (description, NULL);
  GstBus *bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_message_unref (
      gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

static void
run_guard (const char *description)
{
  WgLoop *loop = wg_loop_new ();
  WgPipeline *pipeline = wg_pipeline_new ("bench", "1", description, loop, NULL);
  GstElement *element = wg_pipeline_get_element (pipeline);
  GstBus *bus = gst_element_get_bus (element);

  wg_watch_start ();
  g_main_context_push_thread_default (wg_loop_get_context (loop));
  gst_bus_add_signal_watch (bus);
  g_signal_connect (bus, "message::eos", G_CALLBACK (on_end), wg_loop_get_main_loop (loop));
  g_signal_connect (bus, "message::error", G_CALLBACK (on_end), wg_loop_get_main_loop (loop));
  wg_pipeline_play (pipeline);
  wg_loop_run (loop);
  wg_pipeline_end (pipeline);
  gst_bus_remove_signal_watch (bus);
  gst_object_unref (bus);
  gst_object_unref (element);
  wg_pipeline_unref (pipeline);
  wg_loop_unref (loop);
}

int
main (int argc, char **argv)
{
  g_autofree char *description = NULL;

  if (argc != 3 || (strcmp (argv[1], "guard") && strcmp (argv[1], "plain"))) {
    fputs ("usage: bench-streams guard|plain BUFFERS\n", stderr);
    return 2;
  }
  gst_init (NULL, NULL);
  description = g_strdup_printf (DESCRIPTION, atoi (argv[2]));
  (strcmp (argv[1], "guard") ? run_plain : run_guard) (description);
  return 0;
}
