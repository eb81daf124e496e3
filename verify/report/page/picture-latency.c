/* SPDX-License-Identifier: MIT
 *
 * picture-latency.c: the headline. Each request is a point at the time it was sent, as high as it
 * took, on a logarithmic axis, and as long if that is to be seen; one that nobody answered is a bar in
 * the band above, as long as it was waited for.
 */
#include "pictures.h"

#include <math.h>
#include <string.h>

/* The band of no answer, as multiples of the patience. */
#define BAND_BEGIN 1.7
#define BAND_LABEL 2.7
#define BAND_BARS_AFTER 4.3
#define BAND_BARS_BEFORE 6.2
#define BAND_END 10.0

#define WIDE_WIDTH 920
#define WIDE_HEIGHT 400
#define NARROW_WIDTH 344
#define LEFT_MARGIN 76
#define RIGHT_MARGIN 10
#define NARROW_HEIGHT 340

/* Events of both sides that are as near as that, as a share of the axis, are one mark. */
#define SAME_MOMENT 0.02

/* A request that took that share of the axis is drawn as long as it took. */
#define LONG_REQUEST 0.015

typedef struct {
  double begin, end;       /* s */
  double lowest, patience; /* ms */
  double label;            /* ms, under all points */
  gboolean narrow, from_cancel;
} Axes;

const char *
event_title (const char *name)
{
  if (g_str_equal (name, "stuck"))
    return "source stuck";
  if (g_str_equal (name, "cancel"))
    return "/cancel";
  if (g_str_equal (name, "released"))
    return "source let go";
  return name;
}

static double
event_time (const Timeline *timeline, const char *name)
{
  for (guint i = 0; timeline && i < timeline->events->len; i++) {
    const Event *event = &g_array_index (timeline->events, Event, i);

    if (g_str_equal (event->name, name))
      return event->t;
  }
  return NAN;
}

Meanwhile
timeline_meanwhile (const Timeline *timeline)
{
  const double begin = event_time (timeline, "cancel"), end = event_time (timeline, "released");
  Meanwhile meanwhile = { 0, 0, NAN };

  for (guint i = 0; i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);

    if (sample->t < begin || sample->t >= end) /* neither if there was no such event */
      continue;
    meanwhile.requests++;
    if (isnan (sample->ms))
      meanwhile.unanswered++;
    else
      meanwhile.slowest_ms = fmax (meanwhile.slowest_ms, sample->ms);
  }
  return meanwhile;
}

static void
stretch (Axes *axes, const Timeline *timeline)
{
  for (guint i = 0; timeline && i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);
    const double took = isnan (sample->ms) ? timeline->patience_ms : sample->ms;

    axes->begin = fmin (axes->begin, sample->t);
    axes->end = fmax (axes->end, sample->t + took / 1000);
    if (sample->ms > 0)
      axes->lowest = fmin (axes->lowest, sample->ms);
  }
  for (guint i = 0; timeline && i < timeline->events->len; i++) {
    const double t = g_array_index (timeline->events, Event, i).t;

    axes->begin = fmin (axes->begin, t);
    axes->end = fmax (axes->end, t);
  }
  if (timeline)
    axes->patience = fmax (axes->patience, timeline->patience_ms);
}

static Axes
axes_of (const TimelinePair *pair, PlotForm form)
{
  Axes axes = { G_MAXDOUBLE, -G_MAXDOUBLE, 10, 0, 0, form == PLOT_NARROW, FALSE };
  double room;

  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    stretch (&axes, pair->sides[side]);
    axes.from_cancel |= pair->sides[side] && pair->sides[side]->from_cancel;
  }
  room = (axes.end - axes.begin) * 0.015;
  axes.begin -= room;
  axes.end += room;
  axes.lowest = fmax (axes.lowest, 0.01);
  axes.label = axes.lowest / 1.7;
  axes.lowest = pow (10, floor (log10 (axes.lowest / 2.2)));
  return axes;
}

/* 1 ms, 10 ms … up to the patience, and above them the band. */
static void
add_y_axis (Plot *plot, const Axes *axes)
{
  g_autofree gchar *patience = time_text (axes->patience);
  g_autofree gchar *within = g_strdup_printf ("in %s", patience);
  const double band = axes->patience * sqrt (BAND_BEGIN * BAND_END);

  plot_add (plot, "set logscale y\nset yrange [%g:%g]\nset ytics scale 0 textcolor %s (",
      axes->lowest, axes->patience * BAND_END, plot_ink (INK_MUTED));
  for (double ms = axes->lowest; ms < axes->patience * 0.7; ms *= 10) {
    g_autofree gchar *text = time_text (ms);

    plot_add (plot, "%s%s %g", ms > axes->lowest ? ", " : "", plot_text (plot, text), ms);
  }
  plot_add (plot, ")\nset grid y linetype 1 linewidth 0.8 linecolor %s\n", plot_ink (INK_GRID));
  plot_add (plot,
      "set object 1 rectangle from graph 0, first %g to graph 1, graph 1 fillcolor %s "
      "fillstyle solid 1 noborder behind\n",
      axes->patience * BAND_BEGIN, plot_ink (INK_BAND));
  plot_add (plot,
      "set label %s at graph 0, first %g offset character -0.6,0.5 right textcolor %s\n",
      plot_text (plot, "no answer"), band, plot_ink (INK_BEFORE));
  plot_add (plot,
      "set label %s at graph 0, first %g offset character -0.6,-0.6 right textcolor %s\n",
      plot_text (plot, within), band, plot_ink (INK_BEFORE));
}

/* Where the names of events stand, so that none is written over another. */
typedef struct {
  double begin, end; /* px */
} Span;

#define CHARACTER_PX 6.6 /* of 13 px text, on average */

static gboolean
is_free (const GArray *spans, const Span *span)
{
  for (guint i = 0; i < spans->len; i++) {
    const Span *other = &g_array_index (spans, Span, i);

    if (span->begin < other->end && other->begin < span->end)
      return FALSE;
  }
  return TRUE;
}

static void
add_event (Plot *plot, const Axes *axes, const char *name, double t, Ink ink, GArray *spans)
{
  const double share = (t - axes->begin) / (axes->end - axes->begin);
  const double width = axes->narrow ? NARROW_WIDTH : WIDE_WIDTH;
  const double x = LEFT_MARGIN + share * (width - LEFT_MARGIN - RIGHT_MARGIN);
  const double length = g_utf8_strlen (event_title (name), -1) * CHARACTER_PX;
  const gboolean left_of_it = g_str_equal (name, "stuck") || share > 0.75;
  const Span span = { left_of_it ? x - length : x, left_of_it ? x : x + length };

  plot_add (plot,
      "set arrow from first %g, graph 0 to first %g, graph 1 nohead dashtype (5,4) "
      "linewidth 1 linecolor %s back\n",
      t, t, plot_ink (ink));
  if (!is_free (spans, &span))
    return;
  g_array_append_val (spans, span);
  plot_add (plot, "set label %s at first %g, graph 1 offset character %s,0.8 %s textcolor %s\n",
      plot_text (plot, event_title (name)), t, left_of_it ? "0.3" : "-0.3",
      left_of_it ? "right" : "left", plot_ink (ink));
}

/* One mark for both sides where they agree. */
static void
add_events (Plot *plot, const Axes *axes, const TimelinePair *pair)
{
  const Timeline *before = pair->sides[SIDE_BEFORE], *after = pair->sides[SIDE_AFTER];
  const double same = (axes->end - axes->begin) * SAME_MOMENT;
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (Span));

  for (guint i = 0; before && i < before->events->len; i++) {
    const Event *event = &g_array_index (before->events, Event, i);
    const gboolean agree = fabs (event_time (after, event->name) - event->t) < same;

    add_event (plot, axes, event->name, event->t, agree || !after ? INK_TEXT : INK_BEFORE, spans);
  }
  for (guint i = 0; after && i < after->events->len; i++) {
    const Event *event = &g_array_index (after->events, Event, i);

    if (!(fabs (event_time (before, event->name) - event->t) < same))
      add_event (plot, axes, event->name, event->t, before ? INK_AFTER : INK_TEXT, spans);
  }
}

static gchar *
summary (const Timeline *timeline, Side side, gboolean brief)
{
  const Meanwhile meanwhile = timeline_meanwhile (timeline);
  const char *name = side == SIDE_BEFORE ? "before" : "after";
  g_autofree gchar *slowest =
      isnan (meanwhile.slowest_ms) ? NULL : time_text (meanwhile.slowest_ms);

  if (meanwhile.requests == 0)
    return g_strdup (name);
  if (meanwhile.unanswered == meanwhile.requests || (meanwhile.unanswered > 0 && brief))
    return g_strdup_printf (
        "%s: %u of %u requests unanswered", name, meanwhile.unanswered, meanwhile.requests);
  if (meanwhile.unanswered > 0)
    return g_strdup_printf ("%s: %u of %u unanswered, the others %s at most", name,
        meanwhile.unanswered, meanwhile.requests, slowest);
  return g_strdup_printf ("%s: all %u answered, slowest %s", name, meanwhile.requests, slowest);
}

/* Where it is seen what is named: in the band under the bars, or under the points. */
static void
add_label (Plot *plot, const Axes *axes, const Timeline *timeline, Side side)
{
  const Meanwhile meanwhile = timeline_meanwhile (timeline);
  g_autofree gchar *text = summary (timeline, side, axes->narrow);
  const double begin = event_time (timeline, "cancel"), end = event_time (timeline, "released");
  /* Two sides that both answer are one over the other. */
  const double y = meanwhile.unanswered > 0 ? axes->patience * BAND_LABEL
                                            : axes->label * (side == SIDE_BEFORE ? 0.55 : 1);
  Ink ink = side == SIDE_BEFORE ? INK_BEFORE : INK_AFTER;

  if (meanwhile.unanswered > 0)
    ink = side == SIDE_BEFORE ? INK_BEFORE_ON_BAND : INK_AFTER_ON_BAND;
  plot_add (plot, "set label %s at ", plot_text (plot, text));
  if (axes->narrow || isnan (begin) || isnan (end))
    plot_add (plot, "graph 0.5");
  else
    plot_add (plot, "first %g", (begin + end) / 2);
  plot_add (plot, ", first %g center textcolor %s front\n", y, plot_ink (ink));
}

/* Whether a request took so long that a point would hide it. */
static gboolean
is_long (const Axes *axes, const Sample *sample)
{
  return isnan (sample->ms) || sample->ms / 1000 > (axes->end - axes->begin) * LONG_REQUEST;
}

static void
add_points (Plot *plot, const Axes *axes, const Timeline *timeline)
{
  for (guint i = 0; i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);

    if (!is_long (axes, sample))
      plot_add (plot, "%g %g\n", sample->t, fmax (sample->ms, axes->lowest));
  }
  plot_add (plot, "e\n");
}

/* x, y, from, to, low, high; the unanswered ones in the band. */
static void
add_bars (Plot *plot, const Axes *axes, const Timeline *timeline, Side side)
{
  /* Both sides may have some. */
  const double low = side == SIDE_BEFORE ? BAND_BARS_BEFORE : BAND_BARS_AFTER, high = low * 1.3;

  for (guint i = 0; i < timeline->samples->len; i++) {
    const Sample *sample = &g_array_index (timeline->samples, Sample, i);
    const double gap = (axes->end - axes->begin) * 0.001;
    const double took = isnan (sample->ms) ? timeline->patience_ms : sample->ms;
    const double from = isnan (sample->ms) ? axes->patience * low : sample->ms / 1.1;
    const double to = isnan (sample->ms) ? axes->patience * high : sample->ms * 1.1;

    if (is_long (axes, sample))
      plot_add (plot, "%g %g %g %g %g %g\n", sample->t, from, sample->t + gap,
          sample->t + took / 1000 - gap, from, to);
  }
  plot_add (plot, "e\n");
}

static guint
count_long (const Axes *axes, const Timeline *timeline)
{
  guint count = 0;

  for (guint i = 0; i < timeline->samples->len; i++)
    count += is_long (axes, &g_array_index (timeline->samples, Sample, i));
  return count;
}

/* gnuplot has no empty plots: what is not there is not plotted. */
static void
add_data (Plot *plot, const Axes *axes, const TimelinePair *pair)
{
  const char *comma = "plot ";

  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    const Timeline *timeline = pair->sides[side];
    const char *ink = plot_ink (side == SIDE_BEFORE ? INK_BEFORE : INK_AFTER);

    if (timeline && count_long (axes, timeline) < timeline->samples->len) {
      plot_add (plot, "%s'-' using 1:2 with points pointtype 7 pointsize %s linecolor %s", comma,
          axes->narrow ? "0.28" : "0.36", ink);
      comma = ", ";
    }
    if (timeline && count_long (axes, timeline) > 0) {
      plot_add (plot, "%s'-' using 1:2:3:4:5:6 with boxxyerror linecolor %s", comma, ink);
      comma = ", ";
    }
  }
  plot_add (plot, "\n");
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    const Timeline *timeline = pair->sides[side];

    if (timeline && count_long (axes, timeline) < timeline->samples->len)
      add_points (plot, axes, timeline);
    if (timeline && count_long (axes, timeline) > 0)
      add_bars (plot, axes, timeline, side);
  }
}

static gchar *
describe (const TimelinePair *pair)
{
  g_autoptr (GString) text = g_string_new (
      "Each request of one client that asks again and again, by the time it was sent; between "
      "/cancel and the moment at which the source is let go: ");
  const char *separator = "";

  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++) {
    g_autofree gchar *sentence =
        pair->sides[side] ? summary (pair->sides[side], side, FALSE) : NULL;

    if (sentence == NULL)
      continue;
    g_string_append_printf (text, "%s%s", separator, sentence);
    separator = "; ";
  }
  g_string_append_c (text, '.');
  return g_strdup (text->str);
}

gchar *
picture_latency (const TimelinePair *pair, PlotForm form, PlotUse use, GError **error)
{
  const Axes axes = axes_of (pair, form);
  const int width = axes.narrow ? NARROW_WIDTH : WIDE_WIDTH;
  const int height = axes.narrow ? NARROW_HEIGHT : WIDE_HEIGHT;
  g_autoptr (Plot) plot = plot_new (width, height, target_title (pair->target));
  g_autofree gchar *title = g_strdup_printf (
      "Latency of the HTTPS port through the fault, %s", target_title (pair->target));
  g_autofree gchar *description = describe (pair);

  plot_add (plot,
      "set lmargin at screen %g\nset rmargin at screen %g\n"
      "set tmargin at screen %g\nset bmargin at screen %g\n",
      (double) LEFT_MARGIN / width, 1 - (double) RIGHT_MARGIN / width, 1 - 28.0 / height,
      52.0 / height);
  plot_add (plot, "set xrange [%g:%g]\nset xtics nomirror scale 0.4 textcolor %s\n", axes.begin,
      axes.end, plot_ink (INK_MUTED));
  plot_add (plot, "set border 1 linecolor %s\n", plot_ink (INK_MUTED));
  plot_add (plot, "set xlabel %s offset 0,0.3 textcolor %s\n",
      plot_text (plot, axes.from_cancel ? "seconds from /cancel" : "seconds"),
      plot_ink (INK_MUTED));
  add_y_axis (plot, &axes);
  add_events (plot, &axes, pair);
  for (int side = SIDE_BEFORE; side <= SIDE_AFTER; side++)
    if (pair->sides[side])
      add_label (plot, &axes, pair->sides[side], side);
  add_data (plot, &axes, pair);
  return plot_render (plot, use, axes.narrow ? "narrow" : "wide", title, description, error);
}
