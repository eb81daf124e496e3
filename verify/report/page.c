/* SPDX-License-Identifier: MIT
 *
 * page.c: the page, from its headline to where its figures come from.
 */
#include "page.h"
#include "pictures.h"

#include "resources.h"

#include <math.h>
#include <string.h>

typedef struct {
  const Report *report;
  GString *html;
} Page;

/* HTML, as it is. */
static void
add (Page *page, const char *html)
{
  g_string_append (page->html, html);
}

static void
add_text (Page *page, const char *text)
{
  html_text (page->html, text);
}

/* <tag>text</tag>, where the tag may have attributes that are ours. */
static void
add_element (Page *page, const char *tag, const char *text)
{
  g_string_append_printf (page->html, "<%s>", tag);
  add_text (page, text);
  g_string_append_printf (page->html, "</%.*s>", (int) strcspn (tag, " "), tag);
}

static const char *
side_words (const Cell *cell)
{
  static const char *const words[] = { [SIDE_BEFORE] = "before", [SIDE_AFTER] = "after" };

  return cell->side == SIDE_OTHER ? cell->label : words[cell->side];
}

/* ---- pictures ---- */

static gboolean
add_latency (Page *page, const TimelinePair *pair, GError **error)
{
  for (int form = PLOT_WIDE; form <= PLOT_NARROW; form++) {
    g_autofree gchar *svg = picture_latency (pair, form, PLOT_INLINE, error);

    if (svg == NULL)
      return FALSE;
    add (page, svg);
  }
  return TRUE;
}

static gboolean
add_sockets (Page *page, const TimelinePair *pair, GError **error)
{
  add (page, "<div class=\"pair\">\n");
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    g_autofree gchar *svg = NULL;

    if (pair->sides[side] == NULL || pair->sides[side]->sockets->len == 0)
      continue;
    svg = picture_sockets (pair, side, PLOT_INLINE, error);
    if (svg == NULL)
      return FALSE;
    add (page, svg);
  }
  add (page, "</div>\n");
  return TRUE;
}

static void
add_badge (Page *page, const char *target)
{
  const gboolean known = g_str_equal (target, "real") || g_str_equal (target, "lab");

  g_string_append_printf (page->html, "<span class=\"badge %s\">", known ? target : "other");
  add_text (page, target_title (target));
  add (page, "</span>");
}

/* The badge, and the scenario if it is not the usual one. */
static void
begin_caption (Page *page, const TimelinePair *pair)
{
  add (page, "<figcaption>");
  add_badge (page, pair->target);
  add (page, " ");
  if (!g_str_equal (pair->scenario, "timeline")) {
    add_element (page, "b", scenario_title (pair->scenario));
    add (page, ". ");
  }
}

static void
add_missing_side (Page *page, const TimelinePair *pair)
{
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++)
    if (pair->sides[side] == NULL)
      add (page,
          side == SIDE_BEFORE ? " There is no line from before." : " There is no line from after.");
}

static gboolean
add_headline (Page *page, GError **error)
{
  const GPtrArray *pairs = page->report->timelines;

  add (page, "<section id=\"latency\">\n<h2>The port through the fault</h2>\n");
  if (pairs->len == 0)
    add (page, "<p class=\"none\">No line has a timeline: there is no picture of it.</p>\n");
  for (guint i = 0; i < pairs->len; i++) {
    const TimelinePair *pair = g_ptr_array_index (pairs, i);

    add (page, "<figure>\n");
    begin_caption (page, pair);
    add (page,
        "One client asks the HTTPS port again and again. Each request is a mark where it was "
        "sent, as high and as long as it took; those that nobody answered are above.");
    add_missing_side (page, pair);
    add (page, "</figcaption>\n");
    if (!add_latency (page, pair, error))
      return FALSE;
    add (page, "</figure>\n");
  }
  add (page, "</section>\n");
  return TRUE;
}

static gboolean
add_socket_states (Page *page, GError **error)
{
  const GPtrArray *pairs = page->report->timelines;
  guint shown = 0;

  add (page, "<section id=\"sockets\">\n<h2>Its sockets meanwhile</h2>\n");
  for (guint i = 0; i < pairs->len; i++) {
    const TimelinePair *pair = g_ptr_array_index (pairs, i);

    if (!pair_has_sockets (pair))
      continue;
    shown++;
    add (page, "<figure>\n");
    begin_caption (page, pair);
    add (page,
        "Sockets on the HTTPS port, from the kernel’s table. In CLOSE_WAIT are clients that "
        "have given up and that the server has not let go; not accepted, those that it has "
        "never noticed.</figcaption>\n");
    if (!add_sockets (page, pair, error))
      return FALSE;
    add (page, "</figure>\n");
  }
  if (shown == 0)
    add (page, "<p class=\"none\">No line has the states of sockets over time.</p>\n");
  add (page, "</section>\n");
  return TRUE;
}

/* ---- faults × outcomes ---- */

static const struct {
  const char *class, *mark, *words;
} verdicts[] = {
  [VERDICT_FAULT] = { "fault", "✕", "fault" },
  [VERDICT_NO_FAULT] = { "calm", "–", "no fault" },
  [VERDICT_MISSED] = { "missed", "?", "fault not shown" },
  [VERDICT_HELD] = { "held", "✓", "held" },
  [VERDICT_BROKEN] = { "broken", "✕", "not held" },
};

static void
add_cell (Page *page, const Row *row, const Cell *cell, gboolean brief)
{
  const Verdict verdict = cell_verdict (row, cell);
  const Line *worst;
  g_autofree gchar *figure = cell_figure (row, cell, &worst);
  const guint runs = cell->lines->len;

  g_string_append_printf (page->html, "<td class=\"%s\" data-side=\"", verdicts[verdict].class);
  add_text (page, side_words (cell));
  g_string_append_printf (page->html,
      "\"><span class=\"mark\" aria-hidden=\"true\">%s</span><b>%s</b>", verdicts[verdict].mark,
      verdicts[verdict].words);
  if (verdict == VERDICT_BROKEN && runs > 1)
    g_string_append_printf (page->html, " in %u of %u runs", runs - cell->passed, runs);
  else if (cell->side == SIDE_BEFORE && cell->passed < runs && cell->passed > 0)
    g_string_append_printf (page->html, " in %u of %u runs", cell->passed, runs);
  else if (runs > 1)
    g_string_append_printf (page->html, ", %u runs", runs);
  if (figure != NULL && !brief) {
    add (page, "<br><span class=\"figure\">");
    add_text (page, figure);
    add (page, "</span>");
  }
  add (page, "</td>");
}

/* The labels of a target from one side to another, in the order of cells: before, after, others by
 * name. */
static GPtrArray *
columns_of (const Report *report, const char *target, Side first, Side last)
{
  GPtrArray *columns = g_ptr_array_new ();

  for (int side = first; side <= (int) last; side++)
    for (guint i = 0; i < report->rows->len; i++) {
      const Row *row = g_ptr_array_index (report->rows, i);

      if (!g_str_equal (row->target, target))
        continue;
      for (guint j = 0; j < row->cells->len; j++) {
        Cell *cell = g_ptr_array_index (row->cells, j);
        gboolean known = FALSE;

        for (guint k = 0; k < columns->len && !known; k++)
          known = g_str_equal (((Cell *) g_ptr_array_index (columns, k))->label, cell->label);
        if (cell->side == (Side) side && !known)
          g_ptr_array_add (columns, cell);
      }
    }
  return columns;
}

static const Cell *
cell_with_label (const Row *row, const char *label)
{
  for (guint i = 0; i < row->cells->len; i++) {
    const Cell *cell = g_ptr_array_index (row->cells, i);

    if (g_str_equal (cell->label, label))
      return cell;
  }
  return NULL;
}

/* @brief: its verdict only. */
static void
add_row (Page *page, const Row *row, GPtrArray *columns, gboolean brief)
{
  add (page, "<tr><th scope=\"row\">");
  g_string_append_printf (page->html, "<a href=\"#%s\">", row->id);
  add_text (page, scenario_title (row->scenario));
  add (page, "</a></th>");
  for (guint i = 0; i < columns->len; i++) {
    const Cell *column = g_ptr_array_index (columns, i);
    const Cell *cell = cell_with_label (row, column->label);

    if (cell != NULL) {
      add_cell (page, row, cell, brief);
    } else {
      add (page, "<td class=\"empty\" data-side=\"");
      add_text (page, side_words (column));
      add (page, "\">not run</td>");
    }
  }
  add (page, "</tr>\n");
}

/* "30 of 30 faults shown before, 30 of 30 promises held after." */
static void
add_score (Page *page, const char *target)
{
  guint before[2] = { 0, 0 }, after[2] = { 0, 0 };

  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);
    const Cell *cell;

    if (!g_str_equal (row->target, target))
      continue;
    cell = row_cell (row, SIDE_BEFORE);
    if (cell != NULL && cell_verdict (row, cell) != VERDICT_NO_FAULT) {
      before[0] += cell_verdict (row, cell) == VERDICT_FAULT;
      before[1]++;
    }
    cell = row_cell (row, SIDE_AFTER);
    if (cell != NULL) {
      after[0] += cell_verdict (row, cell) == VERDICT_HELD;
      after[1]++;
    }
  }
  if (before[1] > 0)
    g_string_append_printf (page->html, " Before: %u of %u faults shown.", before[0], before[1]);
  if (after[1] > 0)
    g_string_append_printf (page->html, " After: %u of %u scenarios held.", after[0], after[1]);
}

static void
begin_table (Page *page, const char *target, const char *class, const char *title)
{
  add (page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
  add_text (page, target_title (target));
  g_string_append_printf (page->html, "%s\">\n<table class=\"%s\">\n<caption>", title, class);
  add_badge (page, target);
}

static void
add_table (Page *page, const char *target)
{
  g_autoptr (GPtrArray) columns = columns_of (page->report, target, SIDE_BEFORE, SIDE_AFTER);

  if (columns->len == 0)
    return;
  begin_table (page, target, "matrix", ": before and after");
  add_score (page, target);
  add (page, "</caption>\n<thead><tr><th scope=\"col\">scenario</th>");
  for (guint i = 0; i < columns->len; i++) {
    const Cell *cell = g_ptr_array_index (columns, i);

    add (page, "<th scope=\"col\">");
    add_text (page, side_words (cell));
    add (page, " <small>");
    add_text (page, cell->label);
    add (page, "</small></th>");
  }
  add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);

    if (g_str_equal (row->target, target)
        && (row_cell (row, SIDE_BEFORE) != NULL || row_cell (row, SIDE_AFTER) != NULL))
      add_row (page, row, columns, FALSE);
  }
  add (page, "</tbody>\n</table>\n</div>\n");
}

/* One fix off each: many columns, of which only the verdicts tell something. */
static void
add_between_table (Page *page, const char *target)
{
  g_autoptr (GPtrArray) columns = columns_of (page->report, target, SIDE_OTHER, SIDE_OTHER);

  if (columns->len == 0)
    return;
  begin_table (page, target, "matrix brief", ": one fix switched off at a time");
  add (page,
      " One fix switched off at a time: its own faults have to come back, no "
      "others.</caption>\n<thead><tr><th scope=\"col\">scenario</th>");
  for (guint i = 0; i < columns->len; i++)
    add_element (page, "th scope=\"col\"", ((Cell *) g_ptr_array_index (columns, i))->label);
  add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);

    if (g_str_equal (row->target, target) && row_cell (row, SIDE_OTHER) != NULL)
      add_row (page, row, columns, TRUE);
  }
  add (page, "</tbody>\n</table>\n</div>\n");
}

static void
add_key (Page *page)
{
  static const char *const meanings[] = {
    [VERDICT_FAULT] = "as it has to without the fix, else the scenario proves nothing",
    [VERDICT_NO_FAULT] = "none is expected, or not every time",
    [VERDICT_MISSED] = "the scenario has proved nothing",
    [VERDICT_HELD] = "what was promised was so",
    [VERDICT_BROKEN] = "what was promised was not so",
  };

  add (page, "<ul class=\"key\">\n");
  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++)
    g_string_append_printf (page->html,
        "<li class=\"%s\"><span class=\"mark\" aria-hidden=\"true\">%s</span><b>%s</b>: %s</li>\n",
        verdicts[i].class, verdicts[i].mark, verdicts[i].words, meanings[i]);
  add (page, "</ul>\n");
}

static void
add_matrix (Page *page)
{
  const GPtrArray *rows = page->report->rows;
  const char *target = NULL;

  add (page, "<section id=\"faults\">\n<h2>Faults and what came of them</h2>\n");
  if (rows->len == 0)
    add (page, "<p class=\"none\">There is no line of a scenario.</p>\n");
  else
    add_key (page);
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = g_ptr_array_index (rows, i);

    if (target == NULL || !g_str_equal (target, row->target)) {
      add_table (page, row->target);
      add_between_table (page, row->target);
    }
    target = row->target;
  }
  add (page, "</section>\n");
}

/* ---- benches ---- */

static void
add_bench_row (Page *page, const Bench *bench)
{
  const char *class = isnan (bench->bound) ? "empty" : bench_held (bench) ? "held" : "broken";
  g_autofree gchar *value = value_text (bench->value, bench->unit);
  g_autofree gchar *name = bench_title (bench);

  add (page, "<tr>");
  add_element (page, "th scope=\"row\"", name);
  add_element (page, "td class=\"number\"", value);
  if (isnan (bench->p10) || isnan (bench->p90)) {
    add (page, "<td class=\"number\">–</td>");
  } else {
    g_autofree gchar *p10 = value_text (bench->p10, bench->unit);
    g_autofree gchar *p90 = value_text (bench->p90, bench->unit);
    g_autofree gchar *spread = g_strdup_printf ("%s to %s", p10, p90);

    add_element (page, "td class=\"number\"", spread);
  }
  g_string_append_printf (page->html, "<td class=\"number %s\">", class);
  if (!isnan (bench->bound)) {
    g_autofree gchar *bound = value_text (bench->bound, bench->unit);
    g_autofree gchar *words = g_strdup_printf ("%s %s: %s", bench->bound_is_min ? "≥" : "≤", bound,
        bench_held (bench) ? "held" : "missed");

    add_text (page, words);
  } else {
    add (page, "none");
  }
  add (page, "</td>");
  add_element (page, "td", bench->baseline ? bench->baseline : "–");
  g_string_append_printf (page->html, "<td class=\"number\">%u</td></tr>\n", bench->rounds);
}

static gboolean
add_bench_pictures (Page *page, GError **error)
{
  for (int kind = 0; kind < N_BENCHES; kind++)
    for (int form = PLOT_WIDE; form <= PLOT_NARROW; form++) {
      g_autoptr (GError) reason = NULL;
      g_autofree gchar *svg = picture_benches (page->report, kind, form, PLOT_INLINE, &reason);

      if (reason != NULL) {
        g_propagate_error (error, g_steal_pointer (&reason));
        return FALSE;
      }
      if (svg == NULL)
        continue;
      if (form == PLOT_WIDE) {
        static const char *const titles[N_BENCHES] = { "What guard’s calls cost",
          "What the plugin still delivers", "Measured, nothing promised" };

        add (page, "<figure>\n<figcaption>");
        add_element (page, "b", titles[kind]);
        add (page, "</figcaption>\n");
      }
      add (page, svg);
      if (form == PLOT_NARROW)
        add (page, "</figure>\n");
    }
  return TRUE;
}

static gboolean
add_benches (Page *page, GError **error)
{
  const GPtrArray *benches = page->report->benches;

  add (page, "<section id=\"cost\">\n<h2>What it costs</h2>\n");
  if (benches->len == 0) {
    add (page, "<p class=\"none\">There is no line of a bench.</p>\n</section>\n");
    return TRUE;
  }
  if (!add_bench_pictures (page, error))
    return FALSE;
  add (page,
      "<p>A bar is the median, the whisker reaches from the 10th to the 90th percentile of "
      "the rounds.</p>\n<details><summary>The same in figures</summary>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Benches in "
      "figures\">\n<table class=\"figures\">\n"
      "<thead><tr><th scope=\"col\">what</th><th scope=\"col\">median</th>"
      "<th scope=\"col\">10 % to 90 %</th><th scope=\"col\">bound</th>"
      "<th scope=\"col\">against</th><th scope=\"col\">rounds</th></tr></thead>\n<tbody>\n");
  for (guint i = 0; i < benches->len; i++)
    add_bench_row (page, g_ptr_array_index (benches, i));
  add (page, "</tbody></table></div></details>\n</section>\n");
  return TRUE;
}

/* ---- details ---- */

/* Members that are shown elsewhere, or are not figures. */
static gboolean
is_figure (const char *name)
{
  static const char *const others[] = { "scenario", "label", "target", "failed", "broken", "pass",
    "latency", "sockets", "events", NULL };

  return !g_strv_contains (others, name);
}

static void
collect_names (JsonObject *object, const char *prefix, GPtrArray *names)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *member = members; member != NULL; member = member->next) {
    const char *name = member->data;
    JsonNode *node = json_object_get_member (object, name);
    g_autofree gchar *path = prefix ? g_strconcat (prefix, ".", name, NULL) : g_strdup (name);

    if (prefix == NULL && !is_figure (name))
      continue;
    /* A name with a dot in it is no path. */
    if (strchr (name, '.') != NULL)
      continue;
    if (JSON_NODE_HOLDS_OBJECT (node) && prefix == NULL)
      collect_names (json_node_get_object (node), name, names);
    else if (!g_ptr_array_find_with_equal_func (names, path, g_str_equal, NULL))
      g_ptr_array_add (names, g_steal_pointer (&path));
  }
}

static gchar *
figure_text (JsonObject *object, const char *path)
{
  JsonNode *node = object_node (object, path);
  const double number = object_number (object, path);

  if (node == NULL)
    return g_strdup ("");
  if (JSON_NODE_HOLDS_NULL (node))
    return g_strdup (
        g_str_has_suffix (path, "ms") || g_str_has_prefix (path, "ms.") ? "no answer" : "–");
  if (isnan (number))
    return object_text (object, path) ? g_strdup (object_text (object, path))
                                      : json_to_string (node, FALSE);
  if (number == floor (number) && fabs (number) < 1e15)
    return count_text ((gint64) number);
  return g_strdup_printf ("%g", number);
}

static void
add_failed (Page *page, const Cell *cell)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < cell->lines->len; i++) {
    const Line *line = g_ptr_array_index (cell->lines, i);
    JsonNode *node = object_node (line->object, "failed");
    JsonArray *failed = node ? json_node_get_array (node) : NULL;

    for (guint j = 0; failed && j < json_array_get_length (failed); j++) {
      const char *text = json_array_get_string_element (failed, j);

      if (!g_hash_table_add (seen, (gpointer) text))
        continue;
      add (page, "<li>");
      add_text (page, side_words (cell));
      add (page, ": ");
      add_text (page, text);
      add (page, "</li>\n");
    }
  }
}

/* The name of a figure, which on a phone is broken at its underscores only. */
static void
add_name (Page *page, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "_", -1);

  add (page, "<th scope=\"row\">");
  for (guint i = 0; parts[i] != NULL; i++) {
    add_text (page, parts[i]);
    if (parts[i + 1] != NULL)
      add (page, "_<wbr>");
  }
  add (page, "</th>");
}

static void
add_figures (Page *page, const Row *row)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) lines = g_ptr_array_new ();

  for (guint i = 0; i < row->cells->len; i++) {
    const Line *worst;

    g_free (cell_figure (row, g_ptr_array_index (row->cells, i), &worst));
    g_ptr_array_add (lines, (gpointer) worst);
    collect_names (worst->object, NULL, names);
  }
  if (names->len == 0) {
    add (page, "<p class=\"none\">No figures.</p>\n");
    return;
  }
  add (page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures of ");
  add_text (page, row->scenario);
  add (page, "\">\n<table class=\"figures\">\n<thead><tr><th scope=\"col\">figure</th>");
  for (guint i = 0; i < row->cells->len; i++) {
    const Cell *cell = g_ptr_array_index (row->cells, i);

    add (page, "<th scope=\"col\">");
    add_text (page, side_words (cell));
    if (cell->lines->len > 1)
      g_string_append_printf (page->html, " <small>worst of %u</small>", cell->lines->len);
    add (page, "</th>");
  }
  add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < names->len; i++) {
    add (page, "<tr>");
    add_name (page, g_ptr_array_index (names, i));
    for (guint j = 0; j < lines->len; j++) {
      const Line *line = g_ptr_array_index (lines, j);
      g_autofree gchar *text = figure_text (line->object, g_ptr_array_index (names, i));

      add_element (page, "td class=\"number\"", text);
    }
    add (page, "</tr>\n");
  }
  add (page, "</tbody></table></div>\n");
}

static gboolean
row_failed (const Row *row)
{
  for (guint i = 0; i < row->cells->len; i++) {
    const Verdict verdict = cell_verdict (row, g_ptr_array_index (row->cells, i));

    if (verdict == VERDICT_BROKEN || verdict == VERDICT_MISSED)
      return TRUE;
  }
  return FALSE;
}

/* The id is within the details, so that a link to it opens them. */
static void
add_details (Page *page)
{
  const GPtrArray *rows = page->report->rows;
  const char *target = NULL;

  if (rows->len == 0)
    return;
  add (page,
      "<section id=\"details\">\n<h2>Every scenario in figures</h2>\n"
      "<p>Times in ms. Where a scenario ran more than once, the run with the worst key figure. "
      "Open are those in which something failed.</p>\n");
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = g_ptr_array_index (rows, i);

    if (target == NULL || !g_str_equal (target, row->target)) {
      add (page, "<h3>");
      add_badge (page, row->target);
      add (page, "</h3>\n");
    }
    target = row->target;
    g_string_append_printf (page->html, "<details%s><summary>", row_failed (row) ? " open" : "");
    add_text (page, scenario_title (row->scenario));
    if (!g_str_equal (scenario_title (row->scenario), row->scenario)) {
      add (page, " ");
      add_element (page, "code", row->scenario);
    }
    g_string_append_printf (page->html, "</summary>\n<div id=\"%s\" class=\"detail\">\n", row->id);
    if (row_failed (row)) {
      add (page, "<ul class=\"failed\">\n");
      for (guint j = 0; j < row->cells->len; j++)
        add_failed (page, g_ptr_array_index (row->cells, j));
      add (page, "</ul>\n");
    }
    add_figures (page, row);
    add (page, "</div>\n</details>\n");
  }
  add (page, "</section>\n");
}

/* ---- where it comes from ---- */

static void
add_files (Page *page)
{
  const GPtrArray *lines = page->report->lines;
  const char *file = NULL;
  guint count = 0;

  add (page, "<dt>Raw lines</dt><dd><ul>");
  for (guint i = 0; i <= lines->len; i++) {
    const Line *line = i < lines->len ? g_ptr_array_index (lines, i) : NULL;

    if (line != NULL && file != NULL && g_str_equal (file, line->file)) {
      count++;
      continue;
    }
    if (file != NULL) {
      g_autofree gchar *text = count_text (count);

      add (page, "<li>");
      add_element (page, "code", file);
      g_string_append_printf (page->html, ": %s</li>", text);
    }
    file = line ? line->file : NULL;
    count = 1;
  }
  add (page, "</ul></dd>\n");
}

static void
add_texts (Page *page, const char *title, const char *member)
{
  g_autoptr (GPtrArray) texts = report_texts (page->report, member);

  if (texts->len == 0)
    return;
  add_element (page, "dt", title);
  add (page, "<dd>");
  for (guint i = 0; i < texts->len; i++) {
    add (page, i > 0 ? ", " : "");
    add_text (page, g_ptr_array_index (texts, i));
  }
  add (page, "</dd>\n");
}

static void
add_dates (Page *page)
{
  g_autoptr (GPtrArray) dates = report_texts (page->report, "date");

  if (dates->len == 0)
    return;
  add (page, "<dt>Measured</dt><dd>");
  add_text (page, g_ptr_array_index (dates, 0));
  if (dates->len > 1) {
    add (page, " to ");
    add_text (page, g_ptr_array_index (dates, dates->len - 1));
  }
  add (page, "</dd>\n");
}

static void
add_cores (Page *page)
{
  double most = 0, fewest = G_MAXDOUBLE;

  for (guint i = 0; i < page->report->lines->len; i++) {
    const Line *line = g_ptr_array_index (page->report->lines, i);
    const double cores = object_number (line->object, "cores");

    if (isnan (cores))
      continue;
    most = fmax (most, cores);
    fewest = fmin (fewest, cores);
  }
  if (most == 0)
    return;
  if (fewest == most)
    g_string_append_printf (page->html, "<dt>Cores</dt><dd>%.0f</dd>\n", most);
  else
    g_string_append_printf (page->html, "<dt>Cores</dt><dd>%.0f to %.0f</dd>\n", fewest, most);
}

static gboolean
has_target (const Report *report, const char *target)
{
  for (guint i = 0; i < report->rows->len; i++)
    if (g_str_equal (((Row *) g_ptr_array_index (report->rows, i))->target, target))
      return TRUE;
  return FALSE;
}

static gboolean
has_timeline (const Report *report, const char *target)
{
  for (guint i = 0; i < report->timelines->len; i++)
    if (g_str_equal (((TimelinePair *) g_ptr_array_index (report->timelines, i))->target, target))
      return TRUE;
  return FALSE;
}

static void
add_one_sided (Page *page)
{
  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);
    const Cell *before = row_cell (row, SIDE_BEFORE), *after = row_cell (row, SIDE_AFTER);

    if (before != NULL && after != NULL)
      continue;
    add (page, "<li>");
    add_badge (page, row->target);
    add (page, " ");
    add_text (page, scenario_title (row->scenario));
    add (page,
        before      ? ": no line from after</li>\n"
            : after ? ": no line from before</li>\n"
                    : ": neither before nor after</li>\n");
  }
}

static void
add_not_measured (Page *page)
{
  static const char *const targets[] = { "real", "lab", "interpipe" };
  const Report *report = page->report;
  const gsize empty = page->html->len + strlen ("<dt>Not measured</dt><dd><ul>\n");

  add (page, "<dt>Not measured</dt><dd><ul>\n");
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    const gboolean any = has_target (report, targets[i]);

    if (!any) {
      add (page, "<li>");
      add_badge (page, targets[i]);
      add (page, " no line at all</li>\n");
    } else if (!g_str_equal (targets[i], "interpipe") && !has_timeline (report, targets[i])) {
      add (page, "<li>");
      add_badge (page, targets[i]);
      add (page, " no timeline</li>\n");
    }
  }
  if (report->benches->len == 0)
    add (page, "<li>no bench</li>\n");
  add_one_sided (page);
  if (page->html->len == empty)
    add (page, "<li>every scenario here has both sides</li>\n");
  add (page, "</ul></dd>\n");
}

static void
add_origin (Page *page)
{
  guint longs = 0;

  for (guint i = 0; i < page->report->lines->len; i++)
    longs += object_flag (((Line *) g_ptr_array_index (page->report->lines, i))->object, "long");
  add (page, "<section id=\"origin\">\n<h2>Where this comes from</h2>\n<dl>\n");
  add_files (page);
  add_dates (page);
  add_texts (page, "Wolf", "wolf");
  add_texts (page, "gst-interpipe", "interpipe");
  add_texts (page, "GStreamer", "gstreamer");
  add_cores (page);
  g_string_append_printf (page->html,
      "<dt>Counts</dt><dd>%u lines: %u of long runs, the rest quick ones or benches</dd>\n",
      page->report->lines->len, longs);
  if (page->report->unused > 0)
    g_string_append_printf (page->html,
        "<dt>Left out</dt><dd>%u of them, which are neither of a scenario nor of a bench that is "
        "known</dd>\n",
        page->report->unused);
  add_not_measured (page);
  add (page, "</dl>\n</section>\n");
}

/* ---- the whole ---- */

static void
add_head (Page *page)
{
  g_autoptr (GBytes) css =
      g_resource_lookup_data (report_get_resource (), "/report/page.css", 0, NULL);

  add (page,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<title>Wolf Guard: report</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<style>\n");
  add (page, picture_css ());
  add (page, g_bytes_get_data (css, NULL));
  add (page,
      "</style>\n</head>\n<body>\n<header>\n<h1>Wolf Guard: one stream gets stuck</h1>\n"
      "<p>Does the server go on answering everybody else? <b class=\"before\">Before</b>: as "
      "upstream is. <b class=\"after\">After</b>: with the patch series.</p>\n"
      "<nav aria-label=\"Sections\"><a href=\"#latency\">Latency</a> "
      "<a href=\"#sockets\">Sockets</a> <a href=\"#faults\">Faults</a> "
      "<a href=\"#cost\">Cost</a> <a href=\"#origin\">Origin</a></nav>\n</header>\n<main>\n");
}

gchar *
page_new (const Report *report, GError **error)
{
  Page page = { report, g_string_new (NULL) };

  add_head (&page);
  if (!add_headline (&page, error) || !add_socket_states (&page, error)) {
    g_string_free (page.html, TRUE);
    return NULL;
  }
  add_matrix (&page);
  if (!add_benches (&page, error)) {
    g_string_free (page.html, TRUE);
    return NULL;
  }
  add_details (&page);
  add_origin (&page);
  add (&page, "</main>\n</body>\n</html>\n");
  return g_string_free (page.html, FALSE);
}
