/* SPDX-License-Identifier: MIT */
/* json.c: the little JSON that the tracer writes; a plugin in a foreign process brings no library.
 */
#include "wgfaults.h"

void
wgf_json_string (GString *json, const gchar *text)
{
  if (text == NULL) {
    g_string_append (json, "null");
    return;
  }
  g_string_append_c (json, '"');
  for (const guchar *c = (const guchar *) text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_printf (json, "\\%c", *c);
    else if (*c < 0x20)
      g_string_append_printf (json, "\\u%04x", *c);
    else
      g_string_append_c (json, (gchar) *c);
  }
  g_string_append_c (json, '"');
}

void
wgf_json_member (GString *json, const gchar *name, const gchar *text)
{
  g_string_append_printf (json, ",\"%s\":", name);
  wgf_json_string (json, text);
}
