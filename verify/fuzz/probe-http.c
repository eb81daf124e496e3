/* SPDX-License-Identifier: MIT
 *
 * What wolf-probe reads as an answer over HTTP.
 */
#include "deadline.h"
#include "fuzz.h"
#include "http.h"

#include <sys/socket.h>
#include <unistd.h>

#define MOST_BYTES 65536 /* a socket holds that much */

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_auto (ProbeHttpResponse) response = { 0 };
  int pair[2];

  if (size > MOST_BYTES
      || socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return 0;
  const gboolean sent = write (pair[1], data, size) == (gssize) size;
  close (pair[1]);
  g_autoptr (ProbeConn) conn = probe_conn_new_for_fd (pair[0], probe_deadline_in (G_USEC_PER_SEC));
  if (sent)
    probe_http_receive (conn, &response, NULL);
  return 0;
}
