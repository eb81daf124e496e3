/* SPDX-License-Identifier: MIT
 *
 * What the parts of wolf-report share: the result lines, and what they come to.
 *
 * A file of result lines becomes Lines (lines.c); these are sorted into rows of scenarios, timelines and
 * benches (model.c), of which figures.c knows the key figure and verdict.c what they come to; the
 * picture-*.c draw, the page-*.c write. Everything belongs to the Report and lives as long as it; one
 * thread does it all.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

/* Whatever is wrong with what was given: its message names the thing, the reason, the next step. */
#define REPORT_ERROR (g_quark_from_static_string ("wolf-report"))

/* ---- lines.c ---- */

typedef struct {
  gchar *file; /* as given */
  guint number;
  JsonObject *object;
} Line;

/* Appends the lines of @file. Empty lines are skipped; one that is no JSON object is an error. */
gboolean lines_read (GPtrArray *lines, const char *file, GError **error);
void line_free (Line *line);
/* An error about @line, with its place. */
void line_error (const Line *line, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Members by path ("after.pipelines"). A member that is absent or of another type gives the default:
 * NULL, NAN, FALSE. */
JsonNode *object_node (JsonObject *object, const char *path);
const char *object_text (JsonObject *object, const char *path);
double object_number (JsonObject *object, const char *path);
gboolean object_flag (JsonObject *object, const char *path);
/* Whether the member is there and null. */
gboolean object_null (JsonObject *object, const char *path);

/* ---- model.c ---- */

typedef enum {
  SIDE_BEFORE,
  SIDE_AFTER,
  SIDE_OTHER, /* one fix switched off, or a label that we do not know */
} Side;

/* All lines of one scenario, target and label. */
typedef struct {
  const char *label;
  Side side;
  GPtrArray *lines;
  guint passed;
} Cell;

typedef struct {
  const char *target, *scenario;
  gchar *id; /* for a link; unique */
  GPtrArray *cells;
} Row;

typedef struct {
  double t;  /* s, from /cancel */
  double ms; /* NAN: not answered */
} Sample;

typedef struct {
  double t;
  double established, close_wait, unaccepted;
} Sockets;

typedef struct {
  double t;
  const char *name;
} Event;

typedef struct {
  const Line *line;
  double patience_ms;
  gboolean from_cancel; /* whether there was one; else times are from the beginning */
  GArray *samples, *sockets, *events;
} Timeline;

/* The last line of either side. */
typedef struct {
  const char *target, *scenario;
  Timeline *sides[2]; /* by SIDE_BEFORE, SIDE_AFTER; NULL: no line */
} TimelinePair;

typedef struct {
  const char *family, *name, *unit, *baseline; /* baseline NULL: none */
  gchar *run;                    /* the file, where there are several runs of it; or NULL */
  double value, p10, p90, bound; /* NAN: none */
  gboolean bound_is_min;
  guint rounds;
} Bench;

typedef struct {
  GPtrArray *lines;
  GPtrArray *rows; /* by target, real Wolf first, and by scenario */
  GPtrArray *timelines;
  GPtrArray *benches;
  guint unused; /* lines that are none of these */
} Report;

/* Takes @lines. NULL with an error if a member that we know has another form than it should. */
Report *report_new (GPtrArray *lines, GError **error);
void report_free (Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Report, report_free)

const Cell *row_cell (const Row *row, Side side);
/* "real Wolf", "lab" … for "real", "lab" …; one that we do not know is called by its name. */
const char *target_title (const char *target);
/* Sorted names of all distinct texts of that member; free with g_ptr_array_unref. */
GPtrArray *report_texts (const Report *report, const char *member);

gchar *bench_title (const Bench *bench);
/* What a bench comes to. Neither if there is no bound. */
gboolean bench_held (const Bench *bench);
gboolean bench_missed (const Bench *bench);

/* ---- figures.c ---- */

/* What the scenario is, in words; its name if we do not know it. */
const char *scenario_title (const char *scenario);
/* Where its row stands among the others of its target. */
guint scenario_order (const char *scenario);
/* The key figure of the worst line, "/cancel: no answer in 30 s"; NULL: none is known. *worst is that line. */
gchar *cell_figure (const Row *row, const Cell *cell, const Line **worst);
/* Whether that line shows a fault; of a scenario in which upstream has one each time, it always does. */
gboolean figure_shows_fault (const Row *row, const Line *line);

/* ---- verdict.c ---- */

typedef enum {
  VERDICT_FAULT,    /* the fault shows, as it has to */
  VERDICT_NO_FAULT, /* a regression check: upstream does not fail it, or not every time */
  VERDICT_MISSED,   /* the fault did not show: the scenario has proved nothing */
  VERDICT_HELD,
  VERDICT_BROKEN, /* what was promised did not hold */
} Verdict;

Verdict cell_verdict (const Row *row, const Cell *cell);

/* ---- words.c ---- */

/* Whole numbers whole, others with three digits. */
gchar *number_text (double value);
/* "41 ms", "4.0 s", "12 µs" */
gchar *time_text (double ms);
/* A figure with its unit, as benches have it. */
gchar *value_text (double value, const char *unit);
/* "10,000" */
gchar *count_text (gint64 count);
