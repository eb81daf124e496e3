/* SPDX-License-Identifier: MIT
 *
 * session: a Moonlight client's session, from /launch to /cancel.
 *
 *   launch (HTTPS) -> setup (RTSP OPTIONS, DESCRIBE, SETUP x 3) -> announce (RTSP) -> ping (UDP,
 * packets come)
 *   -> cancel (HTTPS)
 *
 * Each step is one function, blocks until it is done or its timeout has passed (the target's
 * timeout, for each message of the step), and returns a report: a JSON object with "event", "ok"
 * and "ms" (and "error", "phase" when it failed), which the caller owns. A step whose predecessor
 * did not succeed reports that without talking to the server. After cancel, launch starts over.
 *
 * A session belongs to one thread; its stream (stream.h) has a thread of its own.
 */
#pragma once

#include "exchange.h"
#include "tls.h"

#include <glib.h>
#include <json-glib/json-glib.h>

typedef struct _ProbeSession ProbeSession;

typedef struct {
  const char *app; /* what to launch: its ID, title or position in /applist (from 1) */
  int width;
  int height;
  int fps;
  /* For a session that makes no sense; NULL: as a client would. */
  const char *key, *key_id; /* of encryption */
  const char *attribute;    /* of the announcement: said before the others, and so instead */
  gboolean pieces;          /* the announcement's length comes in pieces */
} ProbeSessionSettings;

/* @target, @client and @settings' strings outlive the session. Never NULL. */
ProbeSession *probe_session_new (
    const ProbeTarget *target, ProbeTls *client, const ProbeSessionSettings *settings);

/* Ends the stream; does not cancel. Accepts NULL. */
void probe_session_free (ProbeSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeSession, probe_session_free)

/*
 * GET /applist, to find the app that the settings name. Adds status, app_id, app_title. A server
 * that has no list (an answer other than 200) is no failure: what the settings say is taken for the
 * ID then. To be done once, before the first launch; without it the settings' app is the ID.
 */
JsonObject *probe_session_find_app (ProbeSession *session);

/* GET /launch, or /resume if @resume. Adds status, session_url, rtsp_ip, resumed. */
JsonObject *probe_session_launch (ProbeSession *session, gboolean resume);

/* OPTIONS, DESCRIBE, SETUP audio, video and control. Adds video_port, audio_port, control_port. */
JsonObject *probe_session_setup (ProbeSession *session);

JsonObject *probe_session_announce (ProbeSession *session);

/*
 * Starts pinging (also for a session that was cancelled after its setup) and waits for the first
 * packets (at most the target's timeout). ok: video came. Adds video_ms and audio_ms, null if none
 * came.
 */
JsonObject *probe_session_ping (ProbeSession *session);

/*
 * {"event":"packets"}: video, audio, video_bytes, audio_bytes, seconds since the last such call (or
 * the start of the stream), and totals. Does not block. ok: video came in that time.
 */
JsonObject *probe_session_packets (ProbeSession *session);

/* Stops the pings, GET /cancel. Adds status. */
JsonObject *probe_session_cancel (ProbeSession *session);

/* GET /serverinfo over HTTPS. Adds status and current_game (text or null). */
JsonObject *probe_session_serverinfo (ProbeSession *session);

/* The control port, and the data that a connection to it has to bring (0: none is known). */
guint16 probe_session_control_port (const ProbeSession *session, guint32 *data);

/* Whether a launch succeeded that no cancel has ended. */
gboolean probe_session_is_launched (const ProbeSession *session);

/* Whether the server failed to answer at all (timeout, refused, cut off) in any step so far. */
gboolean probe_session_saw_silence (const ProbeSession *session);
