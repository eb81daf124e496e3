/* SPDX-License-Identifier: MIT
 *
 * bench.c: lines and tables.
 */
#include "bench.h"

#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean missed;

BenchOptions
bench_options (int argc, char **argv)
{
  BenchOptions options = { FALSE };

  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--long")) {
      options.is_long = TRUE;
    } else if (!g_str_equal (argv[i], "--quick")) {
      fprintf (stderr, "%s: no such argument: %s; there are --quick and --long\n",
          g_get_prgname () ? g_get_prgname () : argv[0], argv[i]);
      exit (2);
    }
  return options;
}

static int
by_value (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

double
bench_percentile (double *values, guint count, guint percent)
{
  qsort (values, count, sizeof *values, by_value);
  return values[(count - 1) * percent / 100];
}

static void
print_line (const BenchCase *what, const BenchOptions *options, const double *values, guint rounds,
    double value, double p10, double p90)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree gchar *gstreamer = gst_version_string ();

  printf ("{\"target\":\"bench\",\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"value\":%.5g,"
          "\"p10\":%.5g,\"p90\":%.5g,\"rounds\":%u,\"bound\":",
      what->bench, what->name, what->unit, value, p10, p90, rounds);
  if (what->at_most > 0)
    printf ("%g", what->at_most);
  else
    printf ("null");
  printf (",\"bound_is\":\"max\",\"baseline\":");
  if (what->baseline != NULL)
    printf ("\"%s\"", what->baseline);
  else
    printf ("null");
  printf (",\"values\":[");
  for (guint i = 0; i < rounds; i++)
    printf ("%s%.5g", i > 0 ? "," : "", values[i]);
  printf ("],\"cores\":%u,\"gstreamer\":\"%s\",\"date\":\"%s\",\"long\":%s}\n",
      g_get_num_processors (), gstreamer, date, options->is_long ? "true" : "false");
  fflush (stdout);
}

/* Three digits. */
static int
decimals (double value)
{
  return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

static void
print_row (const BenchCase *what, double value, double p10, double p90)
{
  const gboolean ratio = g_str_equal (what->unit, "ratio");

  fprintf (stderr, "%-6s%-48s%8.*f %-2s  %.*f to %.*f", what->bench, what->name, decimals (value),
      value, ratio ? "x" : what->unit, decimals (p10), p10, decimals (p90), p90);
  if (what->at_most > 0)
    fprintf (stderr, ", bound %g%s", what->at_most, value <= what->at_most ? "" : ": MISSED");
  fprintf (stderr, "\n");
}

void
bench_print (const BenchCase *what, const BenchOptions *options, const double *values, guint rounds)
{
  g_autofree double *sorted = g_memdup2 (values, rounds * sizeof *values);
  const double value = bench_percentile (sorted, rounds, 50);
  const double p10 = bench_percentile (sorted, rounds, 10);
  const double p90 = bench_percentile (sorted, rounds, 90);

  print_line (what, options, values, rounds, value, p10, p90);
  print_row (what, value, p10, p90);
  missed |= what->at_most > 0 && value > what->at_most;
}

int
bench_status (void)
{
  return missed;
}
