/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "health-private.h"

#include <stdarg.h>
#include <string.h>

static void
put (WgJson *json, const char *text, gsize length)
{
  if (json->overflow || json->length + length >= json->size) {
    json->overflow = TRUE;
    return;
  }
  memcpy (json->text + json->length, text, length);
  json->length += length;
  json->text[json->length] = 0;
}

static void
put_char (WgJson *json, char c)
{
  put (json, &c, 1);
}

/* Texts are cut by length where others copied them: perhaps within a character. */
static void
put_quoted (WgJson *json, const char *value)
{
  const char *end = value + strnlen (value, WG_JSON_TEXT_MAX);

  put_char (json, '"');
  while (value < end) {
    gunichar c = g_utf8_get_char_validated (value, end - value);
    gsize length = 1;

    if (c == (gunichar) -1 || c == (gunichar) -2 || c < 0x20 || c == 0x7f) {
      put_char (json, '?');
    } else {
      length = (gsize) g_utf8_skip[*(const guchar *) value];
      if (c == '"' || c == '\\')
        put_char (json, '\\');
      put (json, value, length);
    }
    value += length;
  }
  put_char (json, '"');
}

/* What stands before a value. */
static void
begin (WgJson *json, const char *name)
{
  if (json->comma)
    put_char (json, ',');
  json->comma = TRUE;
  if (!name)
    return;
  put_quoted (json, name);
  put_char (json, ':');
}

void
wg_json_open (WgJson *json, const char *name, char bracket)
{
  begin (json, name);
  put_char (json, bracket);
  json->comma = FALSE;
}

void
wg_json_close (WgJson *json, char bracket)
{
  put_char (json, bracket);
  json->comma = TRUE;
}

void
wg_json_text (WgJson *json, const char *name, const char *value)
{
  begin (json, name);
  if (value)
    put_quoted (json, value);
  else
    put (json, "null", 4);
}

void
wg_json_null (WgJson *json, const char *name)
{
  wg_json_text (json, name, NULL);
}

static G_GNUC_PRINTF (2, 3) void put_format (WgJson *json, const char *format, ...)
{
  char text[64];
  va_list args;
  int length;

  va_start (args, format);
  length = g_vsnprintf (text, sizeof text, format, args);
  va_end (args);
  put (json, text, (gsize) length);
}

void
wg_json_number (WgJson *json, const char *name, guint64 value)
{
  begin (json, name);
  put_format (json, "%" G_GUINT64_FORMAT, value);
}

void
wg_json_bool (WgJson *json, const char *name, gboolean value)
{
  begin (json, name);
  put_format (json, "%s", value ? "true" : "false");
}

void
wg_json_seconds (WgJson *json, const char *name, gint64 us)
{
  begin (json, name);
  put_format (json, WG_SECONDS_FORMAT, WG_SECONDS (MAX (us, 0)));
}
