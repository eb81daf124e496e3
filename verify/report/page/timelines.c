/* SPDX-License-Identifier: MIT
 *
 * timelines.c: lines with a latency over time, in pairs of before and after.
 */
#include "model.h"

#include <math.h>

static void
timeline_free (Timeline *timeline)
{
  if (timeline == NULL)
    return;
  g_array_unref (timeline->samples);
  g_array_unref (timeline->sockets);
  g_array_unref (timeline->events);
  g_free (timeline);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Timeline, timeline_free)

void
timeline_pair_free (TimelinePair *pair)
{
  timeline_free (pair->sides[SIDE_BEFORE]);
  timeline_free (pair->sides[SIDE_AFTER]);
  g_free (pair);
}

/* Element @i of @tuple if it is a number (or null, which is NAN, where that is allowed). */
static gboolean
tuple_number (JsonArray *tuple, guint i, gboolean or_null, double *number)
{
  JsonNode *node = json_array_get_element (tuple, i);

  *number = NAN;
  if (or_null && JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node)
      || (json_node_get_value_type (node) != G_TYPE_INT64
          && json_node_get_value_type (node) != G_TYPE_DOUBLE))
    return FALSE;
  *number = json_node_get_double (node);
  return isfinite (*number);
}

typedef gboolean (*TakeTuple) (JsonArray *tuple, GArray *taken);

/* Takes each tuple of the list at @path, if there is one; FALSE: it is no list of such tuples. */
static gboolean
read_list (const Line *line, const char *path, guint size, TakeTuple take, GArray *taken)
{
  JsonNode *node = object_node (line->object, path);
  JsonArray *array;

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *tuple = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_ARRAY (tuple)
        || json_array_get_length (json_node_get_array (tuple)) != size
        || !take (json_node_get_array (tuple), taken))
      return FALSE;
  }
  return TRUE;
}

static gboolean
take_sample (JsonArray *tuple, GArray *samples)
{
  Sample sample;

  if (!tuple_number (tuple, 0, FALSE, &sample.t) || !tuple_number (tuple, 1, TRUE, &sample.ms))
    return FALSE;
  sample.t /= 1000;
  g_array_append_val (samples, sample);
  return TRUE;
}

static gboolean
take_sockets (JsonArray *tuple, GArray *all)
{
  Sockets sockets;

  if (!tuple_number (tuple, 0, FALSE, &sockets.t)
      || !tuple_number (tuple, 1, FALSE, &sockets.established)
      || !tuple_number (tuple, 2, FALSE, &sockets.close_wait)
      || !tuple_number (tuple, 3, FALSE, &sockets.unaccepted))
    return FALSE;
  sockets.t /= 1000;
  g_array_append_val (all, sockets);
  return TRUE;
}

static gboolean
take_event (JsonArray *tuple, GArray *events)
{
  JsonNode *name = json_array_get_element (tuple, 1);
  Event event;

  if (!tuple_number (tuple, 0, FALSE, &event.t) || !JSON_NODE_HOLDS_VALUE (name)
      || json_node_get_value_type (name) != G_TYPE_STRING)
    return FALSE;
  event.name = json_node_get_string (name);
  event.t /= 1000;
  g_array_append_val (events, event);
  return TRUE;
}

/* Both sides have one axis: /cancel is its zero. */
static void
count_from_cancel (Timeline *timeline)
{
  double zero = 0;

  for (guint i = 0; i < timeline->events->len && !timeline->from_cancel; i++) {
    const Event *event = &g_array_index (timeline->events, Event, i);

    timeline->from_cancel = g_str_equal (event->name, "cancel");
    if (timeline->from_cancel)
      zero = event->t;
  }
  for (guint i = 0; i < timeline->samples->len; i++)
    g_array_index (timeline->samples, Sample, i).t -= zero;
  for (guint i = 0; i < timeline->sockets->len; i++)
    g_array_index (timeline->sockets, Sockets, i).t -= zero;
  for (guint i = 0; i < timeline->events->len; i++)
    g_array_index (timeline->events, Event, i).t -= zero;
}

static Timeline *
timeline_new (const Line *line, GError **error)
{
  g_autoptr (Timeline) timeline = g_new0 (Timeline, 1);

  timeline->line = line;
  timeline->samples = g_array_new (FALSE, TRUE, sizeof (Sample));
  timeline->sockets = g_array_new (FALSE, TRUE, sizeof (Sockets));
  timeline->events = g_array_new (FALSE, TRUE, sizeof (Event));
  timeline->patience_ms = object_number (line->object, "latency.patience_ms");
  if (!(timeline->patience_ms > 0)) {
    line_error (line, error, "\"latency\" has no \"patience_ms\" above 0");
    return NULL;
  }
  if (!read_list (line, "latency.samples", 2, take_sample, timeline->samples)) {
    line_error (line, error, "\"latency.samples\" is not a list of [ms, ms or null]");
    return NULL;
  }
  if (!read_list (line, "sockets", 4, take_sockets, timeline->sockets)) {
    line_error (
        line, error, "\"sockets\" is not a list of [ms, established, close_wait, unaccepted]");
    return NULL;
  }
  if (!read_list (line, "events", 2, take_event, timeline->events)) {
    line_error (line, error, "\"events\" is not a list of [ms, name]");
    return NULL;
  }
  count_from_cancel (timeline);
  return g_steal_pointer (&timeline);
}

gboolean
timeline_add (Report *report, const Line *line, GError **error)
{
  const char *target = object_text (line->object, "target");
  const char *scenario = object_text (line->object, "scenario");
  const Side side = side_of (object_text (line->object, "label"));
  Timeline *timeline = timeline_new (line, error);
  TimelinePair *pair = NULL;

  if (timeline == NULL)
    return FALSE;
  if (side == SIDE_OTHER || timeline->samples->len == 0) {
    timeline_free (timeline);
    return TRUE; /* the row has it, the picture shows before and after */
  }
  for (guint i = 0; i < report->timelines->len && pair == NULL; i++) {
    TimelinePair *other = g_ptr_array_index (report->timelines, i);

    if (g_str_equal (other->target, target) && g_str_equal (other->scenario, scenario))
      pair = other;
  }
  if (pair == NULL) {
    pair = g_new0 (TimelinePair, 1);
    pair->target = target;
    pair->scenario = scenario;
    g_ptr_array_add (report->timelines, pair);
  }
  timeline_free (pair->sides[side]);
  pair->sides[side] = timeline;
  return TRUE;
}

gint
timeline_pair_order (gconstpointer a, gconstpointer b)
{
  const TimelinePair *x = *(TimelinePair *const *) a, *y = *(TimelinePair *const *) b;

  return (gint) target_order (x->target) - (gint) target_order (y->target);
}
