/* SPDX-License-Identifier: MIT */
/* switches.h: the lab's fixes, each of which can be taken away alone, and the scenarios of each. */
#pragma once

#include "result.h" /* verify/report/result */

G_BEGIN_DECLS

/* The scenarios that must, or may, break a promise without it: globs with commas between. */
typedef struct {
  const gchar *name, *off;
  const gchar *must, *may;
} Switch;

extern const Switch switches[];
/* NULL: there is none. */
const Switch *switch_find (const gchar *name);
/* What the absence of a fix means for a scenario. `without` may be NULL: all are there. */
ResultCure switch_cure (const Switch *without, const gchar *scenario);

G_END_DECLS
