/* SPDX-License-Identifier: MIT */
/* packets.c: a packetiser in an appsink. */
#include "packets.h"

#include <string.h>

#define HEADER 12
#define PAYLOAD_MAX 1024 /* what clients ask for on a network with a small MTU */
#define LAST_OF_BUFFER 0x80
#define VIDEO_TYPE 0
#define AUDIO_TYPE 97
#define VIDEO_CLOCK 90000
#define AUDIO_CLOCK 48000

typedef struct {
  LabMedium medium;
  GSocket *socket;
  GSocketAddress *to;
  guint16 sequence;
} Packetiser;

static void
packetiser_free (gpointer data)
{
  Packetiser *it = data;

  g_object_unref (it->socket);
  g_object_unref (it->to);
  g_free (it);
}

static void
write_header (Packetiser *it, guint8 *packet, guint32 time, gboolean last)
{
  packet[0] = 0x80; /* version 2 */
  packet[1] =
      (guint8) ((it->medium == LAB_VIDEO ? VIDEO_TYPE : AUDIO_TYPE) | (last ? LAST_OF_BUFFER : 0));
  packet[2] = (guint8) (it->sequence >> 8);
  packet[3] = (guint8) it->sequence;
  for (guint i = 0; i < 4; i++)
    packet[4 + i] = (guint8) (time >> (24 - 8 * i));
  memset (packet + 8, 0, 4); /* one source */
  it->sequence++;
}

/* One that is lost is lost: the socket's buffer may be full. */
static void
send_pieces (Packetiser *it, const guint8 *data, gsize size, guint32 time)
{
  guint8 packet[HEADER + PAYLOAD_MAX];

  for (gsize at = 0; at < size; at += PAYLOAD_MAX) {
    const gsize piece = MIN (size - at, PAYLOAD_MAX);
    write_header (it, packet, time, at + piece == size);
    memcpy (packet + HEADER, data + at, piece);
    g_socket_send_to (it->socket, it->to, (const gchar *) packet, HEADER + piece, NULL, NULL);
  }
}

/* In the consumer's streaming thread. */
static GstFlowReturn
on_sample (GstAppSink *sink, gpointer data)
{
  Packetiser *it = data;
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer = sample ? gst_sample_get_buffer (sample) : NULL;
  GstMapInfo map;

  if (buffer == NULL)
    return GST_FLOW_EOS;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return GST_FLOW_ERROR;
  const GstClockTime pts = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer) : 0;
  send_pieces (it, map.data, map.size,
      (guint32) gst_util_uint64_scale (
          pts, it->medium == LAB_VIDEO ? VIDEO_CLOCK : AUDIO_CLOCK, GST_SECOND));
  gst_buffer_unmap (buffer, &map);
  return GST_FLOW_OK;
}

void
lab_packets_send (GstAppSink *sink, LabMedium medium, GSocket *socket, GSocketAddress *to)
{
  GstAppSinkCallbacks callbacks = { .new_sample = on_sample };
  Packetiser *it = g_new0 (Packetiser, 1);

  it->medium = medium;
  it->socket = g_object_ref (socket);
  it->to = g_object_ref (to);
  gst_app_sink_set_callbacks (sink, &callbacks, it, packetiser_free);
}
