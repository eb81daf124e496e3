/* SPDX-License-Identifier: MIT */
/*
 * main.c: wolf-stage: runs scenarios on a real Wolf, one process and one network namespace each.
 */
#define _GNU_SOURCE
#include "stage.h"

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a long run the number of sessions that the design promises for. */
#define MANY_LONG 31

static guint
clients_of (const Scenario *scenario, const StageOptions *options)
{
  return options->long_run && g_str_equal (scenario->name, "cancel-many") ? MANY_LONG
                                                                          : scenario->clients;
}

/* Whatever the scenario is about: a server that ends without having been told to has crashed. Wolf
 * catches the signal of its own crash, so that its exit status is that signal's number. */
static void
tell_crash (Stage *stage, Result *result)
{
  if (stage->crashed_starts > 0) {
    result_int (result, "crashed_starts", stage->crashed_starts);
    expect_held (result, FALSE, "Wolf starts");
  }
  if (stage_is_alive (stage) || stage->told_to_end)
    return;
  result_int (result, "crashed_status",
      WIFSIGNALED (stage->wait_status) ? 128 + WTERMSIG (stage->wait_status)
                                       : WEXITSTATUS (stage->wait_status));
  expect_held (result, FALSE, "Wolf goes on running");
}

/* In the child. Leaves its line in `path`. */
static gint
play (const Scenario *scenario, const StageOptions *options, const gchar *dir, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  Result *result = result_new (scenario->name, options->label);
  const gint64 begun = g_get_monotonic_time ();
  Stage *stage = NULL;

  if (stage_enter_network (&error))
    stage = stage_open (options, dir, clients_of (scenario, options), &error);
  if (stage != NULL) {
    scenario->run (stage, result);
    tell_crash (stage, result);
  } else {
    expect_both (result, FALSE, error->message);
  }
  result_ms (
      result, "took_ms", (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND);
  g_autofree gchar *line = result_line (result, options);
  g_file_set_contents (path, line, -1, NULL);
  if (stage != NULL)
    stage_close (stage);
  else
    stage_clear_network ();
  return EXIT_SUCCESS;
}

/* What a scenario left behind when it ended otherwise than it should comes to us, as their next of
 * kin. */
static void
end_orphans (void)
{
  static const gchar *const path = "/proc/thread-self/children";
  const gint64 until = g_get_monotonic_time () + STAGE_SHORT_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;

  while (g_get_monotonic_time () < until) {
    g_autofree gchar *text = NULL;
    if (!g_file_get_contents (path, &text, NULL, NULL) || *g_strstrip (text) == '\0')
      return;
    g_auto (GStrv) words = g_strsplit (text, " ", -1);
    for (gchar **word = words; *word != NULL; word++)
      kill ((GPid) g_ascii_strtoll (*word, NULL, 10), SIGKILL);
    waitpid (-1, NULL, 0);
  }
}

static gboolean
wait_for (GPid child, guint bound_s)
{
  const gint64 until = g_get_monotonic_time () + bound_s * G_TIME_SPAN_SECOND;

  while (waitpid (child, NULL, WNOHANG) == 0) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    stage_let_pass (20);
  }
  return TRUE;
}

static gchar *
failed_line (const Scenario *scenario, const StageOptions *options, const gchar *why)
{
  Result *result = result_new (scenario->name, options->label);

  expect_both (result, FALSE, why);
  gchar *line = result_line (result, options);
  result_free (result);
  return line;
}

/* Writes the scenario's line. Returns whether it passed. */
static gboolean
stage_scenario (const Scenario *scenario, const StageOptions *options, FILE *out)
{
  g_autofree gchar *dir = g_build_filename (options->scratch, scenario->name, NULL);
  g_autofree gchar *path = g_build_filename (dir, "result.json", NULL);
  g_autofree gchar *line = NULL;
  g_autoptr (GError) error = NULL;

  g_mkdir_with_parents (dir, 0755);
  if (!stage_make_certificates (options, clients_of (scenario, options), &error)) {
    line = failed_line (scenario, options, error->message);
  } else {
    fflush (NULL);
    const GPid child = fork ();
    if (child == 0) {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      _exit (play (scenario, options, dir, path));
    }
    const gboolean in_time = wait_for (child, scenario->bound_s);
    if (!in_time) {
      stage_kill_network_of (child);
      waitpid (child, NULL, 0);
    }
    end_orphans ();
    if (!g_file_get_contents (path, &line, NULL, NULL))
      line = failed_line (scenario, options,
          in_time ? "the scenario ended without a result" : "the scenario ended in time");
  }
  fprintf (out, "%s\n", line);
  fflush (out);
  if (out != stdout)
    g_print ("%s\n", line);
  return strstr (line, "\"pass\":true") != NULL;
}

static void
remove_folder (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *inner = g_build_filename (path, name, NULL);
    if (g_file_test (inner, G_FILE_TEST_IS_DIR) && !g_file_test (inner, G_FILE_TEST_IS_SYMLINK))
      remove_folder (inner);
    else
      g_unlink (inner);
  }
  g_rmdir (path);
}

static gint
list (void)
{
  for (const Scenario *scenario = stage_scenarios; scenario->name != NULL; scenario++)
    g_print ("%-20s %s\n", scenario->name, scenario->about);
  return EXIT_SUCCESS;
}

static gboolean
is_chosen (const Scenario *scenario, const gchar *only)
{
  g_auto (GStrv) globs = g_strsplit (only ? only : "*", ",", -1);

  for (gchar **glob = globs; *glob != NULL; glob++)
    if (g_pattern_match_simple (*glob, scenario->name))
      return TRUE;
  return FALSE;
}

static gboolean
are_usable (const StageOptions *options)
{
  const struct {
    const gchar *option, *path;
    GFileTest test;
  } needed[] = { { "--wolf", options->wolf, G_FILE_TEST_IS_EXECUTABLE },
    { "--probe", options->probe, G_FILE_TEST_IS_EXECUTABLE },
    { "--interpipe", options->interpipe, G_FILE_TEST_IS_DIR },
    { "--plugins", options->plugins, G_FILE_TEST_IS_DIR } };

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++)
    if (needed[i].path == NULL || !g_file_test (needed[i].path, needed[i].test)) {
      g_printerr ("wolf-stage: %s %s is not there; see --help\n", needed[i].option,
          needed[i].path ? needed[i].path : "(not given)");
      return FALSE;
    }
  if (g_strcmp0 (options->label, "upstream") == 0 || g_strcmp0 (options->label, "patched") == 0)
    return TRUE;
  g_printerr ("wolf-stage: --label is upstream or patched: it says what is expected\n");
  return FALSE;
}

/* A unix socket's path is at most 107 bytes, and the stage's are in here. */
static gchar *
make_scratch (void)
{
  return g_dir_make_tmp ("wolf-stage-XXXXXX", NULL);
}

static void
absolute (gchar **path)
{
  if (*path == NULL)
    return;
  gchar *whole = g_canonicalize_filename (*path, NULL);
  g_free (*path);
  *path = whole;
}

int
main (int argc, char **argv)
{
  static StageOptions options;
  const GOptionEntry entries[] = { { "wolf", 0, 0, G_OPTION_ARG_FILENAME, &options.wolf,
                                       "The Wolf binary", "FILE" },
    { "interpipe", 0, 0, G_OPTION_ARG_FILENAME, &options.interpipe, "Where libgstinterpipe.so is",
        "DIR" },
    { "patched-plugin", 0, 0, G_OPTION_ARG_NONE, &options.patched_plugin,
        "It is a patched one: what it cures is expected, too", NULL },
    { "probe", 0, 0, G_OPTION_ARG_FILENAME, &options.probe, "The wolf-probe binary", "FILE" },
    { "plugins", 0, 0, G_OPTION_ARG_FILENAME, &options.plugins,
        "Where the tracer and the stand-in are", "DIR" },
    { "label", 0, 0, G_OPTION_ARG_STRING, &options.label, "What is expected of it",
        "upstream|patched" },
    { "commit", 0, 0, G_OPTION_ARG_STRING, &options.commit, "Wolf's commit, for the results",
        "ID" },
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "Append the results here, too", "FILE" },
    { "only", 0, 0, G_OPTION_ARG_STRING, &options.only, "Scenarios by name or glob, with commas",
        "NAMES" },
    { "long", 0, 0, G_OPTION_ARG_NONE, &options.long_run, "The full counts", NULL },
    { "keep", 0, 0, G_OPTION_ARG_NONE, &options.keep, "Keep Wolf's logs and say where", NULL },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options.list, "Name the scenarios", NULL },
    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("— scenarios on a real Wolf");
  g_autoptr (GError) error = NULL;
  guint run = 0, passed = 0;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "One line of JSON per scenario. Exit status: 0 all pass; 1 some do not; 2 wrong usage.\n"
      "Of an upstream binary the fault must show, of a patched one the promise must hold.\n");
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("wolf-stage: %s\n", error->message);
    return 2;
  }
  if (options.list)
    return list ();
  if (!are_usable (&options))
    return 2;
  absolute (&options.wolf);
  absolute (&options.probe);
  absolute (&options.interpipe);
  absolute (&options.plugins);
  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  FILE *out = options.out ? fopen (options.out, "ae") : stdout;
  options.scratch = make_scratch ();
  if (out == NULL || options.scratch == NULL) {
    g_printerr ("wolf-stage: cannot write %s\n", out ? "a temporary folder" : options.out);
    return 2;
  }
  for (const Scenario *scenario = stage_scenarios; scenario->name != NULL; scenario++) {
    if (!is_chosen (scenario, options.only))
      continue;
    run++;
    passed += stage_scenario (scenario, &options, out);
  }
  if (options.keep)
    g_printerr ("wolf-stage: logs are in %s\n", options.scratch);
  else
    remove_folder (options.scratch);
  g_printerr ("wolf-stage: %s: %u of %u pass\n", options.label, passed, run);
  return run > 0 && passed == run ? EXIT_SUCCESS : EXIT_FAILURE;
}
