/* SPDX-License-Identifier: MIT
 *
 * page.c: the page from its head to its end.
 */
#include "page.h"
#include "page-parts.h"

#include "resources.h"

static void
add_head (Page *page)
{
  g_autoptr (GBytes) css =
      g_resource_lookup_data (report_get_resource (), "/report/page.css", 0, NULL);

  page_add (page,
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<title>Wolf Guard: report</title>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<style>\n");
  page_add (page, picture_css ());
  page_add (page, g_bytes_get_data (css, NULL));
  page_add (page,
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
  if (!page_latency (&page, error) || !page_sockets (&page, error)) {
    g_string_free (page.html, TRUE);
    return NULL;
  }
  page_faults (&page);
  if (!page_cost (&page, error)) {
    g_string_free (page.html, TRUE);
    return NULL;
  }
  page_details (&page);
  page_origin (&page);
  page_add (&page, "</main>\n</body>\n</html>\n");
  return g_string_free (page.html, FALSE);
}
