/* SPDX-License-Identifier: MIT */
#include "scan-support.h"

#include "gate.h"
#include "support.h"

#include "../src/watch-private.h"

gboolean scan_log_is_held;

static gboolean
has_looked (guint64 *before)
{
  return wg_watch_looks () > *before;
}

static gboolean
is_written (gpointer unused)
{
  (void) unused;
  return scan_log_is_held || wg_watch_log_is_idle ();
}

void
scan_at_once (gint64 ms)
{
  guint64 before = 0;

  g_assert_true (wg_watch_start ());
  assert_comes (has_looked, &before);
  before = wg_watch_looks ();
  clock_advance_ms (ms);
  assert_comes (has_looked, &before);
  assert_comes (is_written, NULL);
}

void
scan_for (guint ms)
{
  for (guint passed = 0; passed < ms; passed += WG_WATCH_SCAN_MS)
    scan_at_once (WG_WATCH_SCAN_MS);
}
