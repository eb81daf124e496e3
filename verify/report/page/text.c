/* SPDX-License-Identifier: MIT
 *
 * text.c: what the page says in its matrix, in columns of a terminal.
 */
#include "text.h"

#include <math.h>
#include <string.h>

/* As much as the longest of our own figures takes; longer ones are cut. */
#define NAME_WIDTH 38
#define CELL_WIDTH 44
#define GAP 2

/* Characters that are not to be seen would move the columns, or the terminal's cursor. */
static void
add_padded (GString *text, const char *words, guint width)
{
  const guint room = width - GAP, length = g_utf8_strlen (words, -1);
  const guint shown = length <= room ? length : room - 1;

  for (guint i = 0; i < shown; i++, words = g_utf8_next_char (words)) {
    const gunichar c = g_utf8_get_char (words);

    g_string_append_unichar (text, g_unichar_isprint (c) ? c : '?');
  }
  if (shown < length)
    g_string_append (text, "…");
  for (guint i = MIN (length, room); i < width; i++)
    g_string_append_c (text, ' ');
}

static void
end_line (GString *text)
{
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

static void
add_cell (GString *text, const Row *row, const Cell *cell)
{
  static const char *const words[] = {
    [VERDICT_FAULT] = "✕ ",
    [VERDICT_NO_FAULT] = "– ",
    [VERDICT_MISSED] = "? fault not shown: ",
    [VERDICT_HELD] = "✓ ",
    [VERDICT_BROKEN] = "✕ NOT HELD: ",
  };
  static const char *const bare[] = { "fault", "no fault", "", "held", "" };
  const Line *worst;
  g_autofree gchar *figure = NULL;
  g_autofree gchar *both = NULL;
  Verdict verdict;

  if (cell == NULL) {
    add_padded (text, "  not run", CELL_WIDTH);
    return;
  }
  verdict = cell_verdict (row, cell);
  figure = cell_figure (row, cell, &worst);
  both = g_strconcat (words[verdict], figure ? figure : bare[verdict], NULL);
  add_padded (text, both, CELL_WIDTH);
}

/* Of the runs without one fix each: how many there are, how many showed their fault. */
static void
add_between (GString *text, const Report *report, const char *target)
{
  guint all = 0, faults = 0, wrong = 0;

  for (guint i = 0; i < report->rows->len; i++) {
    const Row *row = g_ptr_array_index (report->rows, i);

    for (guint j = 0; j < row->cells->len && g_str_equal (row->target, target); j++) {
      const Cell *cell = g_ptr_array_index (row->cells, j);
      Verdict verdict;

      if (cell->side != SIDE_OTHER)
        continue;
      verdict = cell_verdict (row, cell);
      all++;
      faults += verdict == VERDICT_FAULT;
      wrong += verdict == VERDICT_MISSED || verdict == VERDICT_BROKEN;
    }
  }
  if (all > 0)
    g_string_append_printf (text, "with one fix off each: %u runs, %u faults, %u not as expected\n",
        all, faults, wrong);
}

static void
add_head (GString *text, const char *target)
{
  g_autofree gchar *title = g_strdup_printf ("[%s]", target_title (target));

  if (text->len > 0)
    g_string_append_c (text, '\n');
  add_padded (text, title, NAME_WIDTH);
  add_padded (text, "  before", CELL_WIDTH);
  add_padded (text, "  after", CELL_WIDTH);
  end_line (text);
}

static void
add_bench (GString *text, const Bench *bench)
{
  g_autofree gchar *name = bench_title (bench);
  g_autofree gchar *value = value_text (bench->value, bench->unit);
  g_autofree gchar *bound = isnan (bench->bound) ? NULL : value_text (bench->bound, bench->unit);
  g_autofree gchar *words = bound == NULL
      ? g_strdup_printf ("  %s", value)
      : g_strdup_printf ("%s %s, bound %s %s", bench_held (bench) ? "✓" : "✕ MISSED:", value,
          bench->bound_is_min ? "≥" : "≤", bound);

  add_padded (text, name, NAME_WIDTH + CELL_WIDTH);
  add_padded (text, words, CELL_WIDTH + CELL_WIDTH);
  end_line (text);
}

gchar *
text_new (const Report *report)
{
  GString *text = g_string_new (NULL);
  const char *target = NULL;

  for (guint i = 0; i < report->rows->len; i++) {
    const Row *row = g_ptr_array_index (report->rows, i);
    const Row *next = i + 1 < report->rows->len ? g_ptr_array_index (report->rows, i + 1) : NULL;

    if (target == NULL || !g_str_equal (target, row->target))
      add_head (text, row->target);
    target = row->target;
    add_padded (text, scenario_title (row->scenario), NAME_WIDTH);
    add_cell (text, row, row_cell (row, SIDE_BEFORE));
    add_cell (text, row, row_cell (row, SIDE_AFTER));
    end_line (text);
    if (next == NULL || !g_str_equal (next->target, target))
      add_between (text, report, target);
  }
  if (report->benches->len > 0)
    g_string_append (text, text->len > 0 ? "\n[cost]\n" : "[cost]\n");
  for (guint i = 0; i < report->benches->len; i++)
    add_bench (text, g_ptr_array_index (report->benches, i));
  return g_string_free (text, FALSE);
}
