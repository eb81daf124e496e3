/* SPDX-License-Identifier: MIT
 *
 * picture-sockets.c: what the kernel's table says of the HTTPS port over time, one side a picture.
 */
#include "pictures.h"

#include <math.h>

/* Twice that side by side on a desk, one over the other on a phone. */
#define WIDTH 448
#define HEIGHT 280

typedef struct {
  double begin, end, most;
} Axes;

gboolean
pair_has_sockets (const TimelinePair *pair)
{
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++)
    if (pair->sides[side] && pair->sides[side]->sockets->len > 0)
      return TRUE;
  return FALSE;
}

static Axes
axes_of (const TimelinePair *pair)
{
  Axes axes = { G_MAXDOUBLE, -G_MAXDOUBLE, 4 };

  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    const Timeline *timeline = pair->sides[side];

    for (guint i = 0; timeline && i < timeline->sockets->len; i++) {
      const Sockets *sockets = &g_array_index (timeline->sockets, Sockets, i);

      axes.begin = fmin (axes.begin, sockets->t);
      axes.end = fmax (axes.end, sockets->t);
      axes.most = fmax (axes.most, sockets->established);
      axes.most = fmax (axes.most, fmax (sockets->close_wait, sockets->unaccepted));
    }
  }
  if (axes.end <= axes.begin)
    axes.end = axes.begin + 1;
  return axes;
}

static void
add_event (Plot *plot, const Axes *axes, const Event *event)
{
  const gboolean left_of_it = g_str_equal (event->name, "stuck")
      || (event->t - axes->begin) / (axes->end - axes->begin) > 0.75;

  plot_add (plot,
      "set arrow from first %g, graph 0 to first %g, graph 1 nohead dashtype (5,4) linewidth 1 "
      "linecolor %s back\n",
      event->t, event->t, plot_ink (INK_MUTED));
  plot_add (plot, "set label %s at first %g, graph 1 offset character %s,0.7 %s textcolor %s\n",
      plot_text (plot, event_title (event->name)), event->t, left_of_it ? "0.3" : "-0.3",
      left_of_it ? "right" : "left", plot_ink (INK_MUTED));
}

/* The name of a curve behind a piece of it, in the line above the picture. */
static void
add_key (Plot *plot, int x, const char *style, const char *name)
{
  const double y = 1 - 16.0 / HEIGHT;

  plot_add (plot, "set arrow from screen %g, screen %g to screen %g, screen %g nohead %s front\n",
      (double) x / WIDTH, y, (x + 20.0) / WIDTH, y, style);
  plot_add (plot, "set label %s at screen %g, screen %g left textcolor %s\n",
      plot_text (plot, name), (x + 26.0) / WIDTH, y, plot_ink (INK_TEXT));
}

static void
add_curve (Plot *plot, const GArray *sockets, gsize offset)
{
  for (guint i = 0; i < sockets->len; i++) {
    const char *at = (const char *) &g_array_index (sockets, Sockets, i);

    plot_add (plot, "%g %g\n", ((const Sockets *) at)->t, *(const double *) (at + offset));
  }
  plot_add (plot, "e\n");
}

static double
most_of (const GArray *sockets, gsize offset)
{
  double most = 0;

  for (guint i = 0; i < sockets->len; i++) {
    const char *at = (const char *) &g_array_index (sockets, Sockets, i);

    most = fmax (most, *(const double *) (at + offset));
  }
  return most;
}

gchar *
picture_sockets (const TimelinePair *pair, Side side, PlotUse use, GError **error)
{
  const Axes axes = axes_of (pair);
  const Timeline *timeline = pair->sides[side];
  const Ink ink = side == SIDE_BEFORE ? INK_BEFORE : INK_AFTER;
  const char *name = side == SIDE_BEFORE ? "before" : "after";
  g_autoptr (Plot) plot = plot_new (WIDTH, HEIGHT, target_title (pair->target));
  g_autofree gchar *established =
      g_strdup_printf ("linewidth 1.5 linecolor %s", plot_ink (INK_PLAIN));
  g_autofree gchar *close_wait = g_strdup_printf ("linewidth 3.5 linecolor %s", plot_ink (ink));
  g_autofree gchar *unaccepted =
      g_strdup_printf ("linewidth 1.5 dashtype (2,3) linecolor %s", plot_ink (INK_TEXT));
  g_autofree gchar *title =
      g_strdup_printf ("Sockets on the HTTPS port, %s, %s", name, target_title (pair->target));
  g_autofree gchar *description =
      g_strdup_printf ("At most %.0f established, %.0f in CLOSE_WAIT, %.0f not yet accepted.",
          most_of (timeline->sockets, G_STRUCT_OFFSET (Sockets, established)),
          most_of (timeline->sockets, G_STRUCT_OFFSET (Sockets, close_wait)),
          most_of (timeline->sockets, G_STRUCT_OFFSET (Sockets, unaccepted)));

  plot_add (plot,
      "set lmargin at screen %g\nset rmargin at screen %g\n"
      "set tmargin at screen %g\nset bmargin at screen %g\n",
      34.0 / WIDTH, 1 - 12.0 / WIDTH, 1 - 56.0 / HEIGHT, 50.0 / HEIGHT);
  plot_add (
      plot, "set xrange [%g:%g]\nset yrange [0:%g]\n", axes.begin, axes.end, axes.most * 1.08);
  plot_add (plot, "set border 1 linecolor %s\nset xtics nomirror scale 0.4 textcolor %s\n",
      plot_ink (INK_MUTED), plot_ink (INK_MUTED));
  plot_add (plot,
      "set ytics scale 0 textcolor %s\nset grid y linetype 1 linewidth 0.8 linecolor %s\n",
      plot_ink (INK_MUTED), plot_ink (INK_GRID));
  plot_add (plot, "set xlabel %s offset 0,0.3 textcolor %s\n",
      plot_text (plot, timeline->from_cancel ? "seconds from /cancel" : "seconds"),
      plot_ink (INK_MUTED));
  plot_add (plot, "set label %s at screen 0, screen %g left font ',15' textcolor %s\n",
      plot_text (plot, name), 1 - 16.0 / HEIGHT, plot_ink (ink));
  add_key (plot, 90, established, "established");
  add_key (plot, 206, close_wait, "CLOSE_WAIT");
  add_key (plot, 325, unaccepted, "not accepted");
  for (guint i = 0; i < timeline->events->len; i++)
    add_event (plot, &axes, &g_array_index (timeline->events, Event, i));
  plot_add (plot,
      "plot '-' using 1:2 with steps %s, '-' using 1:2 with steps %s, '-' using 1:2 with steps "
      "%s\n",
      established, close_wait, unaccepted);
  add_curve (plot, timeline->sockets, G_STRUCT_OFFSET (Sockets, established));
  add_curve (plot, timeline->sockets, G_STRUCT_OFFSET (Sockets, close_wait));
  add_curve (plot, timeline->sockets, G_STRUCT_OFFSET (Sockets, unaccepted));
  return plot_render (plot, use, "half", title, description, error);
}
