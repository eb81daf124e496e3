/* SPDX-License-Identifier: MIT
 *
 * ping.h: the UDP ports. A client's pings tell where its packets are to be sent, and they are sent
 * from the very socket that the pings came in on.
 */
#pragma once

#include "sessions.h"

typedef enum { LAB_VIDEO, LAB_AUDIO } LabMedium;

struct LabPing {
  LabMedium medium;
  GSocketAddress *from; /* the client */
  GSocket *socket;      /* ours */
  const gchar *payload; /* LAB_PAYLOAD_SIZE bytes, no NUL; NULL in a ping of the old kind */
};

/* Whether it is one of the session's. */
gboolean lab_ping_is_of (const LabPing *ping, LabMedium medium, const LabSession *session);
