/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include "account.h"
#include "behaviour.h"
#include "child.h"
#include "plugin.h"
#include "tally.h" /* verify/report/result */
#include "timeouts.h"

#include <stdio.h>
#include <string.h>

#define PROGRAM "wolf-interpipe --compare"
#define LIMIT_MS (20000 * WGI_SLOWNESS)

enum { BEFORE, AFTER, RELAY, PLUGINS };
static const gchar *const titles[] = { "before", "after", "relay" };
static const Behaviour *const tables[] = { wgi_elements, wgi_queries, wgi_events };

typedef struct {
  gchar *table, *only;
  gchar *plugins[PLUGINS];
  gboolean record, all;
} Options;

/* A line of the table: name, what was seen on each plugin, reason. */
typedef struct {
  gchar *name, *seen[PLUGINS], *reason;
} Row;

typedef struct {
  const gchar *plugin;
  const Behaviour *behaviour;
} Observation;

static void
observe_in_child (gconstpointer data)
{
  const Observation *observation = data;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *seen = NULL;

  if (!plugin_load (observation->plugin, &error))
    return;
  phase ("%s", observation->behaviour->name);
  seen = observation->behaviour->observe (observation->behaviour->detail);
  g_strlcpy (wgi_account->line, seen, sizeof wgi_account->line);
}

static gchar *
observe (const gchar *plugin, const Behaviour *behaviour)
{
  const Observation observation = { plugin, behaviour };
  g_autofree gchar *how = NULL;

  account_reset ();
  const Ending ending = run_child (observe_in_child, &observation, LIMIT_MS, &how);
  if (ending == ENDED_NEVER)
    return g_strdup ("hangs");
  if (ending == ENDED_BADLY)
    return g_strdup ("crashes");
  if (wgi_account->line[0] == '\0')
    return g_strdup ("the plugin cannot be loaded");
  return g_strdup_printf (
      "%s%s", wgi_account->line, wgi_account->criticals > 0 ? ", a critical" : "");
}

static Row *
row_of (GPtrArray *rows, const gchar *name)
{
  for (guint i = 0; i < rows->len; i++)
    if (g_str_equal (((Row *) rows->pdata[i])->name, name))
      return rows->pdata[i];
  Row *row = g_new0 (Row, 1);
  row->name = g_strdup (name);
  row->reason = g_strdup ("");
  for (guint i = 0; i < PLUGINS; i++)
    row->seen[i] = g_strdup ("");
  g_ptr_array_add (rows, row);
  return row;
}

static gboolean
read_table (const gchar *path, GPtrArray *rows, GError **error)
{
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return FALSE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);
    if (lines[i][0] == '#' || g_strv_length (fields) != PLUGINS + 2)
      continue;
    Row *row = row_of (rows, fields[0]);
    for (guint n = 0; n < PLUGINS; n++) {
      g_free (row->seen[n]);
      row->seen[n] = g_strdup (fields[n + 1]);
    }
    g_free (row->reason);
    row->reason = g_strdup (fields[PLUGINS + 1]);
  }
  return TRUE;
}

static gboolean
write_table (const gchar *path, GPtrArray *rows, GError **error)
{
  g_autoptr (GString) text =
      g_string_new ("# Written by wolf-interpipe --compare --record, but for the reasons.\n"
                    "# name\tbefore\tafter\trelay\treason\n");

  for (guint i = 0; i < rows->len; i++) {
    const Row *row = rows->pdata[i];
    g_string_append_printf (text, "%s\t%s\t%s\t%s\t%s\n", row->name, row->seen[BEFORE],
        row->seen[AFTER], row->seen[RELAY], row->reason);
  }
  return g_file_set_contents (path, text->str, (gssize) text->len, error);
}

static gboolean
differs (const Row *row)
{
  return !g_str_equal (row->seen[BEFORE], row->seen[AFTER])
      || !g_str_equal (row->seen[BEFORE], row->seen[RELAY]);
}

static void
observe_all (const Options *options, GPtrArray *rows)
{
  for (guint t = 0; t < G_N_ELEMENTS (tables); t++)
    for (const Behaviour *behaviour = tables[t]; behaviour->name != NULL; behaviour++) {
      if (!tally_chooses (options->only, behaviour->name))
        continue;
      Row *row = row_of (rows, behaviour->name);
      for (guint i = 0; i < PLUGINS; i++)
        if (options->plugins[i] != NULL) {
          g_free (row->seen[i]);
          row->seen[i] = observe (options->plugins[i], behaviour);
        }
    }
}

/* Returns how many differences have no reason. */
static guint
print (const Options *options, GPtrArray *rows)
{
  guint same = 0, unexplained = 0;

  printf ("| | before | after | relay | why |\n|---|---|---|---|---|\n");
  for (guint i = 0; i < rows->len; i++) {
    const Row *row = rows->pdata[i];
    if (!differs (row)) {
      same++;
      if (!options->all)
        continue;
    } else if (row->reason[0] == '\0') {
      unexplained++;
      g_printerr (PROGRAM ": %s: a difference without a reason: %s | %s | %s\n", row->name,
          row->seen[BEFORE], row->seen[AFTER], row->seen[RELAY]);
    }
    printf ("| %s | %s | %s | %s | %s |\n", row->name, row->seen[BEFORE],
        g_str_equal (row->seen[AFTER], row->seen[BEFORE]) ? "the same" : row->seen[AFTER],
        g_str_equal (row->seen[RELAY], row->seen[BEFORE]) ? "the same" : row->seen[RELAY],
        differs (row) ? row->reason : "");
  }
  printf ("\n%u of %u behaviours are the same on all three.\n", same, rows->len);
  return unexplained;
}

static gboolean
parse (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "compare", 0, 0, G_OPTION_ARG_FILENAME, &options->table,
        "What was recorded, and the reasons of differences", "TABLE" },
    { "before", 0, 0, G_OPTION_ARG_FILENAME, &options->plugins[BEFORE], "Where upstream's is",
        "DIR" },
    { "after", 0, 0, G_OPTION_ARG_FILENAME, &options->plugins[AFTER], "Where the patched one is",
        "DIR" },
    { "relay", 0, 0, G_OPTION_ARG_FILENAME, &options->plugins[RELAY], "Where relay is", "DIR" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &options->only, "Behaviours by name or glob", "NAMES" },
    { "all", 0, 0, G_OPTION_ARG_NONE, &options->all, "Print what is the same, too", NULL },
    { "record", 0, 0, G_OPTION_ARG_NONE, &options->record, "Write what was seen to TABLE", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("— three plugins side by side");

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "Prints a table of what differs. A plugin that is not given is taken from TABLE.\n"
      "Exit status: 0; 1 a difference has no reason in TABLE; 2 wrong usage.\n");
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  for (guint i = 0; i < PLUGINS; i++)
    if (options->plugins[i] != NULL && !plugin_find (&options->plugins[i], PROGRAM)) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "--%s: no plugin", titles[i]);
      return FALSE;
    }
  return TRUE;
}

int
compare_main (int argc, char **argv)
{
  static Options options;
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  if (!parse (&options, &argc, &argv, &error) || !account_open ()
      || !read_table (options.table, rows, &error)) {
    g_printerr (PROGRAM ": %s\n", error ? error->message : "cannot share memory");
    return 2;
  }
  observe_all (&options, rows);
  const guint unexplained = print (&options, rows);
  if (options.record && !write_table (options.table, rows, &error)) {
    g_printerr (PROGRAM ": %s\n", error->message);
    return 2;
  }
  return unexplained > 0;
}
