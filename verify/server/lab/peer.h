/* SPDX-License-Identifier: MIT */
/* peer.h: whom a request on the HTTPS port comes from. */
#pragma once

#include <libsoup/soup.h>

/* A message knows its connection by nothing but the remote address, the very object; libsoup 3.2
 * tells the certificate of connections that it accepted itself only. So the address keeps it. */
void lab_peer_remember (GSocketAddress *remote, GTlsConnection *tls);
/* The certificate that the client has shown; borrowed. */
GTlsCertificate *lab_peer_certificate (SoupServerMessage *message);
