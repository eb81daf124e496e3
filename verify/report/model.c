/* SPDX-License-Identifier: MIT
 *
 * model.c: sorts lines into rows, timelines and benches.
 */
#include "report.h"

#include <math.h>
#include <string.h>

/* ---- names ---- */

static const struct {
  const char *name, *title;
} targets[] = {
  { "real", "real Wolf" },
  { "lab", "lab" },
  { "interpipe", "gst-interpipe" },
};

const char *
target_title (const char *target)
{
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    if (g_str_equal (target, targets[i].name))
      return targets[i].title;
  return target;
}

static guint
target_order (const char *target)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (targets); i++)
    if (g_str_equal (target, targets[i].name))
      break;
  return i;
}

static Side
side_of (const char *label)
{
  if (g_str_equal (label, "upstream") || g_str_equal (label, "unguarded"))
    return SIDE_BEFORE;
  if (g_str_equal (label, "patched") || g_str_equal (label, "guarded"))
    return SIDE_AFTER;
  return SIDE_OTHER;
}

/* ---- rows ---- */

static void
cell_free (Cell *cell)
{
  g_ptr_array_unref (cell->lines);
  g_free (cell);
}

static void
row_free (Row *row)
{
  g_ptr_array_unref (row->cells);
  g_free (row->id);
  g_free (row);
}

const Cell *
row_cell (const Row *row, Side side)
{
  for (guint i = 0; i < row->cells->len; i++) {
    const Cell *cell = g_ptr_array_index (row->cells, i);

    if (cell->side == side)
      return cell;
  }
  return NULL;
}

/* Before, after, then by name. */
static gint
by_side (gconstpointer a, gconstpointer b)
{
  const Cell *x = *(Cell *const *) a, *y = *(Cell *const *) b;

  return x->side != y->side ? (gint) x->side - (gint) y->side : strcmp (x->label, y->label);
}

static Row *
find_row (Report *report, const char *target, const char *scenario)
{
  Row *row;

  for (guint i = 0; i < report->rows->len; i++) {
    row = g_ptr_array_index (report->rows, i);
    if (g_str_equal (row->target, target) && g_str_equal (row->scenario, scenario))
      return row;
  }
  row = g_new0 (Row, 1);
  row->target = target;
  row->scenario = scenario;
  row->id = g_strdup_printf ("s%u", report->rows->len + 1);
  row->cells = g_ptr_array_new_with_free_func ((GDestroyNotify) cell_free);
  g_ptr_array_add (report->rows, row);
  return row;
}

static Cell *
find_cell (Row *row, const char *label)
{
  Cell *cell;

  for (guint i = 0; i < row->cells->len; i++) {
    cell = g_ptr_array_index (row->cells, i);
    if (g_str_equal (cell->label, label))
      return cell;
  }
  cell = g_new0 (Cell, 1);
  cell->label = label;
  cell->side = side_of (label);
  cell->lines = g_ptr_array_new ();
  g_ptr_array_add (row->cells, cell);
  g_ptr_array_sort (row->cells, by_side);
  return cell;
}

static gboolean
check_failed (const Line *line, GError **error)
{
  JsonNode *failed = object_node (line->object, "failed");
  JsonNode *pass = object_node (line->object, "pass");
  JsonArray *texts;

  if (pass == NULL || !JSON_NODE_HOLDS_VALUE (pass)
      || json_node_get_value_type (pass) != G_TYPE_BOOLEAN) {
    line_error (line, error, "\"pass\" is not true or false");
    return FALSE;
  }
  if (failed == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (failed)) {
    line_error (line, error, "\"failed\" is not a list of texts");
    return FALSE;
  }
  texts = json_node_get_array (failed);
  for (guint i = 0; i < json_array_get_length (texts); i++) {
    JsonNode *node = json_array_get_element (texts, i);

    if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING) {
      line_error (line, error, "\"failed\" is not a list of texts");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
add_scenario (Report *report, const Line *line, GError **error)
{
  const char *label = object_text (line->object, "label");
  const char *target = object_text (line->object, "target");
  Cell *cell;

  if (label == NULL || target == NULL) {
    line_error (line, error, "a scenario without \"%s\"", label ? "target" : "label");
    return FALSE;
  }
  if (!check_failed (line, error))
    return FALSE;
  cell = find_cell (find_row (report, target, object_text (line->object, "scenario")), label);
  g_ptr_array_add (cell->lines, (gpointer) line);
  cell->passed += object_flag (line->object, "pass");
  return TRUE;
}

static gint
by_target (gconstpointer a, gconstpointer b)
{
  const Row *x = *(Row *const *) a, *y = *(Row *const *) b;
  const guint p = target_order (x->target), q = target_order (y->target);

  if (p != q)
    return p < q ? -1 : 1;
  if (strcmp (x->target, y->target) != 0)
    return strcmp (x->target, y->target);
  return (gint) scenario_order (x->scenario) - (gint) scenario_order (y->scenario);
}

/* ---- timelines ---- */

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

static void
pair_free (TimelinePair *pair)
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

static gboolean
add_timeline (Report *report, const Line *line, GError **error)
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

static gint
pair_by_target (gconstpointer a, gconstpointer b)
{
  const TimelinePair *x = *(TimelinePair *const *) a, *y = *(TimelinePair *const *) b;

  return (gint) target_order (x->target) - (gint) target_order (y->target);
}

/* ---- benches ---- */

gboolean
bench_missed (const Bench *bench)
{
  return bench->bound_is_min ? bench->value < bench->bound : bench->value > bench->bound;
}

gboolean
bench_held (const Bench *bench)
{
  return !isnan (bench->bound) && !bench_missed (bench);
}

static gboolean
add_bench (Report *report, const Line *line, GError **error)
{
  Bench *bench;
  JsonObject *object = line->object;
  const char *is = object_text (object, "bound_is");
  const char *name = object_text (object, "case"), *unit = object_text (object, "unit");

  if (name == NULL || unit == NULL || isnan (object_number (object, "value"))) {
    line_error (line, error, "a bench without \"%s\"", !name ? "case" : !unit ? "unit" : "value");
    return FALSE;
  }
  if (is != NULL && !g_str_equal (is, "max") && !g_str_equal (is, "min")) {
    line_error (line, error, "\"bound_is\" is neither \"max\" nor \"min\"");
    return FALSE;
  }
  bench = g_new0 (Bench, 1);
  bench->family = object_text (object, "bench");
  bench->name = name;
  bench->unit = unit;
  bench->baseline = object_text (object, "baseline");
  bench->value = object_number (object, "value");
  bench->p10 = object_number (object, "p10");
  bench->p90 = object_number (object, "p90");
  bench->bound = object_number (object, "bound");
  bench->bound_is_min = is != NULL && g_str_equal (is, "min");
  bench->rounds = MAX (object_number (object, "rounds"), 0);
  g_ptr_array_add (report->benches, bench);
  return TRUE;
}

/* bench-interpipe keeps each round of each plugin; what it comes to are the ratios of its rounds. Each
 * file is a run of its own. */
static const struct {
  const char *key, *words;
  double bound;
  gboolean bound_is_min;
  const char *only; /* the case that has the bound; NULL: all */
} ratios[] = {
  { "rate", "delivered/s", 0.9, TRUE, NULL },
  { "p99_us", "p99 of a call", 1 / 0.9, FALSE, "16 switchers" },
};

typedef struct {
  const char *file, *name;
  guint figure;
  GHashTable *plain; /* round → value */
  GHashTable *patched;
} Rounds;

static void
rounds_free (Rounds *rounds)
{
  g_hash_table_unref (rounds->plain);
  g_hash_table_unref (rounds->patched);
  g_free (rounds);
}

static Rounds *
find_rounds (GPtrArray *all, const char *file, const char *name, guint figure)
{
  Rounds *rounds;

  for (guint i = 0; i < all->len; i++) {
    rounds = g_ptr_array_index (all, i);
    if (g_str_equal (rounds->file, file) && g_str_equal (rounds->name, name)
        && rounds->figure == figure)
      return rounds;
  }
  rounds = g_new0 (Rounds, 1);
  rounds->file = file;
  rounds->name = name;
  rounds->figure = figure;
  rounds->plain = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  rounds->patched = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_ptr_array_add (all, rounds);
  return rounds;
}

static gboolean
add_interpipe_round (GPtrArray *all, const Line *line)
{
  const char *name = object_text (line->object, "case");
  const char *plugin = object_text (line->object, "plugin");
  const double round = object_number (line->object, "round");
  gboolean used = FALSE;

  if (!name || !plugin || isnan (round))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (ratios); i++) {
    const double value = object_number (line->object, ratios[i].key);
    Rounds *rounds;

    if (!(value > 0))
      continue;
    rounds = find_rounds (all, line->file, name, i);
    g_hash_table_replace (g_str_equal (plugin, "plain") ? rounds->plain : rounds->patched,
        GINT_TO_POINTER ((gint) round), g_memdup2 (&value, sizeof value));
    used = TRUE;
  }
  return used;
}

static gint
by_value (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
percentile (GArray *sorted, guint percent)
{
  return g_array_index (sorted, double, (sorted->len - 1) * percent / 100);
}

static void
add_ratio (Report *report, const Rounds *rounds, gboolean name_file)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  GHashTableIter iter;
  gpointer round, patched;
  Bench *bench;

  g_hash_table_iter_init (&iter, rounds->patched);
  while (g_hash_table_iter_next (&iter, &round, &patched)) {
    const double *plain = g_hash_table_lookup (rounds->plain, round);
    double ratio;

    if (plain == NULL)
      continue; /* lost on the other side */
    ratio = *(double *) patched / *plain;
    g_array_append_val (values, ratio);
  }
  if (values->len == 0)
    return;
  g_array_sort (values, by_value);
  bench = g_new0 (Bench, 1);
  bench->family = ratios[rounds->figure].words;
  if (name_file) {
    bench->run = g_path_get_basename (rounds->file);
    if (g_str_has_suffix (bench->run, ".jsonl"))
      bench->run[strlen (bench->run) - strlen (".jsonl")] = '\0';
  }
  bench->name = rounds->name;
  bench->unit = "ratio";
  bench->baseline = "unpatched plugin";
  bench->value = percentile (values, 50);
  bench->p10 = percentile (values, 10);
  bench->p90 = percentile (values, 90);
  bench->bound_is_min = ratios[rounds->figure].bound_is_min;
  bench->bound =
      ratios[rounds->figure].only == NULL || g_str_equal (ratios[rounds->figure].only, rounds->name)
      ? ratios[rounds->figure].bound
      : NAN;
  bench->rounds = values->len;
  g_ptr_array_add (report->benches, bench);
}

static gboolean
of_several_files (GPtrArray *all)
{
  for (guint i = 1; i < all->len; i++)
    if (!g_str_equal (((Rounds *) g_ptr_array_index (all, 0))->file,
            ((Rounds *) g_ptr_array_index (all, i))->file))
      return TRUE;
  return FALSE;
}

static void
bench_free (Bench *bench)
{
  g_free (bench->run);
  g_free (bench);
}

gchar *
bench_title (const Bench *bench)
{
  if (bench->run != NULL)
    return g_strdup_printf ("%s: %s: %s", bench->run, bench->family, bench->name);
  return g_strdup_printf ("%s: %s", bench->family, bench->name);
}

/* ---- all of it ---- */

static gboolean
sort_in (Report *report, GPtrArray *rounds, const Line *line, GError **error)
{
  if (object_text (line->object, "scenario") != NULL)
    return add_scenario (report, line, error)
        && (object_node (line->object, "latency.samples") == NULL
            || add_timeline (report, line, error));
  if (object_text (line->object, "bench") != NULL) {
    if (object_node (line->object, "value") != NULL)
      return add_bench (report, line, error);
    /* Its other lines say what was compared, and once more what the rounds come to. */
    if (add_interpipe_round (rounds, line)
        || g_str_equal (object_text (line->object, "bench"), "interpipe"))
      return TRUE;
  }
  report->unused++;
  return TRUE;
}

Report *
report_new (GPtrArray *lines, GError **error)
{
  g_autoptr (Report) report = g_new0 (Report, 1);
  g_autoptr (GPtrArray) rounds = g_ptr_array_new_with_free_func ((GDestroyNotify) rounds_free);

  report->lines = lines;
  report->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  report->timelines = g_ptr_array_new_with_free_func ((GDestroyNotify) pair_free);
  report->benches = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_free);
  for (guint i = 0; i < lines->len; i++)
    if (!sort_in (report, rounds, g_ptr_array_index (lines, i), error))
      return NULL;
  for (guint i = 0; i < rounds->len; i++)
    add_ratio (report, g_ptr_array_index (rounds, i), of_several_files (rounds));
  /* Both sorts are stable. */
  g_ptr_array_sort (report->rows, by_target);
  g_ptr_array_sort (report->timelines, pair_by_target);
  return g_steal_pointer (&report);
}

void
report_free (Report *report)
{
  if (report == NULL)
    return;
  g_ptr_array_unref (report->timelines);
  g_ptr_array_unref (report->benches);
  g_ptr_array_unref (report->rows);
  g_ptr_array_unref (report->lines);
  g_free (report);
}

static gint
by_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
report_texts (const Report *report, const char *member)
{
  GPtrArray *texts = g_ptr_array_new ();

  for (guint i = 0; i < report->lines->len; i++) {
    const Line *line = g_ptr_array_index (report->lines, i);
    const char *text = object_text (line->object, member);

    if (text != NULL && !g_str_equal (text, "unknown")
        && !g_ptr_array_find_with_equal_func (texts, text, g_str_equal, NULL))
      g_ptr_array_add (texts, (gpointer) text);
  }
  g_ptr_array_sort (texts, by_text);
  return texts;
}
