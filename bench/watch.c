/* SPDX-License-Identifier: MIT
 *
 * What a scope of watch.h costs: a pair of begin and end, beside the bare reading of the coarse
 * clock that is in it. design.md has the limit of the pair.
 *
 *   bench-watch [--quick|--long]
 *
 * In a round the kinds take turns in short batches and the quickest batch of each counts, as in
 * lock.c.
 *
 * Exit: 0 every limit held, 1 one missed, 2 usage.
 */
#include "bench.h"

#include <wolf-guard/watch.h>

#define ROUNDS_QUICK 31
#define ROUNDS_LONG 301
#define TURNS 100
#define BATCH 2000

enum { CLOCK, IDLE, PAIR, KINDS };

static void
read_clock (int count)
{
  struct timespec at;

  for (int i = 0; i < count; i++)
    clock_gettime (CLOCK_MONOTONIC_COARSE, &at);
}

static void
pairs_idle (int count)
{
  for (int i = 0; i < count; i++) {
    wg_watch_begin_idle ("bench");
    wg_watch_end ();
  }
}

static void
pairs (int count)
{
  for (int i = 0; i < count; i++) {
    wg_watch_begin ("bench");
    wg_watch_end ();
  }
}

static void (*const kinds[KINDS]) (int count) = { read_clock, pairs_idle, pairs };

int
main (int argc, char **argv)
{
  static const BenchCase cases[KINDS] = {
    { "watch", "bare coarse clock", "ns", NULL, 0 },
    { "watch", "an idle scope, a pair", "ns", NULL, 10 },
    { "watch", "a scope, a pair", "ns", NULL, 10 },
  };
  const BenchOptions options = bench_options (argc, argv);
  const guint rounds = options.is_long ? ROUNDS_LONG : ROUNDS_QUICK;
  static double best[KINDS][BENCH_ROUNDS_MAX];

  for (guint round = 0; round < rounds; round++) {
    for (int kind = 0; kind < KINDS; kind++)
      best[kind][round] = G_MAXDOUBLE;
    for (int turn = 0; turn < TURNS; turn++)
      for (int kind = 0; kind < KINDS; kind++) {
        const double begin = bench_now_ns ();

        kinds[kind](BATCH);
        best[kind][round] = MIN (best[kind][round], (bench_now_ns () - begin) / BATCH);
      }
  }
  for (int kind = 0; kind < KINDS; kind++)
    bench_print (&cases[kind], &options, best[kind], rounds);
  return bench_status ();
}
