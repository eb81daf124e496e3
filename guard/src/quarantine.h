/* SPDX-License-Identifier: MIT
 *
 * The quarantine: what did not end in time is kept here until it does. Nothing is freed by force.
 *
 * It knows no pipeline. An entry is an object, a function that describes it and one that gives the
 * quarantine's reference back. A monitor thread reports entries when they come in and at the ages
 * of 10 s, 1 min, 10 min and each hour. It never calls into an object except by these two
 * functions.
 *
 * Threads: any. The mutex is a leaf: it is taken last and held for a list operation. The functions
 * of an entry are called without it, `unref` excepted in wg_quarantine_add().
 */
#pragma once

#include <glib.h>

/* What the object is and what it is doing, for the log; free with g_free(). Must not block. */
typedef char *(*WgQuarantineDescribe) (gpointer object);

/* Enter `object` at `due`, µs of wg_clock_now(), unless wg_quarantine_remove() comes first. The
 * quarantine takes over one reference, or gives it back when it knows the object already. TRUE:
 * this call entered it; call wg_quarantine_report() as soon as no mutex is held. The monitor
 * reports all others. */
gboolean wg_quarantine_add (
    gpointer object, WgQuarantineDescribe describe, GDestroyNotify unref, gint64 due);

/* Say that `object` has been entered. May be called after its removal: `object` must be alive. */
void wg_quarantine_report (gpointer object, WgQuarantineDescribe describe);

/* Forget `object`. TRUE: it had been entered. */
gboolean wg_quarantine_remove (gpointer object);
