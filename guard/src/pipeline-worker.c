/* SPDX-License-Identifier: MIT */
#include "pipeline-private.h"
#include "quarantine.h"

#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>
#include <wolf-guard/watch.h>

/* What going to PLAYING may take: a compositor that starts, a GPU that wakes up. */
#define PLAYING_ALLOWED_MS 20000

/* --- what the bus says */

static GstBusSyncReply
on_bus_message (GstBus *bus, GstMessage *message, gpointer data)
{
  WgPipeline *p = data;
  GstBusSyncReply reply = GST_BUS_PASS;
  GstBusSyncHandler host;
  gpointer host_data;
  gboolean unread;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STREAM_STATUS)
    wg_stream_status (p, message);

  pthread_mutex_lock (&p->mutex);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    p->stats.eos_seen = TRUE; /* the bin posts its own when every sink has: it keeps theirs */
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    p->stats.error_seen = TRUE;
  pthread_cond_broadcast (&p->changed);
  host = p->quarantined ? NULL : p->host_handler;
  host_data = p->host_data;
  unread = p->to_null; /* the owner's loop is over */
  pthread_mutex_unlock (&p->mutex);

  if (host)
    reply = host (bus, message, host_data);
  if (!unread || reply != GST_BUS_PASS)
    return reply;
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static void
on_bus_gone (gpointer data)
{
  WgPipeline *p = data;

  wg_pipeline_set_sync_handler (p, NULL, NULL, NULL); /* frees the host's data */
  wg_pipeline_release (p);
}

/* --- life */

static void
call_begin (WgPipeline *p, const char *what)
{
  wg_watch_begin (what);
  pthread_mutex_lock (&p->mutex);
  p->call = what;
  p->call_since = wg_clock_now ();
  pthread_mutex_unlock (&p->mutex);
}

static void
call_end (WgPipeline *p)
{
  pthread_mutex_lock (&p->mutex);
  p->call = NULL;
  pthread_mutex_unlock (&p->mutex);
  wg_watch_end ();
}

static gboolean
on_woken (gpointer data)
{
  WgPipeline *p = data;

  p->woken = TRUE;
  g_main_loop_quit (wg_loop_get_main_loop (p->loop));
  return G_SOURCE_REMOVE;
}

/* Tell the owner, which runs the loop meanwhile, that parsing is over. Dispatched inside the run,
 * so this quit is not lost either. If the owner was stopped first, the source stays in the loop's
 * context until the worker takes it out. */
static void
wake_owner (WgPipeline *p)
{
  p->wake = g_idle_source_new ();
  g_source_set_callback (
      p->wake, on_woken, wg_pipeline_hold (p), (GDestroyNotify) wg_pipeline_release);
  g_source_attach (p->wake, wg_loop_get_context (p->loop));
}

/* NULL with `error` set when there is no pipeline. */
static GstElement *
make_element (WgPipeline *p, GError **error)
{
  GstElement *element = gst_parse_launch (p->description, error);

  if (!element)
    return NULL;
  gst_object_ref_sink (element);
  if (GST_IS_PIPELINE (element)) {
    if (*error)
      wg_log (WG_LOG_WARNING, "pipeline '%s' of session %s: the parser recovered from: %s", p->name,
          p->session, (*error)->message);
    g_clear_error (error);
    return element;
  }
  gst_object_unref (element);
  if (!*error) /* else the parser says what is missing */
    *error = g_error_new_literal (WG_PIPELINE_ERROR, WG_PIPELINE_ERROR_PARSE,
        "the description makes a single element, not a pipeline");
  return NULL;
}

static void
parse (WgPipeline *p)
{
  GError *error = NULL;
  GstElement *element;
  GstBus *bus = NULL;

  call_begin (p, "gst_parse_launch");
  element = make_element (p, &error);
  if (element) {
    bus = gst_pipeline_get_bus (GST_PIPELINE (element));
    gst_bus_set_sync_handler (bus, on_bus_message, wg_pipeline_hold (p), on_bus_gone);
    g_object_set_qdata_full (G_OBJECT (element), wg_pipeline_quark (), wg_pipeline_hold (p),
        (GDestroyNotify) wg_pipeline_release);
  }

  call_end (p);
  pthread_mutex_lock (&p->mutex);
  p->element = element;
  if (element && p->users > 0 && !p->end_asked)
    p->for_owner = gst_object_ref (element);
  p->bus = bus;
  p->parse_error = error;
  p->parsed = TRUE;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  wake_owner (p);
}

/* The next command, marked as the call that the worker is in; NULL when there is none. */
static WgCommand *
take_command (WgPipeline *p, gboolean *ends)
{
  WgCommand *command = NULL;

  pthread_mutex_lock (&p->mutex);
  *ends = p->stats.ending || p->end_asked || wg_loop_is_stopped (p->loop);
  if (!*ends)
    command = g_queue_pop_head (&p->commands);
  if (command) {
    p->playing |= command->plays; /* here, so that no end slips in between */
    p->call = command->what;
    p->call_since = wg_clock_now ();
  }
  pthread_mutex_unlock (&p->mutex);
  return command;
}

/* Run commands until somebody asks for the end. */
static void
serve (WgPipeline *p)
{
  gboolean ends;

  for (;;) {
    WgCommand *command = take_command (p, &ends);

    if (ends)
      return;
    if (!command) {
      sem_wait (p->work);
      continue;
    }
    wg_watch_begin_allowing (command->what, command->plays ? PLAYING_ALLOWED_MS : 0);
    command->func (p->element, command->data);
    wg_command_free (command);
    call_end (p);
  }
}

/* NULL, and the worker's references are dropped. */
static void
close_element (WgPipeline *p)
{
  GstElement *element;
  GstBus *bus;

  g_source_destroy (p->wake);
  g_source_unref (p->wake);
  if (p->element) {
    call_begin (p, "set_state(NULL)");
    gst_element_set_state (p->element, GST_STATE_NULL);
    call_end (p);
  }
  call_begin (p, "unref");
  pthread_mutex_lock (&p->mutex);
  element = g_steal_pointer (&p->element);
  bus = g_steal_pointer (&p->bus);
  pthread_mutex_unlock (&p->mutex);
  if (bus)
    gst_object_unref (bus);
  if (element)
    gst_object_unref (element);
  call_end (p);
}

/* In this order, so that whoever sees `done` finds the pipeline in no list. */
static void
finish (WgPipeline *p)
{
  gboolean was_kept;

  pthread_mutex_lock (&p->mutex);
  was_kept = wg_quarantine_remove (p);
  wg_shutdown_unlist (p);
  p->done = TRUE;
  p->quarantined = FALSE;
  pthread_cond_broadcast (&p->changed);
  pthread_mutex_unlock (&p->mutex);
  if (was_kept)
    wg_log (WG_LOG_INFO,
        "quarantine: '%s' of session %s recovered and is freed, " WG_SECONDS_FORMAT
        " s after its stop",
        p->name, p->session, WG_SECONDS (wg_clock_now () - p->asked));
}

void *
wg_pipeline_worker (void *data)
{
  WgPipeline *p = data;

  wg_thread_enter ("worker", p->session, p->name);
  parse (p);
  serve (p);
  wg_pipeline_end_streams (p);
  close_element (p);
  finish (p);
  wg_thread_leave ();
  wg_pipeline_release (p);
  return NULL;
}
