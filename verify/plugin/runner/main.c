/* SPDX-License-Identifier: MIT */
/*
 * main.c: wolf-interpipe: runs scenarios against a gst-interpipe plugin, one process each.
 */
#include "child.h"
#include "compare.h"
#include "plugin.h"
#include "scenario.h"
#include "tally.h" /* verify/report/result */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scenario's own calls have time limits; this is for what none of them caught. */
#define SCENARIO_LIMIT_MS (30000 * WGI_SLOWNESS)

static const Scenario *const tables[] = { lifetime_scenarios, names_scenarios, race_scenarios,
  locks_scenarios, caps_scenarios, buffers_scenarios, events_scenarios, queries_scenarios,
  times_scenarios, stress_scenarios };

typedef struct {
  const Scenario *scenario;
  const WgiOptions *options;
} Run;

/* In the child. Leaves its line in the account. */
static void
run_in_child (gconstpointer data)
{
  const Run *run = data;
  Result *result = result_new (run->scenario->name, &run->options->head);
  g_autoptr (GError) error = NULL;

  if (plugin_load (run->options->plugin, &error))
    run->scenario->run (result);
  else
    must (result, FALSE, error ? error->message : "the plugin can be loaded");
  result_add_account (result);
  g_autofree gchar *line = result_line (result);
  g_strlcpy (wgi_account->line, line, sizeof wgi_account->line);
}

/* A crash or a hang is a fault shown, if the scenario had set up what it needs. */
static gchar *
line_of_ended_child (const Scenario *scenario, const WgiOptions *options, const gchar *how)
{
  Result *result = result_new (scenario->name, &options->head);

  result_text (result, "ended", how);
  result_text (result, "while", wgi_account->phase);
  must (result, wgi_account->at_work, "the scenario got as far as its work");
  promise (result, FALSE, "the process lives to its end");
  result_add_account (result);
  gchar *line = result_line (result);
  result_free (result);
  return line;
}

static gchar *
line_of_parent (const Scenario *scenario, const WgiOptions *options)
{
  Result *result = result_new (scenario->name, &options->head);

  scenario->run_in_parent (options, result);
  gchar *line = result_line (result);
  result_free (result);
  return line;
}

static void
run_scenario (const Scenario *scenario, const WgiOptions *options, Tally *tally)
{
  const Run run = { scenario, options };
  g_autofree gchar *line = NULL;
  g_autofree gchar *how = NULL;

  account_reset ();
  fflush (NULL);
  if (scenario->run_in_parent != NULL)
    line = line_of_parent (scenario, options);
  else if (run_child (run_in_child, &run, SCENARIO_LIMIT_MS, &how) == ENDED_WELL)
    line = g_strdup (wgi_account->line);
  else
    line = line_of_ended_child (scenario, options, how);
  tally_add (tally, line);
}

static gint
list (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const Scenario *scenario = tables[i]; scenario->name != NULL; scenario++)
      printf ("%-22s %s\n", scenario->name, scenario->about);
  return EXIT_SUCCESS;
}

/* The sanitizers see the life of what GLib allocates only if it comes from malloc. GLib looks at
 * this before main is reached, so start anew. */
static void
use_malloc (char **argv)
{
  if (WGI_SLOWNESS == 1 || g_getenv ("G_SLICE") != NULL)
    return;
  g_setenv ("G_SLICE", "always-malloc", TRUE);
  execv ("/proc/self/exe", argv);
}

int
main (int argc, char **argv)
{
  static WgiOptions options;
  static gboolean append, json;
  const GOptionEntry entries[] = { { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &options.plugin,
                                       "Where libgstinterpipe.so is", "DIR" },
    { "side", 0, 0, G_OPTION_ARG_STRING, &options.side, "What is expected of it", "before|after" },
    { "label", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, plugin_old_option, NULL, NULL },
    { "commit", 0, 0, G_OPTION_ARG_STRING, &options.commit, "The plugin's commit, for the results",
        "ID" },
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "Write the result lines here", "FILE" },
    { "append", 0, 0, G_OPTION_ARG_NONE, &append, "Keep the lines that are there", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json,
        "Write the lines to standard output too, if it is no terminal", NULL },
    { "only", 0, 0, G_OPTION_ARG_STRING, &options.only, "Scenarios by name or glob, with commas",
        "NAMES" },
    { "except", 0, 0, G_OPTION_ARG_STRING, &options.except, "Leave these out", "NAMES" },
    { "long", 0, 0, G_OPTION_ARG_NONE, &options.long_run, "The full counts", NULL },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds,
        "Stress for so long in one process, instead of rounds", "N" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options.list, "Name the scenarios", NULL },
    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("— scenarios on a gst-interpipe");
  g_autoptr (GError) error = NULL;
  Tally tally;
  use_malloc (argv);
  if (argc > 1 && g_str_equal (argv[1], "--compare"))
    return compare_main (argc, argv);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "One line of JSON per scenario. Exit status: 0 all pass; 1 some do not; 2 wrong usage.\n"
      "before: the fault must show. after: the promise must hold.\n"
      "--compare TABLE as the first argument puts three plugins side by side: --compare --help.\n");
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("wolf-interpipe: %s\n", error->message);
    return 2;
  }
  if (options.list)
    return list ();
  if (!plugin_find (&options.plugin, "wolf-interpipe")
      || !plugin_is_side (options.side, "wolf-interpipe"))
    return 2;
  if (!account_open ()) {
    g_printerr ("wolf-interpipe: cannot share memory with its scenarios\n");
    return 2;
  }
  const TallyOptions told = { "wolf-interpipe", options.side, options.out, append, json, 0 };
  if (!tally_open (&tally, &told))
    return 2;
  options.head = (ResultHead){
    "interpipe",
    options.side,
    "interpipe",
    options.commit,
    options.long_run,
  };
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    for (const Scenario *scenario = tables[i]; scenario->name != NULL; scenario++)
      if (tally_chooses (options.only, scenario->name)
          && (options.except == NULL || !tally_chooses (options.except, scenario->name)))
        run_scenario (scenario, &options, &tally);
  return tally_close (&tally);
}
