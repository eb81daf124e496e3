/* SPDX-License-Identifier: MIT
 *
 * metrics: both views as Prometheus' text format, by its naming conventions.
 */
#pragma once

#include "health.h"

/* @inside NULL: the server says nothing of itself, or was not asked. The caller frees the text. */
char *probe_metrics_text (const ProbeHealth *health, JsonObject *inside);
