/* SPDX-License-Identifier: MIT */
/* result.c: what a scenario found, as one line of JSON, and whether it is what the label promises.
 */
#include "interpipe.h"

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
  json_object_set_string_member (result->object, "target", "interpipe");
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

static void
judge (Result *result, gboolean good, const gchar *prefix, const gchar *what)
{
  g_autofree gchar *text = g_strconcat (prefix, what, NULL);

  if (!good)
    json_array_add_string_element (result->failed, text);
}

void
promise (Result *result, gboolean held, const gchar *what)
{
  expect_fault (result, !held, what);
  holds (result, held, what);
}

void
holds (Result *result, gboolean held, const gchar *what)
{
  if (g_str_equal (result->label, "patched"))
    judge (result, held, "not held: ", what);
}

void
expect_fault (Result *result, gboolean shown, const gchar *what)
{
  if (g_str_equal (result->label, "upstream"))
    judge (result, shown, "fault not shown: ", what);
}

void
must (Result *result, gboolean so, const gchar *what)
{
  judge (result, so, "not so: ", what);
}

gboolean
result_passes (const Result *result)
{
  return json_array_get_length (result->failed) == 0;
}

void
result_add_account (Result *result)
{
  const gint criticals = g_atomic_int_get (&wgi_account->criticals);
  const gint warnings = g_atomic_int_get (&wgi_account->warnings);
  const gint reports = g_atomic_int_get (&wgi_account->reports);

  result_int (result, "criticals", criticals);
  result_int (result, "warnings", warnings);
  if (reports > 0)
    result_int (result, "sanitizer_reports", reports);
  if (criticals + warnings > 0)
    result_text (result, "message", wgi_account->message);
  holds (result, criticals + warnings == 0, "GLib has no complaint");
  holds (result, reports == 0, "the sanitizer has no complaint");
}

gchar *
result_line (Result *result, const WgiOptions *options)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (result->object, "gstreamer", gstreamer);
  json_object_set_string_member (
      result->object, "interpipe", options->commit ? options->commit : "unknown");
  json_object_set_string_member (result->object, "date", date);
  json_object_set_boolean_member (result->object, "long", options->long_run);
  json_object_set_array_member (result->object, "failed", json_array_ref (result->failed));
  json_object_set_boolean_member (result->object, "pass", result_passes (result));
  json_node_set_object (node, result->object);
  return json_to_string (node, FALSE);
}
