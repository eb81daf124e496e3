/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/ward.h: where pipelines are kept that could not be ended in time
 * ===========================================================================
 *
 * Worker and pipeline go there together. A keeper thread watches and never calls into them: it
 * reports name, age and the call that blocks when one comes in, at ages 10 s, 1 min, 10 min and each
 * hour, and lets go when the worker has come through after all. Nothing is ever freed by force.
 *
 * WOLF_GUARD_WARD_MAX (32) says how many are tolerable. Beyond it everything goes on as before, but
 * guard says *failing* and how many threads and pipelines are leaked: time for a restart.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint now;       /* pipelines in the ward */
  guint max;       /* WOLF_GUARD_WARD_MAX */
  guint64 entered; /* since the process started */
  guint64 released;
  double oldest_s; /* age of the oldest, 0 when empty */
  gboolean failing;
} WgWardStatus;

/* Any thread; bounded by a list operation. */
void wg_ward_status (WgWardStatus *status);

G_END_DECLS
