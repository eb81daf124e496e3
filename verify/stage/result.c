/* SPDX-License-Identifier: MIT */
/* result.c: what a scenario found, as one line of JSON, and whether it is what the label promises.
 */
#include "stage.h"

#include <gst/gst.h>
#include <math.h>

struct Result {
  gchar *label;
  JsonObject *object;
  JsonArray *failed;
};

Result *
result_new (const gchar *scenario, const gchar *label)
{
  Result *result = g_new0 (Result, 1);

  result->label = g_strdup (label);
  result->object = json_object_new ();
  result->failed = json_array_new ();
  json_object_set_string_member (result->object, "scenario", scenario);
  json_object_set_string_member (result->object, "label", label);
  json_object_set_string_member (result->object, "target", "real");
  return result;
}

void
result_free (Result *result)
{
  g_free (result->label);
  json_object_unref (result->object);
  json_array_unref (result->failed);
  g_free (result);
}

void
result_int (Result *result, const gchar *name, gint64 value)
{
  json_object_set_int_member (result->object, name, value);
}

/* Eighths are exact in binary, so that they are printed short. */
void
result_ms (Result *result, const gchar *name, gdouble ms)
{
  if (ms < 0)
    json_object_set_null_member (result->object, name);
  else
    json_object_set_double_member (result->object, name, round (ms * 8) / 8);
}

void
result_bool (Result *result, const gchar *name, gboolean value)
{
  json_object_set_boolean_member (result->object, name, value);
}

void
result_text (Result *result, const gchar *name, const gchar *text)
{
  json_object_set_string_member (result->object, name, text);
}

void
result_answer (Result *result, const gchar *name, const Answer *answer)
{
  g_autofree gchar *ms = g_strconcat (name, "_ms", NULL);
  g_autofree gchar *status = g_strconcat (name, "_status", NULL);

  result_ms (result, ms, answer->answered ? answer->ms : -1);
  if (answer->answered)
    result_int (result, status, answer->status);
  else
    json_object_set_null_member (result->object, status);
}

void
result_figures (Result *result, const gchar *name, const StageFigures *figures)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "threads", figures->threads);
  json_object_set_int_member (object, "descriptors", figures->descriptors);
  json_object_set_int_member (object, "rss_kb", figures->rss_kb);
  json_object_set_int_member (object, "pipelines", figures->pipelines);
  json_object_set_int_member (object, "stalled", figures->stalled);
  json_object_set_object_member (result->object, name, object);
}

void
result_object (Result *result, const gchar *name, JsonObject *object)
{
  json_object_set_object_member (result->object, name, object);
}

static void
judge (Result *result, gboolean good, const gchar *prefix, const gchar *what)
{
  g_autofree gchar *text = g_strconcat (prefix, what, NULL);

  if (!good)
    json_array_add_string_element (result->failed, text);
}

void
expect_fault (Result *result, gboolean shown, const gchar *what)
{
  if (g_str_equal (result->label, "upstream"))
    judge (result, shown, "fault not shown: ", what);
}

void
expect_held (Result *result, gboolean held, const gchar *what)
{
  if (g_str_equal (result->label, "patched"))
    judge (result, held, "not held: ", what);
}

void
expect_both (Result *result, gboolean true_for_both, const gchar *what)
{
  judge (result, true_for_both, "not so: ", what);
}

gboolean
result_passes (const Result *result)
{
  return json_array_get_length (result->failed) == 0;
}

gchar *
result_line (Result *result, const StageOptions *options)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (result->object, "gstreamer", gstreamer);
  json_object_set_string_member (
      result->object, "wolf", options->commit ? options->commit : "unknown");
  json_object_set_string_member (result->object, "date", date);
  json_object_set_boolean_member (result->object, "long", options->long_run);
  json_object_set_array_member (result->object, "failed", json_array_ref (result->failed));
  json_object_set_boolean_member (result->object, "pass", result_passes (result));
  json_node_set_object (node, result->object);
  return json_to_string (node, FALSE);
}
