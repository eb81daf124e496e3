/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdio.h>

#define DOUBLE_FORMAT "%.3f"

static void append_node (GString *text, JsonNode *node);

static void
append_string (GString *text, const char *string)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_VALUE);
  g_autofree char *quoted = NULL;

  json_node_set_string (node, string);
  quoted = json_to_string (node, FALSE);
  g_string_append (text, quoted);
}

static void
append_object (GString *text, JsonObject *object)
{
  g_autoptr (GList) names = json_object_get_members (object);

  g_string_append_c (text, '{');
  for (GList *link = names; link != NULL; link = link->next) {
    if (link != names)
      g_string_append_c (text, ',');
    append_string (text, link->data);
    g_string_append_c (text, ':');
    append_node (text, json_object_get_member (object, link->data));
  }
  g_string_append_c (text, '}');
}

static void
append_array (GString *text, JsonArray *array)
{
  g_string_append_c (text, '[');
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i > 0)
      g_string_append_c (text, ',');
    append_node (text, json_array_get_element (array, i));
  }
  g_string_append_c (text, ']');
}

static void
append_node (GString *text, JsonNode *node)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *plain = NULL;

  if (JSON_NODE_HOLDS_OBJECT (node)) {
    append_object (text, json_node_get_object (node));
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    append_array (text, json_node_get_array (node));
  } else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_DOUBLE) {
    /* In the C locale whatever the user's is: JSON knows no decimal comma. */
    g_string_append (
        text, g_ascii_formatd (number, sizeof number, DOUBLE_FORMAT, json_node_get_double (node)));
  } else {
    plain = json_to_string (node, FALSE);
    g_string_append (text, plain);
  }
}

char *
probe_report_to_string (JsonObject *object)
{
  GString *text = g_string_new (NULL);

  append_object (text, object);
  return g_string_free (text, FALSE);
}

void
probe_report_line (JsonObject *object)
{
  g_autofree char *text = probe_report_to_string (object);

  puts (text);
  fflush (stdout);
  json_object_unref (object);
}

JsonObject *
probe_report_event (const char *event)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "event", event);
  return object;
}

void
probe_report_set_text (JsonObject *object, const char *name, const char *text)
{
  if (text != NULL)
    json_object_set_string_member (object, name, text);
  else
    json_object_set_null_member (object, name);
}

void
probe_report_set_ms (JsonObject *object, const char *name, double ms)
{
  if (ms >= 0)
    json_object_set_double_member (object, name, ms);
  else
    json_object_set_null_member (object, name);
}
