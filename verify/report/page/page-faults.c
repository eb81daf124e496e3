/* SPDX-License-Identifier: MIT
 *
 * page-faults.c: faults and what came of them, a table for each target.
 */
#include "page-parts.h"

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
  page_text (page, page_side (cell));
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
    page_add (page, "<br><span class=\"figure\">");
    page_text (page, figure);
    page_add (page, "</span>");
  }
  page_add (page, "</td>");
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
  page_add (page, "<tr><th scope=\"row\">");
  g_string_append_printf (page->html, "<a href=\"#%s\">", row->id);
  page_text (page, scenario_title (row->scenario));
  page_add (page, "</a></th>");
  for (guint i = 0; i < columns->len; i++) {
    const Cell *column = g_ptr_array_index (columns, i);
    const Cell *cell = cell_with_label (row, column->label);

    if (cell != NULL) {
      add_cell (page, row, cell, brief);
    } else {
      page_add (page, "<td class=\"empty\" data-side=\"");
      page_text (page, page_side (column));
      page_add (page, "\">not run</td>");
    }
  }
  page_add (page, "</tr>\n");
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
  page_add (page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
  page_text (page, target_title (target));
  g_string_append_printf (page->html, "%s\">\n<table class=\"%s\">\n<caption>", title, class);
  page_badge (page, target);
}

static void
add_table (Page *page, const char *target)
{
  g_autoptr (GPtrArray) columns = columns_of (page->report, target, SIDE_BEFORE, SIDE_AFTER);

  if (columns->len == 0)
    return;
  begin_table (page, target, "matrix", ": before and after");
  add_score (page, target);
  page_add (page, "</caption>\n<thead><tr><th scope=\"col\">scenario</th>");
  for (guint i = 0; i < columns->len; i++) {
    const Cell *cell = g_ptr_array_index (columns, i);

    page_add (page, "<th scope=\"col\">");
    page_text (page, page_side (cell));
    page_add (page, " <small>");
    page_text (page, cell->label);
    page_add (page, "</small></th>");
  }
  page_add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);

    if (g_str_equal (row->target, target)
        && (row_cell (row, SIDE_BEFORE) != NULL || row_cell (row, SIDE_AFTER) != NULL))
      add_row (page, row, columns, FALSE);
  }
  page_add (page, "</tbody>\n</table>\n</div>\n");
}

/* One fix off each: many columns, of which only the verdicts tell something. */
static void
add_between_table (Page *page, const char *target)
{
  g_autoptr (GPtrArray) columns = columns_of (page->report, target, SIDE_OTHER, SIDE_OTHER);

  if (columns->len == 0)
    return;
  begin_table (page, target, "matrix brief", ": one fix switched off at a time");
  page_add (page,
      " One fix switched off at a time: its own faults have to come back, no "
      "others.</caption>\n<thead><tr><th scope=\"col\">scenario</th>");
  for (guint i = 0; i < columns->len; i++)
    page_element (page, "th scope=\"col\"", ((Cell *) g_ptr_array_index (columns, i))->label);
  page_add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < page->report->rows->len; i++) {
    const Row *row = g_ptr_array_index (page->report->rows, i);

    if (g_str_equal (row->target, target) && row_cell (row, SIDE_OTHER) != NULL)
      add_row (page, row, columns, TRUE);
  }
  page_add (page, "</tbody>\n</table>\n</div>\n");
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

  page_add (page, "<ul class=\"key\">\n");
  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++)
    g_string_append_printf (page->html,
        "<li class=\"%s\"><span class=\"mark\" aria-hidden=\"true\">%s</span><b>%s</b>: %s</li>\n",
        verdicts[i].class, verdicts[i].mark, verdicts[i].words, meanings[i]);
  page_add (page, "</ul>\n");
}

void
page_faults (Page *page)
{
  const GPtrArray *rows = page->report->rows;
  const char *target = NULL;

  page_add (page, "<section id=\"faults\">\n<h2>Faults and what came of them</h2>\n");
  if (rows->len == 0)
    page_add (page, "<p class=\"none\">There is no line of a scenario.</p>\n");
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
  page_add (page, "</section>\n");
}
