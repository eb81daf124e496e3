/* SPDX-License-Identifier: MIT */
/* ping.c: one thread for both ports; each ping is an event of the bus. */
#include "ping.h"
#include "port.h"
#include "servers.h"

#include <string.h>

#define WOLF_VIDEO_PORT 48100
#define WOLF_AUDIO_PORT 48200
#define OLD_PING_SIZE 4 /* "PING", from before there were payloads */

typedef struct {
  Lab *lab;
  LabMedium medium;
} Receiver;

gboolean
lab_ping_is_of (const LabPing *ping, LabMedium medium, const LabSession *session)
{
  if (ping->medium != medium)
    return FALSE;
  if (ping->payload != NULL)
    return memcmp (ping->payload, session->payload, LAB_PAYLOAD_SIZE) == 0;
  g_autofree gchar *ip = g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (ping->from)));
  return g_strcmp0 (ip, session->client_ip) == 0;
}

static gboolean
on_packet (GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  const Receiver *receiver = data;
  g_autoptr (GSocketAddress) from = NULL;
  gchar packet[256];
  const gssize size = g_socket_receive_from (socket, &from, packet, sizeof packet, NULL, NULL);

  if (from == NULL || (size != OLD_PING_SIZE && size < LAB_PAYLOAD_SIZE))
    return G_SOURCE_CONTINUE;
  const LabPing ping = { receiver->medium, from, socket, size == OLD_PING_SIZE ? NULL : packet };
  const LabEvent event = { .type = LAB_EVENT_PING, .ping = &ping };
  lab_bus_fire (receiver->lab->bus, &event);
  return G_SOURCE_CONTINUE;
}

static gboolean
open_port (Lab *lab, LabMedium medium, guint16 wanted, guint16 *port, GError **error)
{
  g_autoptr (GSocket) socket = lab_port_bind (lab, wanted, port, error);
  Receiver *receiver;

  if (socket == NULL)
    return FALSE;
  receiver = g_new (Receiver, 1);
  *receiver = (Receiver){ lab, medium };
  g_autoptr (GSource) source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (on_packet), receiver, g_free);
  g_source_attach (source, g_main_context_get_thread_default ());
  return TRUE;
}

gboolean
lab_ping_open (Lab *lab, GError **error)
{
  const gboolean wolf = lab->options.wolf_ports;

  return open_port (lab, LAB_VIDEO, wolf ? WOLF_VIDEO_PORT : 0, &lab->video, error)
      && open_port (lab, LAB_AUDIO, wolf ? WOLF_AUDIO_PORT : 0, &lab->audio, error);
}
