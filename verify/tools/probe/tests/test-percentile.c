/* SPDX-License-Identifier: MIT */
#include "percentile.h"

static GArray *
row (guint count)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = count; i > 0; i--) { /* largest first: sorting has something to do */
    double value = i;

    g_array_append_val (values, value);
  }
  probe_percentile_sort (values);
  return values;
}

static void
test_empty (void)
{
  g_autoptr (GArray) values = row (0);

  g_assert_cmpfloat (probe_percentile (values, 50), ==, -1);
}

static void
test_one (void)
{
  g_autoptr (GArray) values = row (1);

  g_assert_cmpfloat (probe_percentile (values, 1), ==, 1);
  g_assert_cmpfloat (probe_percentile (values, 100), ==, 1);
}

/* Nearest rank: of 1..n the p-th percentile is ceil(p * n / 100). */
static void
test_ranks (void)
{
  static const struct {
    guint count;
    double p;
    double expected;
  } cases[] = {
    { 4, 50, 2 },
    { 5, 50, 3 },
    { 10, 90, 9 },
    { 10, 99, 10 },
    { 100, 99, 99 },
    { 100, 50, 50 },
    { 101, 99, 100 },
    { 1000, 99, 990 },
    { 200, 99, 198 },
    { 1000, 99.9, 999 },
    { 100, 100, 100 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) values = row (cases[i].count);

    g_assert_cmpfloat (probe_percentile (values, cases[i].p), ==, cases[i].expected);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/percentile/empty", test_empty);
  g_test_add_func ("/percentile/one", test_one);
  g_test_add_func ("/percentile/ranks", test_ranks);
  return g_test_run ();
}
