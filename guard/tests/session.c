/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <wolf-guard/log.h>

/* --- what the host's callbacks note ----------------------------------------------------------- */

static GstBusSyncReply
host_handler (GstBus *bus, GstMessage *message, gpointer data)
{
  HostData *host = data;
  Session *session = host->session;

  (void) bus;
  atomic_fetch_add (&host->messages, 1);
  atomic_fetch_add (&session->messages, 1);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STATE_CHANGED) {
    GstState before, now;

    gst_message_parse_state_changed (message, &before, &now, NULL);
    if (g_str_equal (GST_OBJECT_NAME (GST_MESSAGE_SRC (message)), "sink") && now < before
        && !atomic_load (&session->sink_down))
      atomic_store (&session->sink_down, atomic_fetch_add (&session->clock, 1) + 1);
  }
  return GST_BUS_PASS;
}

static void
host_data_free (gpointer data)
{
  HostData *host = data;

  atomic_fetch_add (&host->session->data_freed, 1);
  g_free (host);
}

static void
on_finalized (gpointer data, GObject *where)
{
  Session *session = data;

  (void) where;
  atomic_fetch_add (&session->finalized, 1);
}

static GstPadProbeReturn
on_sink_probe (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Session *session = data;

  (void) pad;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    atomic_store (&session->playing, TRUE);
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS) {
    atomic_fetch_add (&session->eos_count, 1);
    atomic_store (&session->eos_at_sink, atomic_fetch_add (&session->clock, 1) + 1);
  }
  return GST_PAD_PROBE_OK;
}

static gboolean
on_bus_watch (GstBus *bus, GstMessage *message, gpointer data)
{
  Session *session = data;

  (void) bus;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
      || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    g_main_loop_quit (wg_loop_get_main_loop (session->loop));
  return G_SOURCE_CONTINUE;
}

/* --- the owner -------------------------------------------------------------------------------- */

static void
watch_sink (Session *session, GstElement *element)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (element), "sink");
  GstPad *pad;

  if (!sink)
    return;
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_sink_probe, session, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static void
run (Session *session)
{
  GstElement *element = wg_pipeline_get_element (session->pipeline);
  HostData *host = g_new0 (HostData, 1);
  GSource *watch;
  GstBus *bus;

  g_assert_nonnull (element);
  session->borrowed = element;
  g_object_weak_ref (G_OBJECT (element), on_finalized, session);
  host->session = session;
  wg_pipeline_set_sync_handler (session->pipeline, host_handler, host, host_data_free);
  bus = gst_element_get_bus (element);
  watch = gst_bus_create_watch (bus);
  gst_object_unref (bus);
  g_source_set_callback (watch, G_SOURCE_FUNC (on_bus_watch), session, NULL);
  g_source_attach (watch, wg_loop_get_context (session->loop));
  watch_sink (session, element);
  if (session->prepare)
    session->prepare (session, element);
  gst_object_unref (element);
  atomic_store (&session->made, TRUE);

  wg_pipeline_play (session->pipeline);
  wg_loop_run (session->loop);
  if (session->owner_late_ms)
    clock_advance_ms (session->owner_late_ms);
  session->end = wg_pipeline_end (session->pipeline);
  pthread_testcancel (); /* test-owner: here, not inside GLib, which TSan does not like */
  wg_pipeline_get_stats (session->pipeline, &session->stats);
  g_source_destroy (watch);
  g_source_unref (watch);
}

static void *
owner (void *data)
{
  Session *session = data;

  session->pipeline =
      wg_pipeline_new ("test", "4", session->description, session->loop, &session->error);
  if (session->pipeline)
    run (session);
  atomic_store (&session->ended, TRUE);
  return NULL;
}

Session *
session_new (const char *description, SessionPrepare prepare, gpointer data)
{
  Session *session = g_new0 (Session, 1);

  session->description = description;
  session->prepare = prepare;
  session->data = data;
  session->loop = wg_loop_new ();
  return session;
}

void
session_start (Session *session)
{
  g_assert_cmpint (pthread_create (&session->thread, NULL, owner, session), ==, 0);
}

static gboolean
session_is_playing (Session *session)
{
  WgPipelineStats stats;

  if (!atomic_load (&session->playing) || !atomic_load (&session->made))
    return FALSE;
  wg_pipeline_get_stats (session->pipeline, &stats);
  g_assert_false (stats.ending);
  return GST_STATE (session->borrowed) == GST_STATE_PLAYING;
}

void
session_await_playing (Session *session)
{
  assert_comes (session_is_playing, session);
}

void
session_stop (Session *session)
{
  wg_loop_stop (session->loop);
}

gboolean
session_made (Session *session)
{
  return atomic_load (&session->made);
}

gboolean
session_ended (Session *session)
{
  return atomic_load (&session->ended);
}

gboolean
session_drained (Session *session)
{
  WgPipelineStats stats;

  wg_pipeline_get_stats (session->pipeline, &stats);
  return stats.ending && stats.eos_seen;
}

void
session_join (Session *session)
{
  assert_comes (session_ended, session);
  pthread_join (session->thread, NULL);
}

static gboolean
ended_meanwhile (Session *session)
{
  clock_advance_ms (100);
  return session_ended (session);
}

void
session_expire (Session *session)
{
  assert_comes (ended_meanwhile, session);
  session_join (session);
}

gboolean
session_finalized (Session *session)
{
  return atomic_load (&session->finalized) && atomic_load (&session->data_freed);
}

void
session_free (Session *session)
{
  if (session->pipeline) {
    assert_comes (session_finalized, session);
    g_assert_cmpuint (session->finalized, ==, 1);
    g_assert_cmpuint (session->data_freed, ==, 1);
  }
  wg_pipeline_unref (session->pipeline);
  wg_loop_unref (session->loop);
  g_clear_error (&session->error);
  g_free (session);
}

Idle
idle_new (const char *description)
{
  Idle idle = { .loop = wg_loop_new () };

  idle.pipeline = wg_pipeline_new ("idle", "4", description, idle.loop, NULL);
  g_assert_nonnull (idle.pipeline);
  return idle;
}

void
idle_free (Idle *idle)
{
  wg_pipeline_unref (idle->pipeline);
  wg_loop_unref (idle->loop);
}

gboolean
quarantine_is_empty (gpointer unused)
{
  WgQuarantineStatus status;

  (void) unused;
  wg_quarantine_get_status (&status);
  return status.now == 0;
}
