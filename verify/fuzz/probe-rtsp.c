/* SPDX-License-Identifier: MIT
 *
 * What wolf-probe reads as an answer over RTSP.
 */
#include "fuzz.h"
#include "rtsp.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (ProbeRtspReply) reply = { 0 };

  if (probe_rtsp_reply_parse (text, &reply, NULL))
    probe_rtsp_reply_server_port (&reply);
  return 0;
}
