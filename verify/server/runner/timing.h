/* SPDX-License-Identifier: MIT */
/* timing.h: how long a scenario waits for what, and how. */
#pragma once

#include <glib.h>

/* Nothing that a healthy server does here takes this long on a busy machine. */
#define SOON_MS 20000
/* How long a question to a stuck server is watched before it counts as never answered. */
#define PATIENCE_MS 30000
/* The same where one of the answers has been watched for so long already. */
#define SHORT_PATIENCE_MS 5000
/* How long packets are counted. */
#define COUNT_MS 3000

/* Waits between two moments that nothing announces, such as the time over which packets are
 * counted. */
static inline void
wait_ms (gint64 ms)
{
  g_usleep ((gulong) (ms * G_TIME_SPAN_MILLISECOND));
}
