/* SPDX-License-Identifier: MIT
 *
 * benches.c: lines of benches, and the rounds of bench-interpipe as ratios.
 */
#include "model.h"

#include <math.h>
#include <string.h>

gboolean
bench_missed (const Bench *bench)
{
  return bench->bound_is_min ? bench->value < bench->bound : bench->value > bench->bound;
}

gboolean
bench_held (const Bench *bench)
{
  return !isnan (bench->bound) && !bench_missed (bench);
}

gboolean
bench_add (Report *report, const Line *line, GError **error)
{
  Bench *bench;
  JsonObject *object = line->object;
  const char *is = object_text (object, "bound_is");
  const char *name = object_text (object, "case"), *unit = object_text (object, "unit");

  if (name == NULL || unit == NULL || isnan (object_number (object, "value"))) {
    line_error (line, error, "a bench without \"%s\"", !name ? "case" : !unit ? "unit" : "value");
    return FALSE;
  }
  if (is != NULL && !g_str_equal (is, "max") && !g_str_equal (is, "min")) {
    line_error (line, error, "\"bound_is\" is neither \"max\" nor \"min\"");
    return FALSE;
  }
  bench = g_new0 (Bench, 1);
  bench->family = object_text (object, "bench");
  bench->name = name;
  bench->unit = unit;
  bench->baseline = object_text (object, "baseline");
  bench->value = object_number (object, "value");
  bench->p10 = object_number (object, "p10");
  bench->p90 = object_number (object, "p90");
  bench->bound = object_number (object, "bound");
  bench->bound_is_min = is != NULL && g_str_equal (is, "min");
  bench->rounds = MAX (object_number (object, "rounds"), 0);
  g_ptr_array_add (report->benches, bench);
  return TRUE;
}

/* bench-interpipe keeps each round of each plugin; what it comes to are the ratios of its rounds. Each
 * file is a run of its own. */
static const struct {
  const char *key, *words;
  double bound;
  gboolean bound_is_min;
  const char *only; /* the case that has the bound; NULL: all */
} ratios[] = {
  { "rate", "delivered/s", 0.9, TRUE, NULL },
  { "p99_us", "p99 of a call", 1 / 0.9, FALSE, "16 switchers" },
};

/* Of one case and figure. */
typedef struct {
  const char *file, *name;
  guint figure;
  GHashTable *plain; /* round → value */
  GHashTable *patched;
} Rounds;

void
bench_rounds_free (gpointer data)
{
  Rounds *rounds = data;

  g_hash_table_unref (rounds->plain);
  g_hash_table_unref (rounds->patched);
  g_free (rounds);
}

static Rounds *
find_rounds (GPtrArray *all, const char *file, const char *name, guint figure)
{
  Rounds *rounds;

  for (guint i = 0; i < all->len; i++) {
    rounds = g_ptr_array_index (all, i);
    if (g_str_equal (rounds->file, file) && g_str_equal (rounds->name, name)
        && rounds->figure == figure)
      return rounds;
  }
  rounds = g_new0 (Rounds, 1);
  rounds->file = file;
  rounds->name = name;
  rounds->figure = figure;
  rounds->plain = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  rounds->patched = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_ptr_array_add (all, rounds);
  return rounds;
}

gboolean
bench_add_round (GPtrArray *all, const Line *line)
{
  const char *name = object_text (line->object, "case");
  const char *plugin = object_text (line->object, "plugin");
  const double round = object_number (line->object, "round");
  gboolean used = FALSE;

  if (!name || !plugin || isnan (round))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (ratios); i++) {
    const double value = object_number (line->object, ratios[i].key);
    Rounds *rounds;

    if (!(value > 0))
      continue;
    rounds = find_rounds (all, line->file, name, i);
    g_hash_table_replace (g_str_equal (plugin, "plain") ? rounds->plain : rounds->patched,
        GINT_TO_POINTER ((gint) round), g_memdup2 (&value, sizeof value));
    used = TRUE;
  }
  return used;
}

static gint
by_value (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
percentile (GArray *sorted, guint percent)
{
  return g_array_index (sorted, double, (sorted->len - 1) * percent / 100);
}

static void
add_ratio (Report *report, const Rounds *rounds, gboolean name_file)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));
  GHashTableIter iter;
  gpointer round, patched;
  Bench *bench;

  g_hash_table_iter_init (&iter, rounds->patched);
  while (g_hash_table_iter_next (&iter, &round, &patched)) {
    const double *plain = g_hash_table_lookup (rounds->plain, round);
    double ratio;

    if (plain == NULL)
      continue; /* lost on the other side */
    ratio = *(double *) patched / *plain;
    g_array_append_val (values, ratio);
  }
  if (values->len == 0)
    return;
  g_array_sort (values, by_value);
  bench = g_new0 (Bench, 1);
  bench->family = ratios[rounds->figure].words;
  if (name_file) {
    bench->run = g_path_get_basename (rounds->file);
    if (g_str_has_suffix (bench->run, ".jsonl"))
      bench->run[strlen (bench->run) - strlen (".jsonl")] = '\0';
  }
  bench->name = rounds->name;
  bench->unit = "ratio";
  bench->baseline = "unpatched plugin";
  bench->value = percentile (values, 50);
  bench->p10 = percentile (values, 10);
  bench->p90 = percentile (values, 90);
  bench->bound_is_min = ratios[rounds->figure].bound_is_min;
  bench->bound =
      ratios[rounds->figure].only == NULL || g_str_equal (ratios[rounds->figure].only, rounds->name)
      ? ratios[rounds->figure].bound
      : NAN;
  bench->rounds = values->len;
  g_ptr_array_add (report->benches, bench);
}

static gboolean
of_several_files (GPtrArray *all)
{
  for (guint i = 1; i < all->len; i++)
    if (!g_str_equal (((Rounds *) g_ptr_array_index (all, 0))->file,
            ((Rounds *) g_ptr_array_index (all, i))->file))
      return TRUE;
  return FALSE;
}

void
bench_free (Bench *bench)
{
  g_free (bench->run);
  g_free (bench);
}

gchar *
bench_title (const Bench *bench)
{
  if (bench->run != NULL)
    return g_strdup_printf ("%s: %s: %s", bench->run, bench->family, bench->name);
  return g_strdup_printf ("%s: %s", bench->family, bench->name);
}

void
bench_add_ratios (Report *report, GPtrArray *rounds)
{
  for (guint i = 0; i < rounds->len; i++)
    add_ratio (report, g_ptr_array_index (rounds, i), of_several_files (rounds));
}
