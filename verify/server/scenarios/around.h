/* SPDX-License-Identifier: MIT */
/* around.h: what a fault around the server costs its other clients, and what it leaves behind. */
#pragma once

#include "steps.h"

/* HTTPS of the last client for a while. Adds NAME_requests, NAME_failures, NAME_p50_ms and
 * NAME_p99_ms. Whether all were answered. */
gboolean around_measure (Runner *runner, Result *result, const gchar *name);
/* The same as "before", and what the server holds then. */
void around_begin (Runner *runner, Result *result);
/* When the fault is over: the process lives, all its ports answer, no pipeline is left. Says
 * `ended`. FALSE: it is gone. */
gboolean around_end (Runner *runner, Result *result);
/* Another server, with a library of verify/tools/faults preloaded. Whether it is up. */
gboolean around_restart_with (Runner *runner, Result *result, const gchar *library);
/* Asks each port once. The exit status of `wolf-probe health`: 0 is all answer, -1 is no report. */
gint64 around_health (Runner *runner);
/* Whether each port answers. */
gboolean around_all_answer (Runner *runner);
