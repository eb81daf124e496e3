/* SPDX-License-Identifier: MIT
 *
 * The two ways of wg_child_keep_only_below(), each by itself, for the tests: a machine shows one.
 * Async-signal-safe; 0 or an errno value.
 */
#pragma once

int wg_child_mark_by_range (int first);
int wg_child_mark_by_walk (int first);
