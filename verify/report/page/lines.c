/* SPDX-License-Identifier: MIT
 *
 * lines.c: from a file to its lines, each with its place, and to their members.
 */
#include "report.h"

#include <math.h>
#include <string.h>

void
line_free (Line *line)
{
  g_free (line->file);
  json_object_unref (line->object);
  g_free (line);
}

void
line_error (const Line *line, GError **error, const char *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, REPORT_ERROR, 0, "%s:%u: %s", line->file, line->number, text);
}

static Line *
line_new (const char *file, guint number, const char *text, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) reason = NULL;
  JsonNode *root;
  Line *line;

  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, REPORT_ERROR, 0, "%s:%u: not UTF-8", file, number);
    return NULL;
  }
  if (!json_parser_load_from_data (parser, text, -1, &reason)) {
    g_set_error (error, REPORT_ERROR, 0,
        "%s:%u: not JSON: %s; every line has to be one object, as wolf-scenarios --out writes it",
        file, number, reason->message);
    return NULL;
  }
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (error, REPORT_ERROR, 0,
        "%s:%u: JSON, but no object; every line has to be one, as wolf-scenarios --out writes it",
        file, number);
    return NULL;
  }
  line = g_new0 (Line, 1);
  line->file = g_strdup (file);
  line->number = number;
  line->object = json_object_ref (json_node_get_object (root));
  return line;
}

gboolean
lines_read (GPtrArray *lines, const char *file, GError **error)
{
  g_autofree gchar *content = NULL;
  g_autoptr (GError) reason = NULL;
  g_auto (GStrv) texts = NULL;
  gsize length;

  if (!g_file_get_contents (file, &content, &length, &reason)) {
    g_set_error (error, REPORT_ERROR, 0, "%s", reason->message);
    return FALSE;
  }
  if (strlen (content) != length) {
    g_set_error (
        error, REPORT_ERROR, 0, "%s: has a NUL in it; a file of result lines is text", file);
    return FALSE;
  }
  texts = g_strsplit (content, "\n", -1);
  for (guint i = 0; texts[i] != NULL; i++) {
    Line *line;

    if (*g_strstrip (texts[i]) == '\0')
      continue;
    line = line_new (file, i + 1, texts[i], error);
    if (line == NULL)
      return FALSE;
    g_ptr_array_add (lines, line);
  }
  return TRUE;
}

JsonNode *
object_node (JsonObject *object, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);
  JsonNode *node = NULL;

  for (guint i = 0; names[i] != NULL; i++) {
    node = json_object_get_member (object, names[i]);
    if (node == NULL)
      return NULL;
    if (names[i + 1] == NULL)
      break;
    if (!JSON_NODE_HOLDS_OBJECT (node))
      return NULL;
    object = json_node_get_object (node);
  }
  return node;
}

const char *
object_text (JsonObject *object, const char *path)
{
  JsonNode *node = object_node (object, path);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

double
object_number (JsonObject *object, const char *path)
{
  JsonNode *node = object_node (object, path);
  GType type;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return NAN;
  type = json_node_get_value_type (node);
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return NAN;
  return json_node_get_double (node);
}

gboolean
object_flag (JsonObject *object, const char *path)
{
  JsonNode *node = object_node (object, path);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

gboolean
object_null (JsonObject *object, const char *path)
{
  JsonNode *node = object_node (object, path);

  return node != NULL && JSON_NODE_HOLDS_NULL (node);
}
