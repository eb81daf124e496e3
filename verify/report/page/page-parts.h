/* SPDX-License-Identifier: MIT
 *
 * The parts of the page, in the order in which they stand there, and what they write with.
 */
#pragma once

#include "page.h"

typedef struct {
  const Report *report;
  GString *html;
} Page;

/* Those with pictures give FALSE with an error if one could not be made. */
gboolean page_latency (Page *page, GError **error);
gboolean page_sockets (Page *page, GError **error);
void page_faults (Page *page);
gboolean page_cost (Page *page, GError **error);
void page_details (Page *page);
void page_origin (Page *page);

/* HTML, as it is. */
void page_add (Page *page, const char *html);
/* Escaped. */
void page_text (Page *page, const char *text);
/* <tag>text</tag>, where the tag may have attributes that are ours. */
void page_element (Page *page, const char *tag, const char *text);
/* Whether it is the lab or a real Wolf; nothing on the page is without it. */
void page_badge (Page *page, const char *target);
/* "before", "after", or the label. */
const char *page_side (const Cell *cell);
