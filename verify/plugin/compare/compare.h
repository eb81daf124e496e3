/* SPDX-License-Identifier: MIT */
/*
 * compare.h: `wolf-interpipe --compare`: each behaviour on up to three plugins, side by side.
 *
 * A plugin that is not given is taken from the table, which keeps what was recorded of it and the
 * reason of each difference. A difference without a reason is an error.
 */
#pragma once

/* Returns the exit status. */
int compare_main (int argc, char **argv);
