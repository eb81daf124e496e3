/* SPDX-License-Identifier: MIT
 *
 * The settings, from the environment, read once.
 */
#pragma once

#include <glib.h>

typedef struct {
  guint dispatch_threads;  /* WOLF_GUARD_DISPATCH_THREADS */
  guint dispatch_lost_max; /* WOLF_GUARD_DISPATCH_LOST_MAX */
  guint eos_ms;            /* WOLF_GUARD_EOS_MS: how long a pipeline may drain */
  guint null_ms;           /* WOLF_GUARD_NULL_MS: how long it may take to NULL after that */
  guint quarantine_max;    /* WOLF_GUARD_QUARANTINE_MAX */
} WgSettings;

const WgSettings *wg_settings (void);

/* `value` as a number from `min` to `max`; `fallback` if it is NULL, and with one warning if it is
 * anything else. `name` is for the warning. */
guint wg_settings_parse (const char *name, const char *value, guint min, guint max, guint fallback);
