/* SPDX-License-Identifier: MIT
 *
 * number.h: numbers in messages, and what becomes of a server that is told one that is none.
 *
 * Wolf reads them by functions that throw, and reaches for words that are not there. Where nobody
 * catches, the process ends: --malformed=die does that, at the same places and in the same threads.
 * Any thread; blocks on nothing.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

/* An unsigned number that fills 64 bits at most, decimal, and nothing but that. */
gboolean lab_number_read (const gchar *text, guint64 *number);

/* Where upstream ends, since nobody catches or since memory is not its own: so does the lab with
 * --malformed=die. With =close it returns, and the caller refuses the message. `door` and `what`
 * are for the log. */
void lab_number_unreadable (const Lab *lab, const gchar *door, const gchar *what);

G_END_DECLS
