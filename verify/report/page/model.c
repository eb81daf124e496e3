/* SPDX-License-Identifier: MIT
 *
 * model.c: sorts lines into rows, timelines and benches.
 */
#include "model.h"

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

guint
target_order (const char *target)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (targets); i++)
    if (g_str_equal (target, targets[i].name))
      break;
  return i;
}

Side
side_of (const char *label)
{
  if (g_str_equal (label, "before") || g_str_equal (label, "upstream")
      || g_str_equal (label, "unguarded"))
    return SIDE_BEFORE;
  if (g_str_equal (label, "after") || g_str_equal (label, "patched")
      || g_str_equal (label, "guarded"))
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

/* ---- all of it ---- */

static gboolean
sort_in (Report *report, GPtrArray *rounds, const Line *line, GError **error)
{
  if (object_text (line->object, "scenario") != NULL)
    return add_scenario (report, line, error)
        && (object_node (line->object, "latency.samples") == NULL
            || timeline_add (report, line, error));
  if (object_text (line->object, "bench") != NULL) {
    if (object_node (line->object, "value") != NULL)
      return bench_add (report, line, error);
    /* Its other lines say what was compared, and once more what the rounds come to. */
    if (bench_add_round (rounds, line)
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
  g_autoptr (GPtrArray) rounds = g_ptr_array_new_with_free_func (bench_rounds_free);

  report->lines = lines;
  report->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) row_free);
  report->timelines = g_ptr_array_new_with_free_func ((GDestroyNotify) timeline_pair_free);
  report->benches = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_free);
  for (guint i = 0; i < lines->len; i++)
    if (!sort_in (report, rounds, g_ptr_array_index (lines, i), error))
      return NULL;
  bench_add_ratios (report, rounds);
  /* Both sorts are stable. */
  g_ptr_array_sort (report->rows, by_target);
  g_ptr_array_sort (report->timelines, timeline_pair_order);
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
