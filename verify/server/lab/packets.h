/* SPDX-License-Identifier: MIT
 *
 * packets.h: the end of a consumer: RTP packets to the client.
 *
 * In place of Wolf's payloaders: a buffer is cut into pieces, each behind an RTP header. There is
 * no FEC and no encryption; whoever counts packets needs neither.
 */
#pragma once

#include "ping.h"

#include <gst/app/gstappsink.h>

/* Has `sink` send what it gets to where the ping came from, from the socket that it came in on. */
void lab_packets_send (GstAppSink *sink, LabMedium medium, GSocket *socket, GSocketAddress *to);
