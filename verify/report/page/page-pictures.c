/* SPDX-License-Identifier: MIT
 *
 * page-pictures.c: the headline, and the sockets under it.
 */
#include "page-parts.h"
#include "pictures.h"

static gboolean
add_latency (Page *page, const TimelinePair *pair, GError **error)
{
  for (int form = PLOT_WIDE; form <= PLOT_NARROW; form++) {
    g_autofree gchar *svg = picture_latency (pair, form, PLOT_INLINE, error);

    if (svg == NULL)
      return FALSE;
    page_add (page, svg);
  }
  return TRUE;
}

static gboolean
add_sockets (Page *page, const TimelinePair *pair, GError **error)
{
  page_add (page, "<div class=\"pair\">\n");
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    g_autofree gchar *svg = NULL;

    if (pair->sides[side] == NULL || pair->sides[side]->sockets->len == 0)
      continue;
    svg = picture_sockets (pair, side, PLOT_INLINE, error);
    if (svg == NULL)
      return FALSE;
    page_add (page, svg);
  }
  page_add (page, "</div>\n");
  return TRUE;
}

/* The badge, and the scenario if it is not the usual one. */
static void
begin_caption (Page *page, const TimelinePair *pair)
{
  page_add (page, "<figcaption>");
  page_badge (page, pair->target);
  page_add (page, " ");
  if (!g_str_equal (pair->scenario, "timeline")) {
    page_element (page, "b", scenario_title (pair->scenario));
    page_add (page, ". ");
  }
}

/* What is wrong with the lines that are drawn. */
static void
add_caveats (Page *page, const TimelinePair *pair)
{
  static const char *const sides[] = { "before", "after" };

  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++)
    if (pair->sides[side] == NULL)
      g_string_append_printf (page->html, " There is no line from %s.", sides[side]);
    else if (!object_flag (pair->sides[side]->line->object, "pass"))
      g_string_append_printf (page->html,
          " <b>The run from %s did not pass</b>; <a href=\"#faults\">the table</a> says more.",
          sides[side]);
}

gboolean
page_latency (Page *page, GError **error)
{
  const GPtrArray *pairs = page->report->timelines;

  page_add (page, "<section id=\"latency\">\n<h2>The port through the fault</h2>\n");
  if (pairs->len == 0)
    page_add (page, "<p class=\"none\">No line has a timeline: there is no picture of it.</p>\n");
  for (guint i = 0; i < pairs->len; i++) {
    const TimelinePair *pair = g_ptr_array_index (pairs, i);

    page_add (page, "<figure>\n");
    begin_caption (page, pair);
    page_add (page,
        "One client asks the HTTPS port again and again. Each request is a mark where it was "
        "sent, as high and as long as it took; those that nobody answered are above.");
    add_caveats (page, pair);
    page_add (page, "</figcaption>\n");
    if (!add_latency (page, pair, error))
      return FALSE;
    page_add (page, "</figure>\n");
  }
  page_add (page, "</section>\n");
  return TRUE;
}

gboolean
page_sockets (Page *page, GError **error)
{
  const GPtrArray *pairs = page->report->timelines;
  guint shown = 0;

  page_add (page, "<section id=\"sockets\">\n<h2>Its sockets meanwhile</h2>\n");
  for (guint i = 0; i < pairs->len; i++) {
    const TimelinePair *pair = g_ptr_array_index (pairs, i);

    if (!pair_has_sockets (pair))
      continue;
    shown++;
    page_add (page, "<figure>\n");
    begin_caption (page, pair);
    page_add (page,
        "Sockets on the HTTPS port, from the kernel’s table. In CLOSE_WAIT are clients that "
        "have given up and that the server has not let go; not accepted, those that it has "
        "never noticed.</figcaption>\n");
    if (!add_sockets (page, pair, error))
      return FALSE;
    page_add (page, "</figure>\n");
  }
  if (shown == 0)
    page_add (page, "<p class=\"none\">No line has the states of sockets over time.</p>\n");
  page_add (page, "</section>\n");
  return TRUE;
}
