/* SPDX-License-Identifier: MIT */
/* inside.c: see inside.h. */
#include "inside.h"

#include "paths.h"
#include "timing.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#define LOOK_MS 50
#define READ_S 5

static gchar *
receive (const Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, INSIDE_SOCKET);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  gchar chunk[16384];
  gssize n;

  g_socket_client_set_timeout (client, READ_S);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  if (connection == NULL)
    return NULL;
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  while ((n = g_input_stream_read (stream, chunk, sizeof chunk, NULL, NULL)) > 0)
    g_string_append_len (text, chunk, n);
  return g_strdup (text->str);
}

JsonObject *
inside_read (const Runner *runner)
{
  g_autofree gchar *text = receive (runner);
  g_autoptr (JsonNode) node = text ? json_from_string (text, NULL) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_dup_object (node) : NULL;
}

static gboolean
says (JsonObject *document, const gchar *code, const gchar *part)
{
  JsonArray *reasons = json_object_get_array_member (document, "reasons");

  for (guint i = 0; i < json_array_get_length (reasons); i++) {
    JsonObject *reason = json_array_get_object_element (reasons, i);
    if (g_str_equal (json_object_get_string_member (reason, "code"), code)
        && strstr (json_object_get_string_member (reason, "text"), part) != NULL)
      return TRUE;
  }
  return FALSE;
}

gboolean
inside_has_reason (const Runner *runner, const gchar *code, const gchar *part, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autoptr (JsonObject) document = inside_read (runner);
    if (document != NULL && says (document, code, part))
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

static JsonArray *
list_of (JsonObject *document, const gchar *part)
{
  return json_object_get_array_member (json_object_get_object_member (document, part), "list");
}

pid_t
inside_thread (const Runner *runner, const gchar *name, const gchar *operation)
{
  g_autoptr (JsonObject) document = inside_read (runner);
  JsonArray *list = document ? list_of (document, "threads") : NULL;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++) {
    JsonObject *one = json_array_get_object_element (list, i);
    if (g_str_equal (json_object_get_string_member (one, "name"), name)
        && !json_object_get_null_member (one, "operation")
        && g_str_has_prefix (json_object_get_string_member (one, "operation"), operation))
      return (pid_t) json_object_get_int_member (one, "tid");
  }
  return 0;
}

static gboolean
has_loop (const Runner *runner, const gchar *name, const gchar *level)
{
  g_autoptr (JsonObject) document = inside_read (runner);
  JsonArray *list = document ? list_of (document, "loops") : NULL;

  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++) {
    JsonObject *one = json_array_get_object_element (list, i);
    if (g_str_equal (json_object_get_string_member (one, "name"), name)
        && g_str_equal (json_object_get_string_member (one, "level"), level))
      return TRUE;
  }
  return FALSE;
}

gboolean
inside_loop_is (const Runner *runner, const gchar *name, const gchar *level, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (!has_loop (runner, name, level)) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
  return TRUE;
}

static gint64
episodes_of (JsonObject *document, const gchar *part)
{
  return json_object_get_int_member (json_object_get_object_member (document, part), "episodes");
}

gint64
inside_episodes (const Runner *runner)
{
  g_autoptr (JsonObject) document = inside_read (runner);

  if (document == NULL)
    return -1;
  return episodes_of (document, "threads") + episodes_of (document, "loops");
}

static gboolean
has_all (const gchar *line, const gchar *const parts[3])
{
  gboolean all = strstr (line, "[GUARD]") != NULL;

  for (guint i = 0; i < 3; i++)
    all &= parts[i] == NULL || strstr (line, parts[i]) != NULL;
  return all;
}

gchar *
inside_line (const Runner *runner, const gchar *const parts[3], gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autofree gchar *log = runner_log (runner);
    g_auto (GStrv) lines = g_strsplit (log ? log : "", "\n", -1);
    for (gchar **line = lines; *line != NULL; line++)
      if (has_all (*line, parts))
        return g_strdup (*line);
    if (g_get_monotonic_time () >= until)
      return NULL;
    wait_ms (LOOK_MS);
  }
}
