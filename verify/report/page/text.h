/* SPDX-License-Identifier: MIT
 *
 * The matrix and the benches as plain text, for a terminal.
 */
#pragma once

#include "report.h"

/* UTF-8, with a newline at the end; newly allocated. */
gchar *text_new (const Report *report);
