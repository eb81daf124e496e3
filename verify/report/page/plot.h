/* SPDX-License-Identifier: MIT
 *
 * A picture by gnuplot, as SVG that takes its colours from the page it is in, or from itself.
 *
 * A picture is a script that grows by plot_add(). Nothing that comes from a result line is ever a
 * part of it: texts go in as tokens (plot_text()) and are put into the finished SVG, escaped. Colours
 * go in as inks and come out as classes of picture.css, which knows light and dark.
 */
#pragma once

#include <gio/gio.h>

typedef enum {
  INK_TEXT,
  INK_MUTED,
  INK_GRID,
  INK_BEFORE,
  INK_AFTER,
  INK_BEFORE_ON_BAND, /* text that lies on the band */
  INK_AFTER_ON_BAND,
  INK_BAND,  /* where nobody is answered */
  INK_SHADE, /* beyond a bound */
  INK_GOOD,
  INK_BAD,
  INK_PLAIN, /* neither: there is no bound */
  N_INKS
} Ink;

typedef struct Plot Plot;

typedef enum {
  PLOT_WIDE,   /* as on a desk, on paper, in a README */
  PLOT_NARROW, /* as on a phone */
} PlotForm;

typedef enum {
  PLOT_INLINE,     /* <svg> for within a page that has picture.css */
  PLOT_STANDALONE, /* a file of its own, light and dark by itself */
} PlotUse;

/* Size in CSS pixels. @subject stands in the lower left corner: what was measured; NULL: nothing does. */
Plot *plot_new (int width, int height, const char *subject);
void plot_free (Plot *plot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Plot, plot_free)

void plot_add (Plot *plot, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A quoted string for the script, which stands for @text. Owned by the plot. */
const char *plot_text (Plot *plot, const char *text);
/* `rgb "#…"`, for the script. */
const char *plot_ink (Ink ink);

/* Runs gnuplot. @title and @description are for who cannot see it. */
gchar *plot_render (Plot *plot, PlotUse use, const char *class, const char *title,
    const char *description, GError **error);
