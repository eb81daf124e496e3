/* SPDX-License-Identifier: MIT */
/* life.c: events in, threads out. */
#include "life.h"
#include "ping.h"
#include "runner.h"
#include "streams.h"
#include "thread.h"

#define PING_S 30 /* a client pings at once, or has gone */

/* What a thread of a session's has. */
typedef struct {
  Lab *lab;
  LabSession *session;
} Part;

static void
start (Lab *lab, const gchar *name, LabSession *session, LabThreadFunc func)
{
  Part *part = g_new0 (Part, 1);

  *part = (Part){ lab, lab_session_ref (session) };
  lab_thread_start (lab, name, session->id, func, part);
}

static void
part_free (Part *part)
{
  lab_session_unref (part->session);
  g_free (part);
}

/* Its end stops the session. A launch that was stopped already stops nothing more: the event
 * carries an id, and would end the client's next launch. Without tokens nobody can tell. */
static void
run_program (gpointer data)
{
  Part *part = data;

  lab_runner_run (part->lab, part->session);
  lab_session_set_display (part->session, NULL);
  if (!lab_session_was_stopped (part->session))
    lab_bus_fire_id (part->lab->bus, LAB_EVENT_STOP, part->session->id);
  part_free (part);
}

static void
on_display (Lab *lab, LabSession *session)
{
  start (lab, "runner", session, run_program);
}

static void
produce_video (gpointer data)
{
  Part *part = data;

  lab_stream_video_producer (part->lab, part->session, on_display);
  part_free (part);
}

static void
produce_audio (gpointer data)
{
  Part *part = data;

  lab_stream_audio_producer (part->lab, part->session);
  part_free (part);
}

/* Waiting for a ping: it comes, or, with tokens, the stop does. Shared by the waiting thread, the
 * handler and the watch. */
typedef struct {
  gint refs;
  LabSession *session;
  LabMedium medium;
  GMutex lock;
  GCond changed;
  gboolean stopped;
  GSocket *socket; /* with `to`: of the ping; NULL until then */
  GSocketAddress *to;
} Wait;

static void
wait_unref (gpointer data)
{
  Wait *wait = data;

  if (!g_atomic_int_dec_and_test (&wait->refs))
    return;
  lab_session_unref (wait->session);
  g_clear_object (&wait->socket);
  g_clear_object (&wait->to);
  g_mutex_clear (&wait->lock);
  g_cond_clear (&wait->changed);
  g_free (wait);
}

static Wait *
wait_ref (Wait *wait)
{
  g_atomic_int_inc (&wait->refs);
  return wait;
}

static void
on_ping (const LabEvent *event, gpointer data)
{
  Wait *wait = data;

  if (!lab_ping_is_of (event->ping, wait->medium, wait->session))
    return;
  g_mutex_lock (&wait->lock);
  if (wait->socket == NULL) {
    wait->socket = g_object_ref (event->ping->socket);
    wait->to = g_object_ref (event->ping->from);
  }
  g_cond_signal (&wait->changed);
  g_mutex_unlock (&wait->lock);
}

static void
on_stopped (gpointer data)
{
  Wait *wait = data;

  g_mutex_lock (&wait->lock);
  wait->stopped = TRUE;
  g_cond_signal (&wait->changed);
  g_mutex_unlock (&wait->lock);
}

/* FALSE: stopped first, or, with --pings=limit, it has not come in time. */
static gboolean
wait_for_ping (Lab *lab, Wait *wait)
{
  WgLaunch *launch = wait->session->launch;
  const guint number =
      lab_bus_register (lab->bus, LAB_EVENT_PING, on_ping, wait_ref (wait), wait_unref);
  const guint watch =
      launch ? wg_launch_watch (launch, on_stopped, wait_ref (wait), wait_unref) : 0;

  const gint64 until =
      lab->options.limit_pings ? g_get_monotonic_time () + PING_S * G_TIME_SPAN_SECOND : G_MAXINT64;

  g_mutex_lock (&wait->lock);
  while (wait->socket == NULL && !wait->stopped)
    if (!g_cond_wait_until (&wait->changed, &wait->lock, until))
      break;
  const gboolean pinged = wait->socket != NULL && !wait->stopped;
  g_mutex_unlock (&wait->lock);
  if (launch != NULL)
    wg_launch_unwatch (launch, watch);
  lab_bus_unregister (lab->bus, number);
  return pinged;
}

static void
stream (Part *part, LabMedium medium)
{
  Wait *wait = g_new0 (Wait, 1);

  g_atomic_int_set (&wait->refs, 1);
  g_mutex_init (&wait->lock);
  g_cond_init (&wait->changed);
  wait->session = lab_session_ref (part->session);
  wait->medium = medium;
  if (wait_for_ping (part->lab, wait))
    lab_stream_consumer (part->lab, part->session, medium, wait->socket, wait->to);
  else
    lab_log ("session %s was stopped before its first ping, or sent none", part->session->id);
  wait_unref (wait);
  part_free (part);
}

static void
stream_video (gpointer part)
{
  stream (part, LAB_VIDEO);
}

static void
stream_audio (gpointer part)
{
  stream (part, LAB_AUDIO);
}

static void
on_session (const LabEvent *event, gpointer data)
{
  Lab *lab = data;

  start (lab, "video producer", event->session, produce_video);
  if (lab->options.relayed_audio)
    start (lab, "audio producer", event->session, produce_audio);
}

static void
on_stream (const LabEvent *event, gpointer lab)
{
  start (lab, "video", event->session, stream_video);
  start (lab, "audio", event->session, stream_audio);
}

static void
on_stop (const LabEvent *event, gpointer data)
{
  Lab *lab = data;

  if (lab->options
          .tokens) /* a thread that registers its handler only after this finds out by asking */
    wg_launch_stop_id (event->id);
  lab_sessions_remove (lab->sessions, event->id);
}

void
lab_life_begin (Lab *lab)
{
  lab_bus_register (lab->bus, LAB_EVENT_STOP, on_stop, lab, NULL);
  lab_bus_register (lab->bus, LAB_EVENT_SESSION, on_session, lab, NULL);
  lab_bus_register (lab->bus, LAB_EVENT_STREAM, on_stream, lab, NULL);
}
