/* SPDX-License-Identifier: MIT
 *
 * What the patched gst-interpipe (after) costs against the unpatched one (before), as ratios
 * within one run.
 *
 * A round runs every case once with each plugin, one right after the other, each in a process of
 * its own (bench-interpipe-case, beside this program) with a registry and a plugin path of its
 * own, so that both meet the same load. The ratio of a case is the median over the rounds of
 * after by before; the columns are medians, too. A process that ends by a signal, says that
 * something does not come on or outstays its time is lost: it is counted, its round is left out.
 *
 *   bench-interpipe --before DIR --after DIR [--rounds N] [--ms N] [--only CASE] [--json FILE]
 *                   [--quick]
 *
 * Exit: 0 every bound held, 1 one missed (or a process of after lost, or nothing to compare), 3
 * usage.
 */
#include "case-process.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_DEFAULT 15
#define ROUNDS_QUICK 5
#define ROUNDS_MAX 999
#define MS_DEFAULT 500
#define MS_QUICK 200
/* On top of what a case measures: the case itself gives up after 10 s in which nothing moves. */
#define SPARE_MS 30000

/* The bounds; `no worse' has the same room as `not slower'. How far a plugin is from
 * itself, on this machine at this hour, is seen by giving one directory twice: a p99 by a third,
 * either way. */
#define RATE_AT_LEAST 0.9
#define SWITCH_AT_MOST (1 / RATE_AT_LEAST)

enum { BEFORE, AFTER, PLUGINS };
enum { RATE, CPU, WAITS, ALLOCATED, P50, P99, FIGURES };

static const char *const plugin_names[PLUGINS] = { "before", "after" };

static const struct {
  const char *key, *title;
} figures[FIGURES] = {
  [RATE] = { "rate", "delivered/s" },
  [CPU] = { "cpu_us", "CPU us/delivered" },
  [WAITS] = { "waits", "waits/delivered" }, /* voluntary context switches */
  [ALLOCATED] = { "allocated", "allocated/pushed" },
  [P50] = { "p50_us", "p50 us" },
  [P99] = { "p99_us", "p99 us" },
};

static const struct {
  const char *name;
  const char *args[5]; /* before the time */
  double p99_at_most;  /* 0: reported only */
} cases[] = {
  { "1 to 1", { "flow", "1", "1", "plain" }, 0 },
  { "1 to 4", { "flow", "1", "4", "plain" }, 0 },
  { "1 to 16", { "flow", "1", "16", "plain" }, 0 },
  { "1 to 64", { "flow", "1", "64", "plain" }, 0 },
  { "1 to 1, restart-ts", { "flow", "1", "1", "restart" }, 0 },
  { "1 to 16, restart-ts", { "flow", "1", "16", "restart" }, 0 },
  { "1 pair", { "flow", "1", "1", "plain" }, 0 }, /* as the first: how much noise there is */
  { "4 pairs", { "flow", "4", "1", "plain" }, 0 },
  { "16 pairs", { "flow", "16", "1", "plain" }, 0 },
  { "1 switcher", { "switch", "1", "1000" }, 0 },
  { "4 switchers", { "switch", "4", "1000" }, 0 },
  { "16 switchers", { "switch", "16", "1000" }, SWITCH_AT_MOST },
  { "16 switchers, no pause", { "switch", "16", "0" }, 0 },
  { "make to destroy", { "cycle" }, 0 },
};

static gchar *dirs[PLUGINS], *json_file, *only;
static int rounds = 0, ms = 0;
static gboolean quick;

static gchar *work, *runner;
static FILE *json;
static double values[G_N_ELEMENTS (cases)][FIGURES][PLUGINS][ROUNDS_MAX];
static int lost[G_N_ELEMENTS (cases)][PLUGINS];

/* ---- one process ---- */

static gchar *
plugin_file (int plugin)
{
  return g_build_filename (work, plugin_names[plugin], "libgstinterpipe.so", NULL);
}

static gboolean
run_process (int plugin, const char *const *args, GString *out)
{
  g_autofree gchar *file = plugin_file (plugin);
  g_autofree gchar *path = g_path_get_dirname (file);
  g_autofree gchar *registry = g_strconcat (path, ".registry", NULL);
  const CaseProcess process = { runner, file, path, registry, args, ms, ms + SPARE_MS };

  return case_process_run (&process, out);
}

/* ---- one case, one plugin, one round ---- */

static void
run_case (guint which, int plugin, int round)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gboolean ok = run_process (plugin, cases[which].args, out);
  g_auto (GStrv) lines = g_strsplit (out->str, "\n", -1);

  if (json)
    fprintf (json,
        "{\"bench\":\"interpipe\",\"case\":\"%s\",\"plugin\":\"%s\",\"round\":%d,\"ok\":%s",
        cases[which].name, plugin_names[plugin], round + 1, ok ? "true" : "false");
  for (int i = 0; i < FIGURES; i++)
    values[which][i][plugin][round] = NAN;
  for (guint i = 0; ok && lines[i]; i++) {
    char *space = strchr (lines[i], ' ');

    if (!space)
      continue;
    *space++ = '\0';
    if (json)
      fprintf (json, ",\"%s\":%s", lines[i], space);
    for (int j = 0; j < FIGURES; j++)
      if (g_str_equal (lines[i], figures[j].key))
        values[which][j][plugin][round] = g_ascii_strtod (space, NULL);
  }
  if (json)
    fprintf (json, "}\n");
  if (!ok) {
    lost[which][plugin]++;
    fprintf (stderr, "bench-interpipe: lost: %s, %s, round %d\n", cases[which].name,
        plugin_names[plugin], round + 1);
  }
}

/* ---- the table ---- */

static int
by_value (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

typedef struct {
  double low, median, high; /* low and high: the quartiles */
  int count;
} Spread;

/* Of the rounds in which there is a figure; sorts `from`. */
static Spread
spread_of (double *from)
{
  Spread spread = { NAN, NAN, NAN, 0 };
  int count = 0;

  for (int i = 0; i < rounds; i++)
    if (!isnan (from[i]))
      from[count++] = from[i];
  spread.count = count;
  if (count == 0)
    return spread;
  qsort (from, count, sizeof *from, by_value);
  spread.low = from[count / 4];
  spread.median = (from[(count - 1) / 2] + from[count / 2]) / 2;
  spread.high = from[count * 3 / 4];
  return spread;
}

/* JSON has no NAN. */
static void
print_number (const char *name, double value)
{
  if (isnan (value))
    fprintf (json, ",\"%s\":null", name);
  else
    fprintf (json, ",\"%s\":%.4f", name, value);
}

/* Whether what is bounded here is within its bound. */
static gboolean
print_row (guint which, int figure)
{
  double (*of)[ROUNDS_MAX] = values[which][figure];
  double by_round[ROUNDS_MAX];
  Spread ratio, before, after;
  double bound = figure == RATE ? RATE_AT_LEAST : figure == P99 ? cases[which].p99_at_most : 0;
  gboolean held = TRUE;
  g_autofree gchar *text = g_strdup ("-");

  for (int i = 0; i < rounds; i++)
    by_round[i] = of[AFTER][i] / (of[BEFORE][i] > 0 ? of[BEFORE][i] : NAN);
  ratio = spread_of (by_round);
  before = spread_of (of[BEFORE]);
  after = spread_of (of[AFTER]);
  if (bound > 0) {
    held = figure == RATE ? ratio.median >= bound : ratio.median <= bound; /* NAN: neither */
    g_free (text);
    text =
        g_strdup_printf ("%s %.2f %s", figure == RATE ? ">=" : "<=", bound, held ? "ok" : "MISSED");
  }
  printf ("%-23s %-17s %11.2f %11.2f  %5.2f  %5.2f..%-5.2f  %s\n", cases[which].name,
      figures[figure].title, before.median, after.median, ratio.median, ratio.low, ratio.high,
      text);
  if (json) {
    fprintf (json, "{\"bench\":\"interpipe\",\"case\":\"%s\",\"figure\":\"%s\",\"pairs\":%d",
        cases[which].name, figures[figure].key, ratio.count);
    print_number ("before", before.median);
    print_number ("after", after.median);
    print_number ("ratio", ratio.median);
    print_number ("ratio_q1", ratio.low);
    print_number ("ratio_q3", ratio.high);
    fprintf (json, ",\"lost_before\":%d,\"lost_after\":%d,\"held\":%s}\n", lost[which][BEFORE],
        lost[which][AFTER], held ? "true" : "false");
  }
  return held;
}

static gboolean
is_wanted (guint which)
{
  return !only || strstr (cases[which].name, only);
}

static gboolean
has_figure (guint which, int figure)
{
  if (g_str_equal (cases[which].args[0], "flow"))
    return figure == RATE || figure == CPU || figure == WAITS
        || (figure == ALLOCATED && g_str_equal (cases[which].args[3], "restart"));
  return figure == P50 || figure == P99;
}

static gboolean
print_table (void)
{
  gboolean good = TRUE;

  printf ("%-23s %-17s %11s %11s  %5s  %-12s  %s\n", "case", "figure", "before", "after", "ratio",
      "quartiles", "bound");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    if (!is_wanted (i))
      continue;
    for (int j = 0; j < FIGURES; j++)
      if (has_figure (i, j) && !print_row (i, j))
        good = FALSE;
    if (lost[i][BEFORE] || lost[i][AFTER])
      printf (
          "%-23s lost: before %d, after %d of %d\n", "", lost[i][BEFORE], lost[i][AFTER], rounds);
    if (lost[i][AFTER])
      good = FALSE;
  }
  return good;
}

/* ---- the run ---- */

/* A copy, so that a build that goes on meanwhile changes nothing. */
static gboolean
copy_plugin (int plugin)
{
  g_autofree gchar *from = g_build_filename (dirs[plugin], "libgstinterpipe.so", NULL);
  g_autofree gchar *to = plugin_file (plugin);
  g_autofree gchar *dir = g_path_get_dirname (to);
  g_autofree gchar *contents = NULL, *digest = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (g_mkdir (dir, 0700) || !g_file_get_contents (from, &contents, &length, &error)
      || !g_file_set_contents (to, contents, length, &error)) {
    fprintf (
        stderr, "bench-interpipe: %s: %s\n", from, error ? error->message : g_strerror (errno));
    return FALSE;
  }
  digest = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) contents, length);
  printf ("%s: %s (%.12s)\n", plugin_names[plugin], from, digest);
  if (json)
    fprintf (json,
        "{\"bench\":\"interpipe\",\"plugin\":\"%s\",\"file\":\"%s\",\"sha256\":\"%s\"}\n",
        plugin_names[plugin], from, digest);
  return TRUE;
}

static void
remove_work (void)
{
  for (int i = 0; i < PLUGINS; i++) {
    g_autofree gchar *file = plugin_file (i);
    g_autofree gchar *dir = g_path_get_dirname (file);
    g_autofree gchar *registry = g_strconcat (dir, ".registry", NULL);

    g_unlink (file);
    g_rmdir (dir);
    g_unlink (registry);
  }
  g_rmdir (work);
}

/* Fills the registry, which takes a while, and sees whether the plugin works at all. */
static gboolean
try_plugin (int plugin)
{
  const char *const args[] = { "flow", "1", "1", "plain", NULL };
  g_autoptr (GString) out = g_string_new (NULL);

  if (run_process (plugin, args, out))
    return TRUE;
  fprintf (stderr, "bench-interpipe: the plugin of the %s side does not carry a buffer\n",
      plugin_names[plugin]);
  return FALSE;
}

static gboolean
old_option (const gchar *option, const gchar *value, gpointer data, GError **error)
{
  (void) value, (void) data;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s is now %s", option,
      g_str_equal (option, "--plain") ? "--before" : "--after");
  return FALSE;
}

static gboolean
parse (int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "before", 0, 0, G_OPTION_ARG_FILENAME, &dirs[BEFORE], "where the plugin of upstream is",
        "DIR" },
    { "after", 0, 0, G_OPTION_ARG_FILENAME, &dirs[AFTER], "where the patched plugin is", "DIR" },
    { "plain", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, old_option, NULL, NULL },
    { "patched", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, old_option, NULL, NULL },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "how often each case runs (15)", "N" },
    { "ms", 0, 0, G_OPTION_ARG_INT, &ms, "how long each time (500)", "N" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &only, "cases with this in their names", "CASE" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &json_file, "where raw figures go, a JSON object a line",
        "FILE" },
    { "quick", 0, 0, G_OPTION_ARG_NONE, &quick, "5 rounds of 200 ms", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error)) {
    fprintf (stderr, "bench-interpipe: %s\n", error->message);
    return FALSE;
  }
  rounds = rounds ? rounds : quick ? ROUNDS_QUICK : ROUNDS_DEFAULT;
  ms = ms ? ms : quick ? MS_QUICK : MS_DEFAULT;
  if (*argc > 1 || !dirs[BEFORE] || !dirs[AFTER] || rounds < 1 || rounds > ROUNDS_MAX || ms < 1) {
    fprintf (stderr,
        "usage: bench-interpipe --before DIR --after DIR [--rounds N] [--ms N] "
        "[--only CASE] [--json FILE] [--quick]\n");
    return FALSE;
  }
  if (json_file && !(json = fopen (json_file, "w"))) {
    fprintf (stderr, "bench-interpipe: %s: %s\n", json_file, g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *here = g_path_get_dirname (self ? self : argv[0]);
  gboolean good = FALSE;

  if (!parse (&argc, &argv))
    return 3;
  runner = g_build_filename (here, "bench-interpipe-case", NULL);
  work = g_dir_make_tmp ("bench-interpipe-XXXXXX", NULL);
  if (!work || !copy_plugin (BEFORE) || !copy_plugin (AFTER) || !try_plugin (BEFORE)
      || !try_plugin (AFTER))
    goto out;
  if (json)
    fprintf (json, "{\"bench\":\"interpipe\",\"rounds\":%d,\"ms\":%d}\n", rounds, ms);
  for (int round = 0; round < rounds; round++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      for (int plugin = 0; plugin < PLUGINS && is_wanted (i); plugin++)
        run_case (i, plugin, round);
  good = print_table ();
out:
  if (work)
    remove_work ();
  if (json)
    fclose (json);
  return good ? 0 : 1;
}
