/* SPDX-License-Identifier: MIT
 *
 * What the lab reads as an RTSP message, and as a number.
 */
#include "fuzz.h"
#include "number.h"
#include "rtsp.c" /* its parsers are its own */

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree gchar *text = g_strndup ((const gchar *) data, size);
  g_autofree gchar *sequence = header (text, "CSeq");
  guint64 number;

  is_whole (text);
  lab_number_read (sequence != NULL ? sequence : text, &number);
  return 0;
}
