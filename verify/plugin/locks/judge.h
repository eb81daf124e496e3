/* SPDX-License-Identifier: MIT */
/* judge.h: what is expected of a case, one line of JSON for each holder, and the table. */
#pragma once

#include "case.h"

G_BEGIN_DECLS

/* NULL: the call may not be kept waiting by this holder. */
const gchar *judge_allowed (const Holder *holder, const Call *call);
/* What is wrong; NULL: nothing. Static text. */
const gchar *judge_case (
    const Options *options, const Holder *holder, const Call *call, const Case *seen);
/* One line of JSON for a row, newly allocated. */
gchar *judge_row (const Options *options, const Holder *holder, const Case *row);
void judge_table (const Holder *holders, Case *const *rows, guint n);

G_END_DECLS
