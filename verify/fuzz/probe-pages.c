/* SPDX-License-Identifier: MIT
 *
 * What wolf-probe finds in a server's pages: apps, the session's URL.
 */
#include "fuzz.h"
#include "session.c" /* its parsers are its own */

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  ProbeSession session = { .settings = { .app = "1" } };
  g_autofree char *title = NULL;
  g_autofree char *url = find_element (text, "sessionUrl0");
  g_autofree char *host G_GNUC_UNUSED = url != NULL ? find_url_host (url) : NULL;

  choose_app (&session, text, &title);
  g_free (session.app_id);
  return 0;
}
