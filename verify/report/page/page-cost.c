/* SPDX-License-Identifier: MIT
 *
 * page-cost.c: benches against their bounds.
 */
#include "page-parts.h"
#include "pictures.h"

#include <math.h>

static void
add_bench_row (Page *page, const Bench *bench)
{
  const char *class = isnan (bench->bound) ? "empty" : bench_held (bench) ? "held" : "broken";
  g_autofree gchar *value = value_text (bench->value, bench->unit);
  g_autofree gchar *name = bench_title (bench);

  page_add (page, "<tr>");
  page_element (page, "th scope=\"row\"", name);
  page_element (page, "td class=\"number\"", value);
  if (isnan (bench->p10) || isnan (bench->p90)) {
    page_add (page, "<td class=\"number\">–</td>");
  } else {
    g_autofree gchar *p10 = value_text (bench->p10, bench->unit);
    g_autofree gchar *p90 = value_text (bench->p90, bench->unit);
    g_autofree gchar *spread = g_strdup_printf ("%s to %s", p10, p90);

    page_element (page, "td class=\"number\"", spread);
  }
  g_string_append_printf (page->html, "<td class=\"number %s\">", class);
  if (!isnan (bench->bound)) {
    g_autofree gchar *bound = value_text (bench->bound, bench->unit);
    g_autofree gchar *words = g_strdup_printf ("%s %s: %s", bench->bound_is_min ? "≥" : "≤", bound,
        bench_held (bench) ? "held" : "missed");

    page_text (page, words);
  } else {
    page_add (page, "none");
  }
  page_add (page, "</td>");
  page_element (page, "td", bench->baseline ? bench->baseline : "–");
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

        page_add (page, "<figure>\n<figcaption>");
        page_element (page, "b", titles[kind]);
        page_add (page, "</figcaption>\n");
      }
      page_add (page, svg);
      if (form == PLOT_NARROW)
        page_add (page, "</figure>\n");
    }
  return TRUE;
}

gboolean
page_cost (Page *page, GError **error)
{
  const GPtrArray *benches = page->report->benches;

  page_add (page, "<section id=\"cost\">\n<h2>What it costs</h2>\n");
  if (benches->len == 0) {
    page_add (page, "<p class=\"none\">There is no line of a bench.</p>\n</section>\n");
    return TRUE;
  }
  if (!add_bench_pictures (page, error))
    return FALSE;
  page_add (page,
      "<p>A bar is the median, the whisker reaches from the 10th to the 90th percentile of "
      "the rounds.</p>\n<details><summary>The same in figures</summary>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Benches in "
      "figures\">\n<table class=\"figures\">\n"
      "<thead><tr><th scope=\"col\">what</th><th scope=\"col\">median</th>"
      "<th scope=\"col\">10 % to 90 %</th><th scope=\"col\">bound</th>"
      "<th scope=\"col\">against</th><th scope=\"col\">rounds</th></tr></thead>\n<tbody>\n");
  for (guint i = 0; i < benches->len; i++)
    add_bench_row (page, g_ptr_array_index (benches, i));
  page_add (page, "</tbody></table></div></details>\n</section>\n");
  return TRUE;
}
