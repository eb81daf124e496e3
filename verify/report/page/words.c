/* SPDX-License-Identifier: MIT
 *
 * words.c: figures in words.
 */
#include "report.h"

#include <math.h>
#include <string.h>

gchar *
number_text (double value)
{
  if (fabs (value) >= 100 || value == floor (value))
    return g_strdup_printf ("%.0f", value);
  if (fabs (value) >= 10)
    return g_strdup_printf ("%.1f", value);
  return g_strdup_printf ("%.2g", value);
}

/* The unit stays on the figure's line: these spaces do not break. */
gchar *
time_text (double ms)
{
  static const struct {
    double ms;
    const char *name;
  } units[] = { { 1000, "s" }, { 1, "ms" }, { 1e-3, "µs" }, { 1e-6, "ns" } };
  guint i = 0;
  double figure;

  /* 999.6 µs is 1 ms. */
  while (i < G_N_ELEMENTS (units) - 1 && ms < units[i].ms * 0.9995)
    i++;
  figure = ms / units[i].ms;
  if (figure >= 9.95 || figure == floor (figure))
    return g_strdup_printf ("%.0f %s", figure, units[i].name);
  return g_strdup_printf ("%.1f %s", figure, units[i].name);
}

gchar *
count_text (gint64 count)
{
  g_autofree gchar *plain = g_strdup_printf ("%" G_GINT64_FORMAT, ABS (count));
  GString *text = g_string_new (count < 0 ? "−" : "");

  for (gsize i = 0, n = strlen (plain); i < n; i++) {
    if (i > 0 && (n - i) % 3 == 0)
      g_string_append_c (text, ',');
    g_string_append_c (text, plain[i]);
  }
  return g_string_free (text, FALSE);
}

gchar *
value_text (double value, const char *unit)
{
  static const struct {
    const char *unit;
    double ms;
  } times[] = { { "ns", 1e-6 }, { "us", 1e-3 }, { "ms", 1 }, { "s", 1e3 } };
  g_autofree gchar *figure = number_text (value);

  for (guint i = 0; i < G_N_ELEMENTS (times) && value >= 0; i++)
    if (g_str_equal (unit, times[i].unit))
      return time_text (value * times[i].ms);
  if (g_str_equal (unit, "ratio"))
    return g_strdup_printf ("%.2f ×", value);
  return g_strdup_printf ("%s %s", figure, unit);
}
