/* SPDX-License-Identifier: MIT */
/*
 * main.c: wolf-lab: opens the servers, says so, waits for a signal, ends.
 *
 * The servers' threads are never joined, as in Wolf.
 */
#include "bus.h"
#include "certificate.h"
#include "clients.h"
#include "container.h"
#include "handover.h"
#include "icons.h"
#include "lab.h"
#include "life.h"
#include "servers.h"
#include "sessions.h"
#include "streams.h"
#include "thread.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wolf-guard/log.h>
#include <wolf-guard/canary.h>
#include <wolf-guard/health.h>
#include <wolf-guard/pipeline.h>
#include <wolf-guard/shutdown.h>

#define USAGE_ERROR 2
#define SHUTDOWN_MS                                                                                \
  4000 /* after: all pipelines, so that the process is gone 5 s after the signal */
#define CONTAINERS_MS 4500          /* after: all containers, from the signal on */
#define DRAIN_ROUNDS 100            /* before: how often main looks whether the list is empty, */
#define DRAIN_PAUSE_US (100 * 1000) /* and how long it sleeps in between */

static gboolean
open_all (Lab *lab, GError **error)
{
  return lab_thread_serve (lab, "HTTP", lab_http_open, error)
      && lab_thread_serve (lab, "HTTPS", lab_https_open, error)
      && lab_thread_serve (lab, "RTSP", lab_rtsp_open, error)
      && lab_thread_serve (lab, "RTP ping", lab_ping_open, error)
      && lab_thread_serve (lab, "API", lab_api_open, error);
}

static gboolean
prepare (Lab *lab, GError **error)
{
  lab->bus = lab_bus_new ();
  lab->sessions = lab_sessions_new ();
  lab->handover = lab_handover_new ();
  lab->api_path = g_build_filename (lab->options.dir, "wolf.sock", NULL);
  lab->icons = lab_icons_read (lab->options.dir);
  lab->clients = lab_clients_read (lab->options.dir, error);
  if (lab->clients == NULL)
    return FALSE;
  lab->certificate = lab_certificate_new (error);
  if (lab->certificate == NULL)
    return FALSE;
  lab_life_begin (lab);
  lab_container_ask_for_sound (lab);
  return open_all (lab, error);
}

static void
ignore (const LabEvent *event G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
}

static void
touch_bus (gpointer bus)
{
  lab_bus_unregister (bus, lab_bus_register (bus, LAB_EVENT_PING, ignore, NULL, NULL));
}

/* Beside the API's socket, as in Wolf. */
static void
start_health (const Lab *lab)
{
  g_autofree gchar *path = g_build_filename (lab->options.dir, "wolf-health.sock", NULL);

  wg_health_start (path, "wolf-lab");
  wg_canary_start ("fakesrc num-buffers=1 ! fakesink", touch_bus, lab->bus);
}

static void
say_ready (const Lab *lab)
{
  g_autofree gchar *path = g_strescape (lab->api_path, NULL);
  g_autofree gchar *switches = lab_options_describe (&lab->options);

  lab_log ("wolf-lab: %s", switches);
  printf ("{\"ready\":true,\"http\":%u,\"https\":%u,\"rtsp\":%u,\"video\":%u,\"audio\":%u,"
          "\"api\":\"%s\",\"pid\":%d}\n",
      lab->http, lab->https, lab->rtsp, lab->video, lab->audio, path, getpid ());
  fflush (stdout);
}

static gboolean
on_signal (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

/* The loop that a signal quits. */
static GMainLoop *
catch_signals (void)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);

  g_unix_signal_add (SIGTERM, on_signal, loop);
  g_unix_signal_add (SIGINT, on_signal, loop);
  return loop;
}

static gboolean
is_empty (Lab *lab)
{
  g_autoptr (GPtrArray) list = lab_sessions_list (lab->sessions);

  return list->len == 0;
}

/* Each stop runs its handlers here. */
static void
stop_sessions (Lab *lab)
{
  g_autoptr (GPtrArray) list = lab_sessions_list (lab->sessions);

  for (guint i = 0; i < list->len; i++)
    lab_bus_fire_id (lab->bus, LAB_EVENT_STOP, ((LabSession *) g_ptr_array_index (list, i))->id);
  for (guint i = 0; i < DRAIN_ROUNDS && !is_empty (lab); i++)
    g_usleep (DRAIN_PAUSE_US); /* upstream's own way of waiting */
}

/* Pipelines are stopped, and nobody looks whether they have ended: exit handlers run beside them.
 */
static void
end_before (Lab *lab)
{
  stop_sessions (lab);
  exit (EXIT_SUCCESS);
}

static void
end_after (Lab *lab)
{
  const gint64 begun = g_get_monotonic_time ();

  wg_shutdown_begin (SHUTDOWN_MS);
  stop_sessions (lab);
  const guint left = wg_shutdown_wait ();
  const gint64 passed_ms = (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  const guint containers = lab_container_wait ((guint) MAX (0, CONTAINERS_MS - passed_ms));
  if (left + containers > 0)
    lab_log ("shutdown: %u pipelines and %u containers did not end", left, containers);
  lab_log_flush ();
  fflush (stdout); /* not all: a thread that reads from a stream keeps its lock */
  _exit (EXIT_SUCCESS);
}

static gint
fail (const GError *error)
{
  const gboolean usage = error->domain == G_OPTION_ERROR;

  g_printerr ("wolf-lab: %s%s\n", error->message, usage ? "; see --help" : "");
  return usage ? USAGE_ERROR : EXIT_FAILURE;
}

static void
log_of_guard (WgLogLevel level G_GNUC_UNUSED, const char *line)
{
  lab_log ("%s", line);
}

static void
log_of_gstreamer (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint number, GObject *object, GstDebugMessage *message,
    gpointer data G_GNUC_UNUSED)
{
  g_autofree gchar *line =
      gst_debug_log_get_line (category, level, file, function, number, object, message);

  lab_log ("%s", g_strchomp (line));
}

/* Before GStreamer is initialised. */
static void
take_logs (void)
{
  lab_log_begin ();
  wg_log_set_func (log_of_guard);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (log_of_gstreamer, NULL, NULL);
}

int
main (int argc, char **argv)
{
  Lab *lab = g_new0 (Lab, 1);
  g_autoptr (GError) error = NULL;

  if (!lab_options_parse (&lab->options, argc, argv, &error))
    return fail (error);
  signal (SIGPIPE, SIG_IGN);
  if (lab->options.own_log)
    take_logs ();
  gst_init (NULL, NULL);
  if (!lab_streams_check (lab, &error) || !prepare (lab, &error))
    return fail (error);
  GMainLoop *until_signal = catch_signals ();
  if (lab->options.watch)
    start_health (lab);
  say_ready (lab);
  g_main_loop_run (until_signal);
  lab_log ("shutting down");
  if (lab->options.bounded_shutdown)
    end_after (lab);
  end_before (lab);
}
