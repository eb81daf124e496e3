/* SPDX-License-Identifier: MIT
 *
 * page-details.c: every scenario in figures; the rows of the tables lead here.
 */
#include "page-parts.h"

#include <math.h>
#include <string.h>

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
      page_add (page, "<li>");
      page_text (page, page_side (cell));
      page_add (page, ": ");
      page_text (page, text);
      page_add (page, "</li>\n");
    }
  }
}

/* The name of a figure, which on a phone is broken at its underscores only. */
static void
add_name (Page *page, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "_", -1);

  page_add (page, "<th scope=\"row\">");
  for (guint i = 0; parts[i] != NULL; i++) {
    page_text (page, parts[i]);
    if (parts[i + 1] != NULL)
      page_add (page, "_<wbr>");
  }
  page_add (page, "</th>");
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
    page_add (page, "<p class=\"none\">No figures.</p>\n");
    return;
  }
  page_add (page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Figures of ");
  page_text (page, row->scenario);
  page_add (page, "\">\n<table class=\"figures\">\n<thead><tr><th scope=\"col\">figure</th>");
  for (guint i = 0; i < row->cells->len; i++) {
    const Cell *cell = g_ptr_array_index (row->cells, i);

    page_add (page, "<th scope=\"col\">");
    page_text (page, page_side (cell));
    if (cell->lines->len > 1)
      g_string_append_printf (page->html, " <small>worst of %u</small>", cell->lines->len);
    page_add (page, "</th>");
  }
  page_add (page, "</tr></thead>\n<tbody>\n");
  for (guint i = 0; i < names->len; i++) {
    page_add (page, "<tr>");
    add_name (page, g_ptr_array_index (names, i));
    for (guint j = 0; j < lines->len; j++) {
      const Line *line = g_ptr_array_index (lines, j);
      g_autofree gchar *text = figure_text (line->object, g_ptr_array_index (names, i));

      page_element (page, "td class=\"number\"", text);
    }
    page_add (page, "</tr>\n");
  }
  page_add (page, "</tbody></table></div>\n");
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
void
page_details (Page *page)
{
  const GPtrArray *rows = page->report->rows;
  const char *target = NULL;

  if (rows->len == 0)
    return;
  page_add (page,
      "<section id=\"details\">\n<h2>Every scenario in figures</h2>\n"
      "<p>Times in ms. Where a scenario ran more than once, the run with the worst key figure. "
      "Open are those in which something failed.</p>\n");
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = g_ptr_array_index (rows, i);

    if (target == NULL || !g_str_equal (target, row->target)) {
      page_add (page, "<h3>");
      page_badge (page, row->target);
      page_add (page, "</h3>\n");
    }
    target = row->target;
    g_string_append_printf (page->html, "<details%s><summary>", row_failed (row) ? " open" : "");
    page_text (page, scenario_title (row->scenario));
    if (!g_str_equal (scenario_title (row->scenario), row->scenario)) {
      page_add (page, " ");
      page_element (page, "code", row->scenario);
    }
    g_string_append_printf (page->html, "</summary>\n<div id=\"%s\" class=\"detail\">\n", row->id);
    if (row_failed (row)) {
      page_add (page, "<ul class=\"failed\">\n");
      for (guint j = 0; j < row->cells->len; j++)
        add_failed (page, g_ptr_array_index (row->cells, j));
      page_add (page, "</ul>\n");
    }
    add_figures (page, row);
    page_add (page, "</div>\n</details>\n");
  }
  page_add (page, "</section>\n");
}
