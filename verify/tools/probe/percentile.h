/* SPDX-License-Identifier: MIT
 *
 * percentile: order statistics of measured times.
 *
 * The nearest-rank definition: the p-th percentile of n values is the one at place ceil(p/100 * n)
 * of the sorted row. So each value is a time that was measured, and p100 is the maximum. Pure
 * functions.
 */
#pragma once

#include <glib.h>

/* Sorts @values (GArray of double) in place, smallest first. */
void probe_percentile_sort (GArray *values);

/* The @p-th percentile (0 < @p <= 100) of sorted @values; -1 if there are none. */
double probe_percentile (const GArray *values, double p);
