/* SPDX-License-Identifier: MIT
 *
 * page-origin.c: where it all comes from, and what was not measured.
 */
#include "page-parts.h"

#include <math.h>
#include <string.h>

static void
add_files (Page *page)
{
  const GPtrArray *lines = page->report->lines;
  const char *file = NULL;
  guint count = 0;

  page_add (page, "<dt>Raw lines</dt><dd><ul>");
  for (guint i = 0; i <= lines->len; i++) {
    const Line *line = i < lines->len ? g_ptr_array_index (lines, i) : NULL;

    if (line != NULL && file != NULL && g_str_equal (file, line->file)) {
      count++;
      continue;
    }
    if (file != NULL) {
      g_autofree gchar *text = count_text (count);

      page_add (page, "<li>");
      page_element (page, "code", file);
      g_string_append_printf (page->html, ": %s</li>", text);
    }
    file = line ? line->file : NULL;
    count = 1;
  }
  page_add (page, "</ul></dd>\n");
}

static void
add_texts (Page *page, const char *title, const char *member)
{
  g_autoptr (GPtrArray) texts = report_texts (page->report, member);

  if (texts->len == 0)
    return;
  page_element (page, "dt", title);
  page_add (page, "<dd>");
  for (guint i = 0; i < texts->len; i++) {
    page_add (page, i > 0 ? ", " : "");
    page_text (page, g_ptr_array_index (texts, i));
  }
  page_add (page, "</dd>\n");
}

static void
add_dates (Page *page)
{
  g_autoptr (GPtrArray) dates = report_texts (page->report, "date");

  if (dates->len == 0)
    return;
  page_add (page, "<dt>Measured</dt><dd>");
  page_text (page, g_ptr_array_index (dates, 0));
  if (dates->len > 1) {
    page_add (page, " to ");
    page_text (page, g_ptr_array_index (dates, dates->len - 1));
  }
  page_add (page, "</dd>\n");
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
    page_add (page, "<li>");
    page_badge (page, row->target);
    page_add (page, " ");
    page_text (page, scenario_title (row->scenario));
    page_add (page,
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

  page_add (page, "<dt>Not measured</dt><dd><ul>\n");
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    const gboolean any = has_target (report, targets[i]);

    if (!any) {
      page_add (page, "<li>");
      page_badge (page, targets[i]);
      page_add (page, " no line at all</li>\n");
    } else if (!g_str_equal (targets[i], "interpipe") && !has_timeline (report, targets[i])) {
      page_add (page, "<li>");
      page_badge (page, targets[i]);
      page_add (page, " no timeline</li>\n");
    }
  }
  if (report->benches->len == 0)
    page_add (page, "<li>no bench</li>\n");
  add_one_sided (page);
  if (page->html->len == empty)
    page_add (page, "<li>every scenario here has both sides</li>\n");
  page_add (page, "</ul></dd>\n");
}

void
page_origin (Page *page)
{
  guint longs = 0;

  for (guint i = 0; i < page->report->lines->len; i++)
    longs += object_flag (((Line *) g_ptr_array_index (page->report->lines, i))->object, "long");
  page_add (page, "<section id=\"origin\">\n<h2>Where this comes from</h2>\n<dl>\n");
  add_files (page);
  add_dates (page);
  add_texts (page, "Wolf", "wolf");
  add_texts (page, "Lab", "lab");
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
  page_add (page, "</dl>\n</section>\n");
}
