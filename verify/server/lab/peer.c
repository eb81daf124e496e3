/* SPDX-License-Identifier: MIT */
#include "peer.h"

#define PEER "lab-peer-certificate"

void
lab_peer_remember (GSocketAddress *remote, GTlsConnection *tls)
{
  g_object_set_data_full (G_OBJECT (remote), PEER,
      g_object_ref (g_tls_connection_get_peer_certificate (tls)), g_object_unref);
}

GTlsCertificate *
lab_peer_certificate (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  return remote ? g_object_get_data (G_OBJECT (remote), PEER) : NULL;
}
