/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <pthread.h>
#include <stdlib.h>
#include <wolf-guard/log.h>

#define EOS_MS_DEFAULT 2000  /* an encoder drains in tens of ms; two seconds is a very busy GPU */
#define NULL_MS_DEFAULT 3000 /* releasing a GPU's resources; together they make 5 s, the promise */
#define QUARANTINE_MAX_DEFAULT 32   /* about a GiB of 1080p pipelines */
#define DISPATCH_THREADS_DEFAULT 32 /* each session may wait for its container at once */
#define DISPATCH_THREADS_MAX 1000
#define DISPATCH_LOST_MAX_DEFAULT 8
#define MS_MAX 600000 /* ten minutes: a larger number is a mistake of the unit */
#define QUARANTINE_MAX_MAX 100000

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

static guint
from_environment (const char *name, guint max, guint fallback)
{
  return wg_settings_parse (name, getenv (name), 1, max, fallback);
}

static void
read_settings (void)
{
  settings = (WgSettings){
    .dispatch_threads = from_environment (
        "WOLF_GUARD_DISPATCH_THREADS", DISPATCH_THREADS_MAX, DISPATCH_THREADS_DEFAULT),
    .dispatch_lost_max = from_environment (
        "WOLF_GUARD_DISPATCH_LOST_MAX", DISPATCH_THREADS_MAX, DISPATCH_LOST_MAX_DEFAULT),
    .eos_ms = from_environment ("WOLF_GUARD_EOS_MS", MS_MAX, EOS_MS_DEFAULT),
    .null_ms = from_environment ("WOLF_GUARD_NULL_MS", MS_MAX, NULL_MS_DEFAULT),
    .quarantine_max =
        from_environment ("WOLF_GUARD_QUARANTINE_MAX", QUARANTINE_MAX_MAX, QUARANTINE_MAX_DEFAULT),
  };
}

const WgSettings *
wg_settings (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, read_settings);
  return &settings;
}
