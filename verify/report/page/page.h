/* SPDX-License-Identifier: MIT
 *
 * The page: one file that needs nothing else, no network and no script.
 */
#pragma once

#include "report.h"

/* Appends @text so that it is only text, in an element or in a quoted attribute. */
void html_text (GString *html, const char *text);

/* picture.css, as it was compiled in. */
const char *picture_css (void);

/* The whole page, or NULL with an error (of a picture). */
gchar *page_new (const Report *report, GError **error);
