/* SPDX-License-Identifier: MIT */
#include "percentile.h"

#include <math.h>

/* ceil() of a product like 99.9/100*1000 must not be pushed up by its last binary digit. */
#define RANK_SLACK 1e-9

static gint
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

void
probe_percentile_sort (GArray *values)
{
  g_array_sort (values, compare);
}

double
probe_percentile (const GArray *values, double p)
{
  double rank = ceil (p / 100.0 * values->len - RANK_SLACK);

  if (values->len == 0)
    return -1;
  return g_array_index (values, double, (guint) CLAMP (rank, 1, values->len) - 1);
}
