/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <wolf-guard/log.h>

#define EOS_MS_DEFAULT 2000  /* an encoder drains in tens of ms; two seconds is a very busy GPU */
#define NULL_MS_DEFAULT 3000 /* releasing a GPU's resources; together they make 5 s, the promise */
#define QUARANTINE_MAX_DEFAULT 32 /* about a GiB of 1080p pipelines */
#define MS_MAX 600000             /* ten minutes: a larger number is a mistake of the unit */
#define QUARANTINE_MAX_MAX 100000

#define OLD_QUARANTINE_MAX "WOLF_GUARD_WARD_MAX"

static WgSettings settings;

guint
wg_settings_parse (const char *name, const char *value, guint min, guint max, guint fallback)
{
  guint64 number;

  if (!value)
    return fallback;
  if (g_ascii_string_to_unsigned (value, 10, min, max, &number, NULL))
    return (guint) number;
  wg_log (WG_LOG_WARNING, "%s=\"%s\" is no number from %u to %u; using %u", name, value, min, max,
      fallback);
  return fallback;
}

static void
read_settings (void)
{
  settings.eos_ms = wg_settings_parse (
      "WOLF_GUARD_EOS_MS", getenv ("WOLF_GUARD_EOS_MS"), 1, MS_MAX, EOS_MS_DEFAULT);
  settings.null_ms = wg_settings_parse (
      "WOLF_GUARD_NULL_MS", getenv ("WOLF_GUARD_NULL_MS"), 1, MS_MAX, NULL_MS_DEFAULT);
  if (getenv (OLD_QUARANTINE_MAX))
    wg_log (WG_LOG_WARNING, OLD_QUARANTINE_MAX " has no effect; it is WOLF_GUARD_QUARANTINE_MAX");
  settings.quarantine_max = wg_settings_parse ("WOLF_GUARD_QUARANTINE_MAX",
      getenv ("WOLF_GUARD_QUARANTINE_MAX"), 1, QUARANTINE_MAX_MAX, QUARANTINE_MAX_DEFAULT);
}

const WgSettings *
wg_settings (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, read_settings);
  return &settings;
}
