/* SPDX-License-Identifier: MIT
 *
 * https.h: whom a request on the HTTPS port comes from.
 */
#pragma once

#include <libsoup/soup.h>

/* The certificate that the client has shown; borrowed. */
GTlsCertificate *lab_https_peer (SoupServerMessage *message);
