/* SPDX-License-Identifier: MIT
 *
 * verdict.c: what the lines of a cell come to. Figures do not make a verdict; the lines' own `pass` does, and what
 * they list as failed or broken.
 */
#include "report.h"

#include <string.h>

static gboolean
shows_fault (const Row *row, const Cell *cell)
{
  for (guint i = 0; i < cell->lines->len; i++)
    if (figure_shows_fault (row, g_ptr_array_index (cell->lines, i)))
      return TRUE;
  return FALSE;
}

static gboolean
failed_begins (const Cell *cell, const char *prefix)
{
  for (guint i = 0; i < cell->lines->len; i++) {
    const Line *line = g_ptr_array_index (cell->lines, i);
    JsonNode *node = object_node (line->object, "failed");
    JsonArray *failed = node ? json_node_get_array (node) : NULL;

    for (guint j = 0; failed && j < json_array_get_length (failed); j++)
      if (g_str_has_prefix (json_array_get_string_element (failed, j), prefix))
        return TRUE;
  }
  return FALSE;
}

static gboolean
breaks_promise (const Cell *cell)
{
  for (guint i = 0; i < cell->lines->len; i++) {
    const Line *line = g_ptr_array_index (cell->lines, i);
    JsonNode *node = object_node (line->object, "broken");

    if (node != NULL && JSON_NODE_HOLDS_ARRAY (node)
        && json_array_get_length (json_node_get_array (node)) > 0)
      return TRUE;
  }
  return FALSE;
}

/* All fixes but one. Such lines list the promises that broke; if that was not because of the fix that
 * is off, the line fails. */
static Verdict
verdict_between (const Cell *cell)
{
  if (failed_begins (cell, "fault not shown"))
    return VERDICT_MISSED;
  if (cell->passed < cell->lines->len)
    return VERDICT_BROKEN;
  return breaks_promise (cell) ? VERDICT_FAULT : VERDICT_HELD;
}

Verdict
cell_verdict (const Row *row, const Cell *cell)
{
  if (cell->side == SIDE_OTHER)
    return verdict_between (cell);
  if (cell->side == SIDE_AFTER)
    return cell->passed == cell->lines->len ? VERDICT_HELD : VERDICT_BROKEN;
  if (cell->passed == 0)
    return VERDICT_MISSED;
  return shows_fault (row, cell) ? VERDICT_FAULT : VERDICT_NO_FAULT;
}
