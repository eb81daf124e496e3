/* SPDX-License-Identifier: MIT
 *
 * html.c: text into HTML and SVG; what all parts of the page write with; the styles that were compiled in.
 */
#include "page.h"
#include "page-parts.h"

#include "resources.h"

#include <string.h>

/* Characters that no HTML may have become the replacement character. */
static gboolean
is_allowed (gunichar c)
{
  return c == '\t' || c == '\n' || (c >= 0x20 && c < 0x7f)
      || (c >= 0xa0 && (c & 0xfffe) != 0xfffe && !(c >= 0xfdd0 && c <= 0xfdef));
}

void
html_text (GString *html, const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    const gunichar c = g_utf8_get_char (text);

    switch (c) {
    case '&':
      g_string_append (html, "&amp;");
      break;
    case '<':
      g_string_append (html, "&lt;");
      break;
    case '>':
      g_string_append (html, "&gt;");
      break;
    case '"':
      g_string_append (html, "&quot;");
      break;
    case '\'':
      g_string_append (html, "&#39;");
      break;
    default:
      g_string_append_unichar (html, is_allowed (c) ? c : 0xfffd);
    }
  }
}

const char *
picture_css (void)
{
  g_autoptr (GBytes) bytes =
      g_resource_lookup_data (report_get_resource (), "/report/picture.css", 0, NULL);

  return g_bytes_get_data (bytes, NULL); /* the compiler ends it with a NUL; it stays where it is */
}

void
page_add (Page *page, const char *html)
{
  g_string_append (page->html, html);
}

void
page_text (Page *page, const char *text)
{
  html_text (page->html, text);
}

void
page_element (Page *page, const char *tag, const char *text)
{
  g_string_append_printf (page->html, "<%s>", tag);
  page_text (page, text);
  g_string_append_printf (page->html, "</%.*s>", (int) strcspn (tag, " "), tag);
}

const char *
page_side (const Cell *cell)
{
  static const char *const words[] = { [SIDE_BEFORE] = "before", [SIDE_AFTER] = "after" };

  return cell->side == SIDE_OTHER ? cell->label : words[cell->side];
}

void
page_badge (Page *page, const char *target)
{
  const gboolean known = g_str_equal (target, "real") || g_str_equal (target, "lab");

  g_string_append_printf (page->html, "<span class=\"badge %s\">", known ? target : "other");
  page_text (page, target_title (target));
  page_add (page, "</span>");
}
