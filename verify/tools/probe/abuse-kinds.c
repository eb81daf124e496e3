/* SPDX-License-Identifier: MIT */
#include "abuse-kinds.h"

#include <string.h>

/* clang-format off */
const ProbeAbuseKind probe_abuse_kinds[PROBE_ABUSE_KINDS] = {
    {"connect-fin", "connects and closes at once",
     PROBE_OPEN_TCP, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"connect-rst", "connects and resets at once",
     PROBE_OPEN_TCP, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_RST},
    {"connect-silence", "connects and says nothing",
     PROBE_OPEN_TCP, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_NEVER},
    {"garbage-fin", "sends bytes that are no TLS, then closes",
     PROBE_OPEN_TCP, PROBE_TLS_ANY, FALSE, PROBE_SEND_GARBAGE, PROBE_LEAVE_FIN},
    {"garbage-rst", "sends bytes that are no TLS, then resets",
     PROBE_OPEN_TCP, PROBE_TLS_ANY, FALSE, PROBE_SEND_GARBAGE, PROBE_LEAVE_RST},
    {"half-hello-fin", "sends half a ClientHello, then closes",
     PROBE_OPEN_HALF_HELLO, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"half-hello-rst", "sends half a ClientHello, then resets",
     PROBE_OPEN_HALF_HELLO, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_RST},
    {"half-hello-silence", "sends half a ClientHello, then nothing",
     PROBE_OPEN_HALF_HELLO, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_NEVER},
    {"hello-fin", "sends a ClientHello, closes on the server's answer to it",
     PROBE_OPEN_HELLO, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"no-cert-tls12", "shakes hands without client certificate, TLS 1.2, then closes",
     PROBE_OPEN_TLS, PROBE_TLS_1_2, TRUE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"no-cert-tls13", "shakes hands without client certificate, TLS 1.3, then closes",
     PROBE_OPEN_TLS, PROBE_TLS_1_3, TRUE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"leave-notify-tls12", "shakes hands, TLS 1.2, leaves with close_notify",
     PROBE_OPEN_TLS, PROBE_TLS_1_2, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_NOTIFY},
    {"leave-notify-tls13", "shakes hands, TLS 1.3, leaves with close_notify",
     PROBE_OPEN_TLS, PROBE_TLS_1_3, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_NOTIFY},
    {"leave-fin-tls12", "shakes hands, TLS 1.2, closes without close_notify",
     PROBE_OPEN_TLS, PROBE_TLS_1_2, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"leave-fin-tls13", "shakes hands, TLS 1.3, closes without close_notify",
     PROBE_OPEN_TLS, PROBE_TLS_1_3, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_FIN},
    {"leave-rst", "shakes hands, resets",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_RST},
    {"handshake-silence", "shakes hands, then says nothing",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_NOTHING, PROBE_LEAVE_NEVER},
    {"half-request-fin", "sends half a request, then closes",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_HALF_REQUEST, PROBE_LEAVE_FIN},
    {"half-request-rst", "sends half a request, then resets",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_HALF_REQUEST, PROBE_LEAVE_RST},
    {"half-close", "sends a request, shuts down its sending side, stays, never reads",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_REQUEST, PROBE_LEAVE_HALF_CLOSE},
    {"slow-header", "sends a request's header a byte at a time, never finishes",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_SLOW_HEADER, PROBE_LEAVE_NEVER},
    {"slow-body", "announces a long body, sends it a byte at a time, never finishes",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_SLOW_BODY, PROBE_LEAVE_NEVER},
    {"pipelined", "sends 16 requests at once, then closes",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_PIPELINED, PROBE_LEAVE_FIN},
    {"big-header", "sends a header of 256 KiB, then closes",
     PROBE_OPEN_TLS, PROBE_TLS_ANY, FALSE, PROBE_SEND_BIG_HEADER, PROBE_LEAVE_FIN},
};
/* clang-format on */

const ProbeAbuseKind *
probe_abuse_kind_find (const char *name)
{
  for (guint i = 0; i < PROBE_ABUSE_KINDS; i++) {
    if (strcmp (probe_abuse_kinds[i].name, name) == 0)
      return &probe_abuse_kinds[i];
  }
  return NULL;
}
