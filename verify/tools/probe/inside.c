/* SPDX-License-Identifier: MIT */
#include "inside.h"

#include "conn.h"
#include "options.h"

#include <string.h>

#define DOCUMENT_MAX (1024 * 1024) /* five times what guard sends at most */

static GString *
receive (const char *path, gint64 deadline, GError **error)
{
  g_autoptr (ProbeConn) conn = probe_conn_open_unix (path, deadline, error);
  GString *text;
  char buffer[16384];
  gssize n;

  if (conn == NULL)
    return NULL;
  text = g_string_new (NULL);
  while ((n = probe_conn_read (conn, buffer, sizeof buffer, error)) > 0 && text->len < DOCUMENT_MAX)
    g_string_append_len (text, buffer, n);
  if (n == 0)
    return text;
  if (n > 0)
    g_set_error_literal (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "the document has no end");
  g_string_free (text, TRUE);
  return NULL;
}

static const char *
get_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gboolean
is_usable (JsonObject *object)
{
  static const char *const known[] = { "ok", "degraded", "failing", NULL };
  JsonNode *schema = json_object_get_member (object, "schema");
  const char *status = get_text (object, "status");

  return schema != NULL && JSON_NODE_HOLDS_VALUE (schema)
      && json_node_get_value_type (schema) == G_TYPE_INT64
      && json_node_get_int (schema) == PROBE_INSIDE_SCHEMA && status != NULL
      && g_strv_contains (known, status);
}

JsonObject *
probe_inside_read (const char *path, gint64 deadline, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  GString *text = receive (path, deadline, error);
  JsonNode *root;
  gboolean parsed;

  if (text == NULL)
    return NULL;
  parsed = json_parser_load_from_data (parser, text->str, (gssize) text->len, NULL);
  g_string_free (text, TRUE);
  root = parsed ? json_parser_get_root (parser) : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error_literal (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "what came is no document");
    return NULL;
  }
  if (!is_usable (json_node_get_object (root))) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL,
        "the document is not of schema %d, or has no status", PROBE_INSIDE_SCHEMA);
    return NULL;
  }
  return json_object_ref (json_node_get_object (root));
}

int
probe_inside_exit_status (JsonObject *document)
{
  const char *status = get_text (document, "status");

  return strcmp (status, "ok") == 0     ? PROBE_EXIT_OK
      : strcmp (status, "failing") == 0 ? PROBE_EXIT_SILENT
                                        : PROBE_EXIT_DEGRADED;
}

static JsonArray *
get_reasons (JsonObject *document)
{
  JsonNode *node = json_object_get_member (document, "reasons");

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

char *
probe_inside_summary (JsonObject *document)
{
  GString *line = g_string_new ("inside: ");
  JsonArray *reasons = get_reasons (document);

  g_string_append (line, get_text (document, "status"));
  for (guint i = 0; reasons != NULL && i < json_array_get_length (reasons); i++) {
    JsonNode *node = json_array_get_element (reasons, i);
    JsonObject *reason = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    const char *text = reason != NULL ? get_text (reason, "text") : NULL;

    if (text == NULL)
      continue;
    g_string_append_printf (line, "%s%s (for %.0f s)", i == 0 ? ": " : "; ", text,
        json_object_get_double_member_with_default (reason, "since_s", 0));
  }
  return g_string_free (line, FALSE);
}
