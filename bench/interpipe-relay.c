/* SPDX-License-Identifier: MIT
 *
 * What relay costs beside gst-interpipe, a tee with queues, a bare appsink with appsrcs, and,
 * paced, the least that a hand-over to another thread can cost (bare-thread.h), in one run.
 *
 * A round runs every case once with each contestant, one right after the other, each in a process
 * of its own (bench-interpipe-case, beside this program). Ratios are medians over rounds of one by
 * the other in the same round.
 *
 *   bench-relay --relay DIR --interpipe DIR [--rounds N] [--ms N] [--only CASE] [--json FILE]
 *
 * DIR: where libgstrelay.so is, or libgstinterpipe.so. Paced cases take six times as long as --ms
 * says. Exit: 0 every bound held, 1 one missed, 3 usage.
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

#define ROUNDS_DEFAULT 9
#define ROUNDS_MAX 99
#define MS_DEFAULT 400
/* At 60 a second the time of one case is some dozens of buffers. */
#define PACED_TIMES 6
/* On top of what a case measures: it gives up by itself after 10 s in which nothing moves. */
#define SPARE_MS 30000
#define PROCESSES_MAX 2

enum { RELAY, INTERPIPE, TEE, APP, BARE, WHO };
enum { RATE, CPU, WAITS, P50, P99, FIGURES };

static const char *const who_names[WHO] = { "relay", "gst-interpipe", "tee+queue", "appsink-appsrc",
  "bare-thread" };

static const struct {
  const char *key, *unit;
} figures[FIGURES] = {
  [RATE] = { "rate", "delivered/s" },
  [CPU] = { "cpu_us", "CPU us/delivered" },
  [WAITS] = { "waits", "waits/delivered" },
  [P50] = { "p50_us", "us" },
  [P99] = { "p99_us", "us" },
};

/* The bounds. A ratio is to the same figure of gst-interpipe in the same round. */
typedef struct {
  int figure;
  double bound;
  gboolean is_min, is_ratio;
} Bound;

static const struct {
  const char *name;
  const char *args[5];
  int last; /* of the contestants */
  Bound bounds[2];
  int processes; /* so many beside each other, and what they deliver together */
} cases[] = {
  { "1 to 1", { "flow", "1", "1", "plain" }, APP, { { 0 } }, 1 },
  { "1 to 4", { "flow", "1", "4", "plain" }, APP, { { 0 } }, 1 },
  /* Three times as many a CPU second: a third of the CPU. */
  { "1 to 16", { "flow", "1", "16", "plain" }, APP, { { CPU, 1 / 3., FALSE, TRUE } }, 1 },
  { "1 to 64", { "flow", "1", "64", "plain" }, APP, { { CPU, 1 / 3., FALSE, TRUE } }, 1 },
  { "1 to 256", { "flow", "1", "256", "plain" }, APP, { { CPU, 1 / 3., FALSE, TRUE } }, 1 },
  { "1 pair", { "flow", "1", "1", "plain" }, INTERPIPE, { { 0 } }, 1 },
  { "2 pairs", { "flow", "2", "1", "plain" }, INTERPIPE, { { 0 } }, 1 },
  { "4 pairs", { "flow", "4", "1", "plain" }, INTERPIPE, { { 0 } }, 1 },
  /* What two pairs can deliver at most on these cores: they share nothing. */
  { "2 processes", { "flow", "1", "1", "plain" }, INTERPIPE, { { 0 } }, 2 },
  { "60 a second, 1 to 1", { "paced", "60", "1" }, BARE,
      { { CPU, 0.7, FALSE, TRUE }, { P50, 1, FALSE, TRUE } }, 1 },
  { "60 a second, 1 to 16", { "paced", "60", "16" }, BARE,
      { { CPU, 0.7, FALSE, TRUE }, { P50, 1, FALSE, TRUE } }, 1 },
  { "120 a second, 1 to 1", { "paced", "120", "1" }, BARE,
      { { CPU, 0.7, FALSE, TRUE }, { P50, 1, FALSE, TRUE } }, 1 },
  { "120 a second, 1 to 16", { "paced", "120", "16" }, BARE,
      { { CPU, 0.7, FALSE, TRUE }, { P50, 1, FALSE, TRUE } }, 1 },
  { "1 switcher", { "switch", "1", "1000" }, INTERPIPE, { { 0 } }, 1 },
  { "4 switchers", { "switch", "4", "1000" }, INTERPIPE, { { 0 } }, 1 },
  { "16 switchers", { "switch", "16", "1000" }, INTERPIPE, { { P99, 200, FALSE, FALSE } }, 1 },
};

static gchar *dirs[2], *json_file, *only, *work, *runner;
static int rounds = ROUNDS_DEFAULT, ms = MS_DEFAULT;
static FILE *json;
static double values[G_N_ELEMENTS (cases)][FIGURES][WHO][ROUNDS_MAX];
static int lost;

/* ---- one process ---- */

static gchar *
plugin_file (int who)
{
  const char *name = who == RELAY ? "libgstrelay.so" : "libgstinterpipe.so";
  static const char *const others[] = { [TEE] = "tee", [APP] = "app", [BARE] = "bare" };

  return who > INTERPIPE ? g_strdup (others[who])
                         : g_build_filename (work, who_names[who], name, NULL);
}

static int
case_ms (guint which)
{
  return g_str_equal (cases[which].args[0], "paced") ? ms * PACED_TIMES : ms;
}

static gboolean
run_process (int who, guint which, GString *out)
{
  g_autofree gchar *file = plugin_file (who);
  /* The others need none but the machine's own. */
  g_autofree gchar *path = who > INTERPIPE ? g_strdup (work) : g_path_get_dirname (file);
  g_autofree gchar *registry = g_strdup_printf ("%s/%d.registry", work, who);
  const int for_ms = case_ms (which);
  const CaseProcess process = { runner, file, path, registry, cases[which].args, for_ms,
    for_ms + SPARE_MS };

  return case_process_run (&process, out);
}

typedef struct {
  int who;
  guint which;
  GString *out;
  gboolean good;
} Process;

static gpointer
run_one (gpointer data)
{
  Process *process = data;

  process->out = g_string_new (NULL);
  process->good = run_process (process->who, process->which, process->out);
  return NULL;
}

/* Rates of processes add up; of all else it is the mean. */
static void
add_figures (guint which, int who, int round, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i]; i++) {
    char *space = strchr (lines[i], ' ');
    if (!space)
      continue;
    *space++ = '\0';
    for (int j = 0; j < FIGURES; j++) {
      double *value = &values[which][j][who][round];
      const double more = g_ascii_strtod (space, NULL) / (j == RATE ? 1 : cases[which].processes);
      if (g_str_equal (lines[i], figures[j].key))
        *value = isnan (*value) ? more : *value + more;
    }
  }
}

static void
run_case (guint which, int who, int round)
{
  Process processes[PROCESSES_MAX];
  GThread *threads[PROCESSES_MAX];
  const int n = cases[which].processes;
  gboolean good = TRUE;

  for (int i = 0; i < FIGURES; i++)
    values[which][i][who][round] = NAN;
  for (int i = 0; i < n; i++) {
    processes[i] = (Process){ .who = who, .which = which };
    threads[i] = g_thread_new ("case", run_one, &processes[i]);
  }
  for (int i = 0; i < n; i++) {
    g_thread_join (threads[i]);
    good = good && processes[i].good;
  }
  for (int i = 0; i < n; i++) {
    if (good)
      add_figures (which, who, round, processes[i].out->str);
    g_string_free (processes[i].out, TRUE);
  }
  if (!good) {
    fprintf (stderr, "bench-relay: lost: %s, %s\n", cases[which].name, who_names[who]);
    lost++;
  }
}

/* ---- figures ---- */

typedef struct {
  double median, p10, p90;
  int count;
} Spread;

static int
by_value (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static Spread
spread_of (const double *from)
{
  double sorted[ROUNDS_MAX];
  int n = 0;

  for (int i = 0; i < rounds; i++)
    if (!isnan (from[i]))
      sorted[n++] = from[i];
  if (n == 0)
    return (Spread){ NAN, NAN, NAN, 0 };
  qsort (sorted, (size_t) n, sizeof *sorted, by_value);
  return (
      Spread){ (sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[n / 10], sorted[n * 9 / 10], n };
}

/* Round by round. */
static Spread
ratio_of (const double *one, const double *other)
{
  double by_round[ROUNDS_MAX];

  for (int i = 0; i < rounds; i++)
    by_round[i] = one[i] / other[i];
  return spread_of (by_round);
}

static void
print_json (guint which, const char *bench, int figure, const char *unit, const Spread *spread,
    const Bound *bound, const char *baseline)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format (now, "%Y-%m-%dT%H:%M:%SZ");

  if (!json)
    return;
  fprintf (json,
      "{\"target\":\"bench\",\"bench\":\"%s\",\"case\":\"%s\",\"figure\":\"%s\",\"unit\":\"%s\","
      "\"value\":%.4f,\"p10\":%.4f,\"p90\":%.4f,\"rounds\":%d",
      bench, cases[which].name, figures[figure].key, unit, spread->median, spread->p10, spread->p90,
      spread->count);
  if (bound)
    fprintf (
        json, ",\"bound\":%.4f,\"bound_is\":\"%s\"", bound->bound, bound->is_min ? "min" : "max");
  else
    fprintf (json, ",\"bound\":null");
  if (baseline)
    fprintf (json, ",\"baseline\":\"%s\"", baseline);
  else
    fprintf (json, ",\"baseline\":null");
  fprintf (json, ",\"date\":\"%s\"}\n", date);
}

static const Bound *
bound_of (guint which, int figure)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases[which].bounds); i++)
    if (cases[which].bounds[i].bound > 0 && cases[which].bounds[i].figure == figure)
      return &cases[which].bounds[i];
  return NULL;
}

static gboolean
holds (const Bound *bound, double value)
{
  return bound->is_min ? value >= bound->bound : value <= bound->bound; /* NAN: neither */
}

static gboolean
print_figure (guint which, int figure)
{
  const Bound *bound = bound_of (which, figure);
  gboolean held = TRUE;
  Spread ratio;

  for (int who = 0; who < WHO; who++) {
    const Spread spread = spread_of (values[which][figure][who]);
    const Bound *its = who == RELAY && bound && !bound->is_ratio ? bound : NULL;
    if (spread.count == 0) {
      printf (who == RELAY ? "%-22s %-17s          -" : "%.0s%.0s          -", cases[which].name,
          figures[figure].unit);
      continue;
    }
    print_json (which, who_names[who], figure, figures[figure].unit, &spread, its, NULL);
    held = held && (!its || holds (its, spread.median));
    if (who == RELAY)
      printf ("%-22s %-17s ", cases[which].name, figures[figure].unit);
    printf ("%10.2f ", spread.median);
  }
  ratio = ratio_of (values[which][figure][RELAY], values[which][figure][INTERPIPE]);
  print_json (which, "relay", figure, "ratio", &ratio, bound && bound->is_ratio ? bound : NULL,
      who_names[INTERPIPE]);
  if (bound && bound->is_ratio)
    held = holds (bound, ratio.median);
  printf ("  %5.2f", ratio.median);
  if (bound)
    printf ("  %s %.2f %s", bound->is_min ? ">=" : "<=", bound->bound, held ? "ok" : "MISSED");
  if (cases[which].last == BARE) {
    ratio = ratio_of (values[which][figure][BARE], values[which][figure][INTERPIPE]);
    print_json (which, who_names[BARE], figure, "ratio", &ratio, NULL, who_names[INTERPIPE]);
    printf ("  (bare thread: %.2f)", ratio.median);
  }
  printf ("\n");
  return held;
}

static gboolean
has_figure (guint which, int figure)
{
  const char *what = cases[which].args[0];

  if (g_str_equal (what, "flow"))
    return figure <= WAITS;
  return figure >= P50 || (g_str_equal (what, "paced") && figure != RATE);
}

static const struct {
  const char *pairs, *one;
} compared[] = {
  { "2 pairs", "1 pair" },
  { "4 pairs", "1 pair" },
  { "2 processes", "1 pair" },
  { "2 pairs", "2 processes" },
};

static guint
case_named (const char *name)
{
  guint i = 0;

  while (!g_str_equal (cases[i].name, name))
    i++;
  return i;
}

/* Pairs by one pair in the same round. */
static void
print_pairs (void)
{
  static const int of_pairs[] = { RATE, CPU };

  for (guint i = 0; i < G_N_ELEMENTS (compared); i++) {
    const guint pairs = case_named (compared[i].pairs), one = case_named (compared[i].one);
    for (guint j = 0; j < G_N_ELEMENTS (of_pairs); j++) {
      const int figure = of_pairs[j];
      for (int who = RELAY; who <= INTERPIPE; who++) {
        const Spread spread = ratio_of (values[pairs][figure][who], values[one][figure][who]);
        if (spread.count == 0)
          continue;
        printf ("%-18s by %-15s %-17s %s %.2f\n", compared[i].pairs, compared[i].one,
            figures[figure].unit, who_names[who], spread.median);
        print_json (pairs, who_names[who], figure, "ratio", &spread, NULL, compared[i].one);
      }
    }
  }
}

/* ---- the run ---- */

/* A copy, so that a build that goes on meanwhile changes nothing. */
static gboolean
copy_plugin (int who)
{
  g_autofree gchar *to = plugin_file (who);
  g_autofree gchar *dir = g_path_get_dirname (to);
  g_autofree gchar *name = g_path_get_basename (to);
  g_autofree gchar *from = g_build_filename (dirs[who], name, NULL);
  g_autofree gchar *contents = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (g_mkdir_with_parents (dir, 0700) == 0
      && g_file_get_contents (from, &contents, &length, &error)
      && g_file_set_contents (to, contents, (gssize) length, &error))
    return TRUE;
  fprintf (stderr, "bench-relay: %s: %s\n", from, error ? error->message : g_strerror (errno));
  return FALSE;
}

static void
remove_work (void)
{
  for (int who = 0; who < WHO; who++) {
    g_autofree gchar *registry = g_strdup_printf ("%s/%d.registry", work, who);
    g_unlink (registry);
    if (who > INTERPIPE)
      continue;
    g_autofree gchar *file = plugin_file (who);
    g_autofree gchar *dir = g_path_get_dirname (file);
    g_unlink (file);
    g_rmdir (dir);
  }
  g_rmdir (work);
}

static gboolean
parse (int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "relay", 0, 0, G_OPTION_ARG_FILENAME, &dirs[RELAY], "where libgstrelay.so is", "DIR" },
    { "interpipe", 0, 0, G_OPTION_ARG_FILENAME, &dirs[INTERPIPE], "where libgstinterpipe.so is",
        "DIR" },
    { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "how often each case runs (9)", "N" },
    { "ms", 0, 0, G_OPTION_ARG_INT, &ms, "how long each time (400)", "N" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &only, "cases with this in their names", "CASE" },
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &json_file, "where figures go, a JSON object a line",
        "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error)) {
    fprintf (stderr, "bench-relay: %s\n", error->message);
    return FALSE;
  }
  if (*argc > 1 || !dirs[RELAY] || !dirs[INTERPIPE] || rounds < 1 || rounds > ROUNDS_MAX
      || ms < 1) {
    fprintf (stderr,
        "usage: bench-relay --relay DIR --interpipe DIR [--rounds N] [--ms N] [--only CASE] "
        "[--json FILE]\n");
    return FALSE;
  }
  if (json_file && !(json = fopen (json_file, "w"))) {
    fprintf (stderr, "bench-relay: %s: %s\n", json_file, g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

static gboolean
is_wanted (guint which)
{
  return !only || strstr (cases[which].name, only);
}

static gboolean
run (void)
{
  gboolean good = TRUE;

  for (int i = 0; i < ROUNDS_MAX * WHO * FIGURES * (int) G_N_ELEMENTS (cases); i++)
    (&values[0][0][0][0])[i] = NAN;
  for (int round = 0; round < rounds; round++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      for (int who = 0; is_wanted (i) && who <= cases[i].last; who++)
        run_case (i, who, round);
  printf ("%-22s %-17s %10s %10s %10s %10s %10s  %s\n", "case", "figure", "relay", "interpipe",
      "tee", "appsrc", "bare", "relay/interpipe");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (int j = 0; is_wanted (i) && j < FIGURES; j++)
      if (has_figure (i, j))
        good = print_figure (i, j) && good;
  print_pairs ();
  return good && lost == 0;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *here = g_path_get_dirname (self ? self : argv[0]);
  gboolean good;

  if (!parse (&argc, &argv))
    return 3;
  runner = g_build_filename (here, "bench-interpipe-case", NULL);
  work = g_dir_make_tmp ("bench-relay-XXXXXX", NULL);
  good = work && copy_plugin (RELAY) && copy_plugin (INTERPIPE) && run ();
  if (work)
    remove_work ();
  if (json)
    fclose (json);
  return good ? 0 : 1;
}
