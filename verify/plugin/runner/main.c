/* SPDX-License-Identifier: MIT */
/*
 * main.c: wolf-interpipe: runs scenarios against a gst-interpipe plugin, one process each.
 */
#include "interpipe.h"
#include "tally.h" /* verify/report/result */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scenario's own calls have bounds; this is for what none of them caught. */
#define SCENARIO_BOUND_MS (30000 * WGI_SLOWNESS)

/* In the child. Leaves its line in the account. */
static void
play (const WgiOptions *options, gpointer data)
{
  const Scenario *scenario = data;
  Result *result = result_new (scenario->name, &options->head);
  g_autoptr (GError) error = NULL;

  if (run_load (options, &error))
    scenario->run (result);
  else
    must (result, FALSE, error ? error->message : "the plugin can be loaded");
  result_add_account (result);
  g_autofree gchar *line = result_line (result);
  g_strlcpy (wgi_account->line, line, sizeof wgi_account->line);
}

/* A crash or a hang is a fault shown, if the scenario had set up what it needs. */
static gchar *
line_of_the_dead (const Scenario *scenario, const WgiOptions *options, const gchar *how)
{
  Result *result = result_new (scenario->name, &options->head);

  result_text (result, "ended", how);
  result_text (result, "while", wgi_account->phase);
  must (result, wgi_account->at_work, "the scenario got as far as its work");
  holds (result, FALSE, "the process lives to its end");
  result_add_account (result);
  gchar *line = result_line (result);
  result_free (result);
  return line;
}

static gchar *
conduct (const Scenario *scenario, const WgiOptions *options)
{
  Result *result = result_new (scenario->name, &options->head);

  scenario->conduct (options, result);
  gchar *line = result_line (result);
  result_free (result);
  return line;
}

static void
run_scenario (const Scenario *scenario, const WgiOptions *options, Tally *tally)
{
  g_autofree gchar *line = NULL;
  g_autofree gchar *how = NULL;

  account_reset ();
  fflush (NULL);
  if (scenario->conduct != NULL)
    line = conduct (scenario, options);
  else if (run_child (options, play, (gpointer) scenario, SCENARIO_BOUND_MS, &how) == ENDED_WELL)
    line = g_strdup (wgi_account->line);
  else
    line = line_of_the_dead (scenario, options, how);
  tally_add (tally, line);
}

static gint
list (void)
{
  for (const Scenario *scenario = wgi_scenarios; scenario->name != NULL; scenario++)
    printf ("%-22s %s\n", scenario->name, scenario->about);
  return EXIT_SUCCESS;
}

/* Takes the plugin's folder, or its file. */
static gboolean
find_plugin (WgiOptions *options)
{
  if (options->plugin != NULL && g_file_test (options->plugin, G_FILE_TEST_IS_DIR)) {
    gchar *file = g_build_filename (options->plugin, "libgstinterpipe.so", NULL);
    g_free (options->plugin);
    options->plugin = file;
  }
  if (options->plugin != NULL && g_file_test (options->plugin, G_FILE_TEST_IS_REGULAR))
    return TRUE;
  g_printerr ("wolf-interpipe: --plugin %s: no libgstinterpipe.so there; see --help\n",
      options->plugin ? options->plugin : "(not given)");
  return FALSE;
}

static gboolean
is_label (const gchar *label)
{
  if (g_strcmp0 (label, "upstream") == 0 || g_strcmp0 (label, "patched") == 0)
    return TRUE;
  g_printerr ("wolf-interpipe: --label is upstream or patched: it says what is expected\n");
  return FALSE;
}

/* The sanitizers see the life of what GLib allocates only if it comes from malloc. GLib looks at
 * this before main is reached, so start anew. */
static void
be_plain (char **argv)
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
  const GOptionEntry entries[] = { { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &options.plugin,
                                       "Where libgstinterpipe.so is", "DIR" },
    { "label", 0, 0, G_OPTION_ARG_STRING, &options.label, "What is expected of it",
        "upstream|patched" },
    { "commit", 0, 0, G_OPTION_ARG_STRING, &options.commit, "The plugin's commit, for the results",
        "ID" },
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "Append the results here, too", "FILE" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &options.only, "Scenarios by name or glob, with commas",
        "NAMES" },
    { "long", 0, 0, G_OPTION_ARG_NONE, &options.long_run, "The full counts", NULL },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds,
        "Stress for so long in one process, instead of rounds", "N" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options.list, "Name the scenarios", NULL },
    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("— scenarios on a gst-interpipe");
  g_autoptr (GError) error = NULL;
  Tally tally;

  be_plain (argv);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "One line of JSON per scenario. Exit status: 0 all pass; 1 some do not; 2 wrong usage.\n"
      "Of upstream's plugin the fault must show, of a patched one the promise must hold.\n");
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("wolf-interpipe: %s\n", error->message);
    return 2;
  }
  if (options.list)
    return list ();
  if (!find_plugin (&options) || !is_label (options.label))
    return 2;
  if (!account_open ()) {
    g_printerr ("wolf-interpipe: cannot share memory with its scenarios\n");
    return 2;
  }
  if (!tally_open (&tally, "wolf-interpipe", options.label, options.out, FALSE))
    return 2;
  options.head = (ResultHead){
    "interpipe",
    options.label,
    "interpipe",
    options.commit,
    options.long_run,
  };
  for (const Scenario *scenario = wgi_scenarios; scenario->name != NULL; scenario++)
    if (tally_chooses (options.only, scenario->name))
      run_scenario (scenario, &options, &tally);
  return tally_close (&tally);
}
