/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <gst/gst.h>
#include <math.h>

struct Result {
  const ResultHead *head;
  ResultSide side;
  ResultCure lacks;
  JsonObject *object;
  JsonArray *failed, *broken;
  guint late, unfit; /* broken promises about time; what had to be so and was not */
};

ResultSide
result_side (const gchar *label)
{
  if (g_strcmp0 (label, "before") == 0 || g_strcmp0 (label, "upstream") == 0 || g_strcmp0 (label, "unguarded") == 0)
    return RESULT_BEFORE;
  if (g_strcmp0 (label, "after") == 0 || g_strcmp0 (label, "patched") == 0 || g_strcmp0 (label, "guarded") == 0)
    return RESULT_AFTER;
  return label != NULL && g_str_has_prefix (label, "without-") ? RESULT_BETWEEN : RESULT_NO_LABEL;
}

Result *
result_new (const gchar *scenario, const ResultHead *head)
{
  Result *result = g_new0 (Result, 1);

  result->head = head;
  result->side = result_side (head->label);
  result->object = json_object_new ();
  result->failed = json_array_new ();
  result->broken = json_array_new ();
  result_text (result, "scenario", scenario);
  result_text (result, "label", head->label);
  result_text (result, "target", head->target);
  return result;
}

void
result_free (Result *result)
{
  json_object_unref (result->object);
  json_array_unref (result->failed);
  json_array_unref (result->broken);
  g_free (result);
}

void
result_lacks (Result *result, ResultCure cure)
{
  result->lacks = cure;
}

void
result_int (Result *result, const gchar *name, gint64 value)
{
  json_object_set_int_member (result->object, name, value);
}

gdouble
result_round_ms (gdouble ms)
{
  return round (ms * 8) / 8;
}

void
result_ms (Result *result, const gchar *name, gdouble ms)
{
  if (ms < 0)
    result_null (result, name);
  else
    json_object_set_double_member (result->object, name, result_round_ms (ms));
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
result_null (Result *result, const gchar *name)
{
  json_object_set_null_member (result->object, name);
}

void
result_object (Result *result, const gchar *name, JsonObject *object)
{
  json_object_set_object_member (result->object, name, object);
}

void
result_array (Result *result, const gchar *name, JsonArray *array)
{
  json_object_set_array_member (result->object, name, array);
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
  if (result->side == RESULT_BEFORE)
    judge (result, shown, "fault not shown: ", what);
}

void
expect_held (Result *result, gboolean held, const gchar *what)
{
  if (result->side == RESULT_AFTER)
    judge (result, held, "not held: ", what);
  else if (result->side == RESULT_BETWEEN && !held)
    json_array_add_string_element (result->broken, what);
}

void
expect_in_time (Result *result, gboolean held, const gchar *what)
{
  expect_held (result, held, what);
  result->late += !held && (result->side == RESULT_AFTER || result->side == RESULT_BETWEEN);
}

void
expect_both (Result *result, gboolean so, const gchar *what)
{
  judge (result, so, "not so: ", what);
  result->unfit += !so;
}

gboolean
result_may_be_load (const Result *result)
{
  const guint broken = result->side == RESULT_BETWEEN && result->lacks == RESULT_UNRELATED
      ? json_array_get_length (result->broken)
      : 0;
  const guint failed = json_array_get_length (result->failed) + broken;

  return result->unfit > 0 || (failed > 0 && failed == result->late);
}

gboolean
result_passes (const Result *result)
{
  return json_array_get_length (result->failed) == 0;
}

static void
judge_between (Result *result)
{
  const guint broken = json_array_get_length (result->broken);

  if (result->lacks == RESULT_MUST_BREAK)
    judge (result, broken > 0, "fault not shown: ", "without this fix a promise is broken");
  for (guint i = 0; i < broken && result->lacks == RESULT_UNRELATED; i++)
    judge (result, FALSE, "not held: ", json_array_get_string_element (result->broken, i));
  result_array (result, "broken", json_array_ref (result->broken));
}

gchar *
result_line (Result *result)
{
  const ResultHead *head = result->head;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  if (result->side == RESULT_BETWEEN)
    judge_between (result);
  result_text (result, "gstreamer", gstreamer);
  if (head->subject != NULL)
    result_text (result, head->subject, head->commit ? head->commit : "unknown");
  result_text (result, "date", date);
  result_bool (result, "long", head->long_run);
  result_array (result, "failed", json_array_ref (result->failed));
  result_bool (result, "pass", result_passes (result));
  json_node_set_object (node, result->object);
  return json_to_string (node, FALSE);
}
