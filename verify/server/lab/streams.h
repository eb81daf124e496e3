/* SPDX-License-Identifier: MIT
 *
 * streams.h: the four pipelines of a session. Each function runs one in the calling thread until it
 * ends.
 *
 *   video producer   wolf_wayland_source ! ID_video
 *   audio producer   audio_tone_ID ! ID_audio                            with --audio=relayed
 *   video            interpipesrc_ID_video ! video_encoder ! wolf_udp_sink
 *   audio            audio_tone_ID ! audio_encoder ! wolf_udp_sink       with --audio=direct
 *                    interpipesrc_ID_audio ! audio_encoder ! wolf_udp_sink       relayed
 *
 * These are the elements' names, as in Wolf's pipelines and in those that ../runner gives it, so
 * that a fault aims at either.
 */
#pragma once

#include "ping.h"

G_BEGIN_DECLS

/* FALSE with `error` set: an element is missing, and which. Before the first session. */
gboolean lab_streams_check (const Lab *lab, GError **error);

/* Called once, in a thread of the producer's, when there is a display. */
typedef void (*LabDisplayReady) (Lab *lab, LabSession *session);

void lab_stream_video_producer (Lab *lab, LabSession *session, LabDisplayReady ready);
void lab_stream_audio_producer (Lab *lab, LabSession *session);

/* `socket` and `to` are the ping's. */
void lab_stream_consumer (
    Lab *lab, LabSession *session, LabMedium medium, GSocket *socket, GSocketAddress *to);

G_END_DECLS
