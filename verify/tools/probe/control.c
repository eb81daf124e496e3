/* SPDX-License-Identifier: MIT */
#include "control.h"

#include "deadline.h"

#include <enet/enet.h>
#include <openssl/evp.h>
#include <string.h>

#define CHANNELS 2
#define SLICE_MS 20 /* how often the deadline is looked at */
#define TAG 16
#define ENCRYPTED 1

struct _ProbeControl {
  ENetHost *host;
  ENetPeer *peer;
  guint waiting; /* messages that are not acknowledged yet */
  gboolean closed;
};

/* ENet frees a packet when it is acknowledged, or when the connection is gone. */
static void
acknowledged (ENetPacket *packet)
{
  ProbeControl *control = packet->userData;

  control->waiting--;
}

void
probe_control_send (ProbeControl *control, const void *bytes, gsize size)
{
  ENetPacket *packet = enet_packet_create (bytes, size, ENET_PACKET_FLAG_RELIABLE);

  g_assert (packet != NULL);
  packet->userData = control;
  packet->freeCallback = acknowledged;
  control->waiting++;
  if (control->closed || enet_peer_send (control->peer, 0, packet) != 0)
    enet_packet_destroy (packet);
}

/* One round of ENet's work; FALSE: nothing happened in it. */
static gboolean
serve (ProbeControl *control, ENetEvent *event)
{
  if (enet_host_service (control->host, event, SLICE_MS) <= 0)
    return FALSE;
  if (event->type == ENET_EVENT_TYPE_RECEIVE)
    enet_packet_destroy (event->packet);
  control->closed |= event->type == ENET_EVENT_TYPE_DISCONNECT;
  return TRUE;
}

ProbeControl *
probe_control_new (const char *host, guint16 port, guint32 data, gint64 deadline)
{
  g_autoptr (ProbeControl) control = g_new0 (ProbeControl, 1);
  ENetAddress address = { .port = port };
  ENetEvent event;

  if (enet_initialize () != 0 || enet_address_set_host_ip (&address, host) != 0)
    return NULL;
  control->host = enet_host_create (NULL, 1, CHANNELS, 0, 0);
  if (control->host == NULL)
    return NULL;
  control->peer = enet_host_connect (control->host, &address, CHANNELS, data);
  while (control->peer != NULL && !control->closed && !probe_deadline_passed (deadline))
    if (serve (control, &event) && event.type == ENET_EVENT_TYPE_CONNECT)
      return g_steal_pointer (&control);
  return NULL;
}

void
probe_control_free (ProbeControl *control)
{
  if (control == NULL)
    return;
  if (control->peer != NULL)
    enet_peer_disconnect_now (control->peer, 0);
  if (control->host != NULL)
    enet_host_destroy (control->host);
  g_free (control);
}

static gboolean
all_taken (ProbeControl *control, gint64 deadline)
{
  ENetEvent event;

  while (control->waiting > 0 && !control->closed && !probe_deadline_passed (deadline))
    serve (control, &event);
  return control->waiting == 0 && !control->closed;
}

ProbeControlEnd
probe_control_finish (ProbeControl *control, GByteArray *last, gint64 deadline)
{
  /* ENet acknowledges a message before the program has read it. A second one is acknowledged when
   * the program has come back from the first. */
  if (all_taken (control, deadline)) {
    probe_control_send (control, last->data, last->len);
    if (all_taken (control, deadline))
      return PROBE_CONTROL_SERVED;
  }
  return control->closed ? PROBE_CONTROL_CLOSED : PROBE_CONTROL_SILENT;
}

GByteArray *
probe_control_encrypt (const guint8 *key, guint32 sequence, const void *plain, gsize size)
{
  const guint16 head[] = { GUINT16_TO_LE (ENCRYPTED),
    GUINT16_TO_LE ((guint16) (sizeof sequence + TAG + size)) };
  const guint32 number = GUINT32_TO_LE (sequence);
  const guint8 iv[TAG] = { (guint8) sequence };
  GByteArray *packet = g_byte_array_new ();
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();
  int length = 0;

  g_byte_array_append (packet, (const guint8 *) head, sizeof head);
  g_byte_array_append (packet, (const guint8 *) &number, sizeof number);
  g_byte_array_set_size (packet, PROBE_CONTROL_HEADER + (guint) size);
  if (EVP_EncryptInit_ex (cipher, EVP_aes_128_gcm (), NULL, NULL, NULL) != 1
      || EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_SET_IVLEN, sizeof iv, NULL) != 1
      || EVP_EncryptInit_ex (cipher, NULL, NULL, key, iv) != 1
      || EVP_EncryptUpdate (cipher, packet->data + PROBE_CONTROL_HEADER, &length, plain, (int) size)
          != 1
      || EVP_EncryptFinal_ex (cipher, packet->data + PROBE_CONTROL_HEADER + length, &length) != 1
      || EVP_CIPHER_CTX_ctrl (
             cipher, EVP_CTRL_GCM_GET_TAG, TAG, packet->data + PROBE_CONTROL_HEADER - TAG)
          != 1)
    g_error ("OpenSSL has no AES-128-GCM");
  EVP_CIPHER_CTX_free (cipher);
  return packet;
}

GByteArray *
probe_control_packet (
    const guint8 *key, guint32 sequence, guint16 type, const void *data, gsize size)
{
  const guint16 head[] = { GUINT16_TO_LE (type), GUINT16_TO_LE ((guint16) size) };
  g_autoptr (GByteArray) plain = g_byte_array_new ();

  g_byte_array_append (plain, (const guint8 *) head, sizeof head);
  g_byte_array_append (plain, data, (guint) size);
  return probe_control_encrypt (key, sequence, plain->data, plain->len);
}
