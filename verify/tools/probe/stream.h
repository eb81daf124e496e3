/* SPDX-License-Identifier: MIT
 *
 * stream: the UDP side of a session: pings out, packets in, counted.
 *
 * A stream owns two UDP sockets and one thread, which alone reads and writes them. It sends the
 * pings that tell the server where to send (every PROBE_STREAM_PING_MS) and counts what arrives.
 * Packets keep being counted after the pings were stopped. Functions may be called from any one
 * thread besides the stream's own; none of them blocks, except probe_stream_wait_first() (until its
 * deadline) and probe_stream_free() (until the thread has seen the wake-up, which is at once).
 */
#pragma once

#include <glib.h>

#define PROBE_STREAM_PING_MS 500 /* as often as Moonlight */
#define PROBE_PING_PAYLOAD_SIZE 16

typedef struct _ProbeStream ProbeStream;

/* Totals since the stream began. First-packet times are milliseconds since then, -1 while there is
 * none. */
typedef struct {
  guint64 video_packets;
  guint64 video_bytes;
  guint64 audio_packets;
  guint64 audio_bytes;
  double first_video_ms;
  double first_audio_ms;
  gint64 at; /* when this was read, g_get_monotonic_time() */
} ProbeStreamCounts;

/*
 * Starts pinging. Payloads are PROBE_PING_PAYLOAD_SIZE bytes each (X-SS-Ping-Payload). Returns a
 * stream that the caller frees, or NULL with @error set.
 */
ProbeStream *probe_stream_new (const char *host, guint16 video_port, const char *video_payload,
    guint16 audio_port, const char *audio_payload, GError **error);

/* Ends the thread and closes the sockets. Accepts NULL. */
void probe_stream_free (ProbeStream *stream);

/* No more pings; goes on counting. */
void probe_stream_stop_pings (ProbeStream *stream);

void probe_stream_get_counts (ProbeStream *stream, ProbeStreamCounts *counts);

/* Waits until video and audio have both come, or @deadline. TRUE if at least video has. */
gboolean probe_stream_wait_first (ProbeStream *stream, gint64 deadline);
