/* SPDX-License-Identifier: MIT */
/* run.h: runs scenarios, one process each, some at a time. */
#pragma once

#include "runner-options.h"

/* Those that are chosen, options->jobs at a time. Returns the exit status. */
gint run_scenarios (RunnerOptions *options);
