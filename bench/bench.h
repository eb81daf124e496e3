/* SPDX-License-Identifier: MIT
 *
 * What the bench programs share: a clock, what they take, how they say what they found.
 *
 * A case runs in rounds; in each of them it takes turns with its baseline, if it has one, so that
 * a machine that is busy with something else is so for both. What counts is the median of the
 * rounds, and how far they spread is said, too: a line of JSON on stdout, which keeps every round,
 * and a row of a table (median, 10th and 90th percentile) on stderr. One thread does all this.
 */
#pragma once

#include <glib.h>
#include <time.h>

#define BENCH_ROUNDS_MAX 1000

/* What was asked for: --quick (some seconds, for a demonstration; the default) or --long. */
typedef struct {
  gboolean is_long;
} BenchOptions;

/* Ends the program with 2 if they are wrong. */
BenchOptions bench_options (int argc, char **argv);

typedef struct {
  const char *bench, *name;
  const char *unit;     /* "ns", "us" or "ratio" */
  const char *baseline; /* NULL: none */
  double at_most;       /* the limit; 0: none, it is only measured */
} BenchCase;

/* @values has one of each round. */
void bench_print (
    const BenchCase *what, const BenchOptions *options, const double *values, guint rounds);

/* For main() to return: 0 if every bound held so far, else 1. */
int bench_status (void);

/* Sorts @values. */
double bench_percentile (double *values, guint count, guint percent);

static inline double
bench_now_ns (void)
{
  struct timespec at;

  clock_gettime (CLOCK_MONOTONIC, &at);
  return at.tv_sec * 1e9 + at.tv_nsec;
}
