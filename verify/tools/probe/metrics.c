/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include "inside.h"

#include <string.h>

/* One number of the document: a family, a label, and where it stands. Rows of one family follow
 * each other. */
typedef struct {
  const char *family, *type, *help;
  const char *label, *value; /* NULL: none */
  const char *part, *field;  /* part NULL: of the document itself */
} Row;

static const Row rows[] = {
  { "wolf_guard_uptime_seconds", "gauge", "Since the health socket was opened.", NULL, NULL, NULL,
      "uptime_s" },
  { "wolf_guard_threads", "gauge", "Threads in an operation that takes too long, by level.",
      "level", "slow", "threads", "slow" },
  { "wolf_guard_threads", NULL, NULL, "level", "stuck", "threads", "stuck" },
  { "wolf_guard_threads", NULL, NULL, "level", "lost", "threads", "lost" },
  { "wolf_guard_loops", "gauge", "Loops and streams that stand still, by level.", "level", "slow",
      "loops", "slow" },
  { "wolf_guard_loops", NULL, NULL, "level", "stuck", "loops", "stuck" },
  { "wolf_guard_loops", NULL, NULL, "level", "lost", "loops", "lost" },
  { "wolf_guard_slow_loops_total", "counter", "Loops and streams that became slow.", NULL, NULL,
      "loops", "episodes" },
  { "wolf_guard_canary_runs_total", "counter", "Starts of a session that were tried.", NULL, NULL,
      "canary", "runs" },
  { "wolf_guard_slow_operations_total", "counter", "Operations that became slow.", NULL, NULL,
      "threads", "episodes" },
  { "wolf_guard_unexpected_thread_ends_total", "counter", "Threads that ended unexpectedly.", NULL,
      NULL, "threads", "unexpected_ends" },
  { "wolf_guard_pipelines", "gauge", "Pipelines, by state.", "state", "live", "pipelines", "live" },
  { "wolf_guard_pipelines", NULL, NULL, "state", "ending", "pipelines", "ending" },
  { "wolf_guard_pipelines", NULL, NULL, "state", "quarantine", "pipelines", "quarantine" },
  { "wolf_guard_quarantine_max", "gauge", "Pipelines in quarantine beyond which it is failing.",
      NULL, NULL, "quarantine", "max" },
  { "wolf_guard_quarantine_entered_total", "counter", "Pipelines that did not end in time.", NULL,
      NULL, "quarantine", "entered" },
  { "wolf_guard_quarantine_recovered_total", "counter", "Those of them that ended after all.", NULL,
      NULL, "quarantine", "recovered" },
  { "wolf_guard_dispatcher_tasks", "gauge", "Tasks of the dispatcher, by state.", "state", "queued",
      "dispatcher", "queued" },
  { "wolf_guard_dispatcher_tasks", NULL, NULL, "state", "running", "dispatcher", "running" },
  { "wolf_guard_dispatcher_threads", "gauge", "Threads of the dispatcher, by state.", "state",
      "serving", "dispatcher", "threads" },
  { "wolf_guard_dispatcher_threads", NULL, NULL, "state", "lost", "dispatcher", "lost" },
  { "wolf_guard_dispatcher_written_off_total", "counter", "Threads that were written off.", NULL,
      NULL, "dispatcher", "written_off" },
  { "wolf_guard_dispatcher_refused_total", "counter", "Posts that were refused.", NULL, NULL,
      "dispatcher", "refused" },
  { "wolf_guard_open_fds", "gauge", "File descriptors in use.", NULL, NULL, "descriptors", "used" },
  { "wolf_guard_max_fds", "gauge", "Their limit.", NULL, NULL, "descriptors", "max" },
};

static void
append_head (GString *text, const char *family, const char *type, const char *help)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

/* A number in the C locale whatever the user's is. */
static void
append_value (GString *text, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf (text, " %s\n", g_ascii_formatd (number, sizeof number, "%.15g", value));
}

/* name="value", with what the format reserves escaped. */
static void
append_label (GString *text, const char *name, const char *value)
{
  g_string_append_printf (text, "%s=\"", name);
  for (; *value != '\0'; value++) {
    if (*value == '\n') {
      g_string_append (text, "\\n");
      continue;
    }
    if (*value == '"' || *value == '\\')
      g_string_append_c (text, '\\');
    g_string_append_c (text, *value);
  }
  g_string_append_c (text, '"');
}

static void
append_sample (
    GString *text, const char *family, const char *label, const char *label_value, double value)
{
  g_string_append (text, family);
  if (label != NULL) {
    g_string_append_c (text, '{');
    append_label (text, label, label_value);
    g_string_append_c (text, '}');
  }
  append_value (text, value);
}

/* --- the outside */

static void
append_outside (GString *text, const ProbeHealth *health)
{
  append_head (text, "wolf_probe_up", "gauge", "1: the port answered in time.");
  for (guint i = 0; i < health->count; i++)
    append_sample (text, "wolf_probe_up", "check", health->checks[i].name,
        health->checks[i].state != PROBE_HEALTH_SILENT);
  append_head (text, "wolf_probe_duration_seconds", "gauge", "How long the check took.");
  for (guint i = 0; i < health->count; i++)
    append_sample (text, "wolf_probe_duration_seconds", "check", health->checks[i].name,
        health->checks[i].ms / 1000);
}

/* --- the inside */

/* FALSE: the document does not say; a part may be null. */
static gboolean
find_number (JsonObject *document, const Row *row, double *value)
{
  JsonObject *part = document;
  JsonNode *node;

  if (row->part != NULL) {
    node = json_object_get_member (document, row->part);
    if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
      return FALSE;
    part = json_node_get_object (node);
  }
  node = json_object_get_member (part, row->field);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64
          && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return FALSE;
  *value = json_node_get_double (node);
  return TRUE;
}

static void
append_reasons (GString *text, JsonObject *document)
{
  JsonNode *node = json_object_get_member (document, "reasons");

  append_head (text, "wolf_guard_reason", "gauge", "1: this is wrong.");
  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return;
  for (guint i = 0; i < json_array_get_length (json_node_get_array (node)); i++) {
    JsonNode *reason = json_array_get_element (json_node_get_array (node), i);

    if (JSON_NODE_HOLDS_OBJECT (reason))
      append_sample (text, "wolf_guard_reason", "code",
          json_object_get_string_member_with_default (
              json_node_get_object (reason), "code", "unknown"),
          1);
  }
}

static void
append_inside (GString *text, JsonObject *document)
{
  const char *family = NULL;

  append_head (text, "wolf_guard_status", "gauge", "0: ok; 1: degraded; 2: failing.");
  append_sample (text, "wolf_guard_status", NULL, NULL, probe_inside_exit_status (document));
  append_reasons (text, document);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const Row *row = &rows[i], *first = row;
    double value;

    if (!find_number (document, row, &value))
      continue;
    while (first > rows && strcmp (first[-1].family, row->family) == 0)
      first--;
    if (family == NULL || strcmp (family, row->family) != 0)
      append_head (text, first->family, first->type, first->help);
    family = row->family;
    append_sample (text, row->family, row->label, row->value, value);
  }
}

char *
probe_metrics_text (const ProbeHealth *health, JsonObject *inside)
{
  GString *text = g_string_new (NULL);

  append_outside (text, health);
  append_head (text, "wolf_guard_up", "gauge", "1: the server said how it is.");
  append_sample (text, "wolf_guard_up", NULL, NULL, inside != NULL);
  if (inside != NULL)
    append_inside (text, inside);
  return g_string_free (text, FALSE);
}
