/* SPDX-License-Identifier: MIT
 *
 * picture-bench.c: a bar for each bench, its spread as a whisker (10 % to 90 % of the rounds), against the bound.
 */
#include "pictures.h"

#include <math.h>

#define WIDE_WIDTH 920
#define NARROW_WIDTH 344
#define WIDE_ROW 46
#define NARROW_ROW 66
#define AXIS_HEIGHT 54
#define TOP 20
/* Axes end here, whatever a bar does; it is said in figures beside it. */
#define AXIS_MOST 4.0

BenchKind
bench_kind (const Bench *bench)
{
  if (isnan (bench->bound) || bench->bound <= 0)
    return BENCHES_UNBOUND;
  return bench->bound_is_min ? BENCHES_AT_LEAST : BENCHES_AT_MOST;
}

/* The unit of the axis: the bound, or the baseline. */
static double
unit_of (const Bench *bench)
{
  return bench_kind (bench) == BENCHES_UNBOUND ? 1 : bench->bound;
}

static GPtrArray *
select_benches (const Report *report, BenchKind kind)
{
  GPtrArray *benches = g_ptr_array_new ();

  for (guint i = 0; i < report->benches->len; i++) {
    const Bench *bench = g_ptr_array_index (report->benches, i);

    if (bench_kind (bench) == kind && (kind != BENCHES_UNBOUND || bench->baseline != NULL))
      g_ptr_array_add (benches, (gpointer) bench);
  }
  return benches;
}

static double
axis_end (GPtrArray *benches)
{
  double end = 1.3; /* room for the figures behind the bound */

  for (guint i = 0; i < benches->len; i++) {
    const Bench *bench = g_ptr_array_index (benches, i);
    const double far = isnan (bench->p90) ? bench->value : bench->p90;

    end = fmax (end, far / unit_of (bench) * 1.05);
  }
  return fmin (end, AXIS_MOST);
}

static gchar *
bench_words (const Bench *bench)
{
  g_autofree gchar *value = value_text (bench->value, bench->unit);
  g_autofree gchar *bound = isnan (bench->bound) ? NULL : value_text (bench->bound, bench->unit);

  if (bound == NULL)
    return g_steal_pointer (&value);
  /* Missed by less than the figures show. */
  if (bench_missed (bench) && g_str_equal (value, bound)) {
    g_free (value);
    value = g_strdup_printf ("just %s %s", bench->bound_is_min ? "under" : "over", bound);
  }
  return g_strdup_printf ("%s (bound %s %s)", value, bench->bound_is_min ? "≥" : "≤", bound);
}

static Ink
bench_ink (const Bench *bench)
{
  if (bench_kind (bench) == BENCHES_UNBOUND)
    return INK_PLAIN;
  return bench_held (bench) ? INK_GOOD : INK_BAD;
}

/* Rows from the top: y is −1, −2 … Name and figures stand over the bar; on a phone in two lines. */
static void
add_row (Plot *plot, const Bench *bench, int y, double end, gboolean narrow)
{
  g_autofree gchar *words = bench_words (bench);
  g_autofree gchar *name = bench_title (bench);
  const double unit = unit_of (bench);
  const double low = y - 0.30, high = narrow ? y - 0.12 : y - 0.02;
  const double p10 = fmin (bench->p10 / unit, end), p90 = fmin (bench->p90 / unit, end);
  const Ink ink = bench_ink (bench);

  plot_add (plot, "set label %s at graph 0, first %g left textcolor %s front\n",
      plot_text (plot, name), y + (narrow ? 0.34 : 0.30), plot_ink (INK_TEXT));
  plot_add (plot, "set label %s at graph %d, first %g %s textcolor %s front\n",
      plot_text (plot, words), narrow ? 0 : 1, y + (narrow ? 0.07 : 0.30),
      narrow ? "left" : "right", plot_ink (ink == INK_PLAIN ? INK_TEXT : ink));
  plot_add (plot,
      "set object rectangle from first 0, first %g to first %g, first %g fillcolor %s fillstyle "
      "solid 1 noborder\n",
      low, fmin (bench->value / unit, end), high, plot_ink (ink));
  if (isnan (p10) || isnan (p90))
    return;
  plot_add (plot,
      "set arrow from first %g, first %g to first %g, first %g heads size screen %g,90 linetype 1 "
      "dashtype solid linewidth 1.5 linecolor %s front\n",
      p10, (low + high) / 2, p90, (low + high) / 2, narrow ? 0.008 : 0.004, plot_ink (INK_TEXT));
}

gchar *
picture_benches (const Report *report, BenchKind kind, PlotForm form, PlotUse use, GError **error)
{
  static const char *const titles[N_BENCHES] = {
    [BENCHES_AT_MOST] = "Costs against their bounds",
    [BENCHES_AT_LEAST] = "Rates against their bounds",
    [BENCHES_UNBOUND] = "Ratios to a baseline, without a bound",
  };
  static const char *const axes[N_BENCHES] = {
    [BENCHES_AT_MOST] = "1 = the bound; less is better",
    [BENCHES_AT_LEAST] = "1 = the bound; more is better",
    [BENCHES_UNBOUND] = "1 = the baseline",
  };
  g_autoptr (GPtrArray) benches = select_benches (report, kind);
  g_autoptr (Plot) plot = NULL;
  g_autoptr (GString) description = g_string_new (NULL);
  const gboolean narrow = form == PLOT_NARROW;
  const int width = narrow ? NARROW_WIDTH : WIDE_WIDTH;
  const int row = narrow ? NARROW_ROW : WIDE_ROW;
  const int height = TOP + AXIS_HEIGHT + row * (int) benches->len;
  const double end = axis_end (benches);

  if (benches->len == 0)
    return NULL;
  plot = plot_new (width, height, NULL);
  plot_add (plot,
      "set lmargin at screen %g\nset rmargin at screen %g\n"
      "set tmargin at screen %g\nset bmargin at screen %g\n",
      8.0 / width, 1 - 8.0 / width, 1 - (double) TOP / height, (double) AXIS_HEIGHT / height);
  plot_add (
      plot, "set xrange [0:%g]\nset yrange [%g:-0.5]\nunset ytics\n", end, -0.5 - benches->len);
  plot_add (plot, "set xtics nomirror scale 0.4 textcolor %s\nset border 1 linecolor %s\n",
      plot_ink (INK_MUTED), plot_ink (INK_MUTED));
  plot_add (plot, "set xlabel %s offset 0,0.3 textcolor %s\n", plot_text (plot, axes[kind]),
      plot_ink (INK_MUTED));
  if (kind == BENCHES_AT_MOST)
    plot_add (plot,
        "set object rectangle from first 1, graph 0 to graph 1, graph 1 fillcolor %s "
        "fillstyle solid 1 noborder behind\n",
        plot_ink (INK_SHADE));
  else if (kind == BENCHES_AT_LEAST)
    plot_add (plot,
        "set object rectangle from first 0, graph 0 to first 1, graph 1 fillcolor %s "
        "fillstyle solid 1 noborder behind\n",
        plot_ink (INK_SHADE));
  plot_add (plot,
      "set arrow from first 1, graph 0 to first 1, graph 1 nohead dashtype (5,4) "
      "linewidth 1.5 linecolor %s front\n",
      plot_ink (INK_TEXT));
  for (guint i = 0; i < benches->len; i++) {
    const Bench *bench = g_ptr_array_index (benches, i);
    g_autofree gchar *words = bench_words (bench);
    g_autofree gchar *name = bench_title (bench);

    add_row (plot, bench, -1 - (int) i, end, narrow);
    g_string_append_printf (description, "%s: %s. ", name, words);
  }
  /* All is drawn already; gnuplot wants to plot something. */
  plot_add (plot, "plot '-' using 1:2 with points pointtype 7 pointsize 0 linecolor %s\n0 -1\ne\n",
      plot_ink (INK_SHADE));
  return plot_render (plot, use, narrow ? "narrow" : "wide", titles[kind], description->str, error);
}
