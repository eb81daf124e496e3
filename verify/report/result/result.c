/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <gst/gst.h>
#include <math.h>

struct Result {
  const ResultHead *head;
  ResultSide side;
  ResultCure lacks;
  JsonObject *object;
  JsonArray *failed, *broken, *not_shown;
  guint faults;      /* expected */
  guint late, unfit; /* broken promises about time; what had to be so and was not */
};

ResultSide
result_side (const gchar *label)
{
  if (g_strcmp0 (label, "before") == 0)
    return RESULT_BEFORE;
  if (g_strcmp0 (label, "after") == 0)
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
  result->not_shown = json_array_new ();
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
  json_array_unref (result->not_shown);
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
  if (result->side != RESULT_BEFORE)
    return;
  result->faults++;
  if (!shown)
    json_array_add_string_element (result->not_shown, what);
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

/* Promises that had to hold although a fix is off. */
static guint
broken_elsewhere (const Result *result)
{
  return result->side == RESULT_BETWEEN && result->lacks == RESULT_UNRELATED
      ? json_array_get_length (result->broken)
      : 0;
}

/* The fix that is off is this scenario's, and nothing broke. */
static gboolean
misses_fault (const Result *result)
{
  return result->side == RESULT_BETWEEN && result->lacks == RESULT_MUST_BREAK
      && json_array_get_length (result->broken) == 0;
}

static guint
count_failed (const Result *result)
{
  return json_array_get_length (result->failed) + broken_elsewhere (result);
}

ResultVerdict
result_verdict (const Result *result)
{
  if (count_failed (result) > 0 || misses_fault (result))
    return RESULT_FAIL;
  return json_array_get_length (result->not_shown) > 0 ? RESULT_INCONCLUSIVE : RESULT_PASS;
}

gboolean
result_may_be_chance (const Result *result)
{
  return result_verdict (result) == RESULT_INCONCLUSIVE
      || (count_failed (result) == 0 && misses_fault (result));
}

gboolean
result_may_be_load (const Result *result)
{
  const guint failed = count_failed (result);

  return result->unfit > 0 || (failed > 0 && failed == result->late);
}

static void
conclude_between (Result *result)
{
  judge (
      result, !misses_fault (result), "fault not shown: ", "without this fix a promise is broken");
  for (guint i = 0; i < broken_elsewhere (result); i++)
    judge (result, FALSE, "not held: ", json_array_get_string_element (result->broken, i));
  result_array (result, "broken", json_array_ref (result->broken));
}

gchar *
result_line (Result *result)
{
  static const gchar *const verdicts[] = { "pass", "fail", "inconclusive" };
  const ResultHead *head = result->head;
  const ResultVerdict verdict = result_verdict (result);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  if (result->side == RESULT_BETWEEN)
    conclude_between (result);
  result_text (result, "gstreamer", gstreamer);
  if (head->subject != NULL)
    result_text (result, head->subject, head->commit ? head->commit : "unknown");
  result_text (result, "date", date);
  result_bool (result, "long", head->long_run);
  if (result->side == RESULT_BEFORE) {
    result_int (result, "faults", result->faults);
    result_array (result, "not_shown", json_array_ref (result->not_shown));
  }
  result_array (result, "failed", json_array_ref (result->failed));
  result_text (result, "verdict", verdicts[verdict]);
  result_bool (result, "pass", verdict == RESULT_PASS);
  json_node_set_object (node, result->object);
  return json_to_string (node, FALSE);
}
