/* SPDX-License-Identifier: MIT */
/* main.c: wolf-scenarios: what the command line says. */
#include "runner-options.h"
#include "run.h"
#include "scenarios.h"
#include "switches.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>

/* As the command line says. */
static RunnerOptions options = { .jobs = 1 };
static gchar *wolf, *lab, *without, *lab_args;
static gboolean want_list;

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

/* Of an option that only says how it is called now; its value need not be there. */
#define HIDDEN (G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_OPTIONAL_ARG)

static gint
list (void)
{
  g_print ("scenarios:\n");
  for (const Scenario *scenario = scenarios; scenario->name != NULL; scenario++)
    g_print ("  %-25s %s\n", scenario->name, scenario->about);
  g_print ("\nfixes of the lab, for --without, and the scenarios that must break then:\n");
  for (const Switch *it = switches; it->name != NULL; it++)
    g_print ("  %-10s %s%s%s\n", it->name, *it->must ? it->must : "(none)",
        *it->may ? "; may break: " : "", it->may);
  return EXIT_SUCCESS;
}

static gboolean
wrong (const gchar *what)
{
  g_printerr ("wolf-scenarios: %s; see --help\n", what);
  return FALSE;
}

typedef struct {
  const gchar *option, *path;
  GFileTest test;
} Needed;

static gboolean
are_there (const Needed *needed, guint n)
{
  for (guint i = 0; i < n; i++)
    if (needed[i].path == NULL || !g_file_test (needed[i].path, needed[i].test)) {
      g_printerr ("wolf-scenarios: %s %s is not there; see --help\n", needed[i].option,
          needed[i].path ? needed[i].path : "(not given)");
      return FALSE;
    }
  return TRUE;
}

/* The label says what is expected: the side's name, or which fix is off. */
static gboolean
choose_label (void)
{
  const gboolean after = g_strcmp0 (options.side, "after") == 0;

  if (!after && g_strcmp0 (options.side, "before") != 0)
    return wrong ("--side is before or after: what is expected");
  options.label = g_strdup (options.side);
  if (without == NULL)
    return TRUE;
  options.without = switch_find (without);
  if (options.without == NULL || options.server != &server_lab || !after)
    return wrong (
        "--without names one of the lab's fixes, as --list does, and is for --side after");
  g_free (options.label);
  options.label = g_strconcat ("without-", without, NULL);
  return TRUE;
}

static gboolean
are_usable (void)
{
  const Needed common[] = { { "--probe", options.probe, G_FILE_TEST_IS_EXECUTABLE },
    { "--plugins", options.plugins, G_FILE_TEST_IS_DIR },
    { wolf ? "--wolf" : "--lab", wolf ? wolf : lab, G_FILE_TEST_IS_EXECUTABLE },
    { "--interpipe", options.interpipe, G_FILE_TEST_IS_DIR } };

  if ((wolf == NULL) == (lab == NULL))
    return wrong ("one of --wolf and --lab is needed: the server to test");
  /* The lab's pipelines need no gst-interpipe, unless it is told to use one. */
  if (!are_there (common, G_N_ELEMENTS (common) - (lab && !options.interpipe)))
    return FALSE;
  options.server = wolf ? &server_wolf : &server_lab;
  return choose_label () && (options.jobs >= 1 || wrong ("--jobs is at least 1"));
}

/* What older versions called an option: one line names the new one. */
static gboolean
on_renamed (const gchar *name, const gchar *value G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED,
    GError **error)
{
  static const gchar *const renamed[][2] = { { "--label", "is --side before|after" },
    { "--preset", "is --side before|after" }, { "--patched-plugin", "is --interpipe-has-fixes" },
    { "--replace", "is the default; --append keeps the lines that are there" } };

  for (guint i = 0; i < G_N_ELEMENTS (renamed); i++)
    if (g_str_equal (name, renamed[i][0]))
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s %s", name, renamed[i][1]);
  return FALSE;
}

static void
make_absolute (gchar **path)
{
  if (*path == NULL)
    return;
  gchar *whole = g_canonicalize_filename (*path, NULL);
  g_free (*path);
  *path = whole;
}

static const GOptionEntry entries[] = { { "wolf", 0, 0, G_OPTION_ARG_FILENAME, &wolf,
                                            "A Wolf binary", "FILE" },
  { "lab", 0, 0, G_OPTION_ARG_FILENAME, &lab, "Or the wolf-lab binary", "FILE" },
  { "side", 0, 0, G_OPTION_ARG_STRING, &options.side,
      "What is expected: faults before the series, promises after it", "before|after" },
  { "interpipe", 0, 0, G_OPTION_ARG_FILENAME, &options.interpipe, "Where libgstinterpipe.so is",
      "DIR" },
  { "interpipe-has-fixes", 0, 0, G_OPTION_ARG_NONE, &options.plugin_after,
      "DIR has the series: expect what that cures, too", NULL },
  { "without", 0, 0, G_OPTION_ARG_STRING, &without, "The lab with all of its fixes but this one",
      "SWITCH" },
  { "lab-args", 0, 0, G_OPTION_ARG_STRING, &lab_args, "More arguments for the lab", "WORDS" },
  { "probe", 0, 0, G_OPTION_ARG_FILENAME, &options.probe, "The wolf-probe binary", "FILE" },
  { "plugins", 0, 0, G_OPTION_ARG_FILENAME, &options.plugins,
      "Where the tracer and the fake source are", "DIR" },
  { "commit", 0, 0, G_OPTION_ARG_STRING, &options.commit, "The server's commit, for the results",
      "ID" },
  { "out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "Write the result lines here", "FILE" },
  { "append", 0, 0, G_OPTION_ARG_NONE, &options.append, "Keep the lines that are there", NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &options.json,
      "Write the lines to standard output too, if it is no terminal", NULL },
  { "only", 0, 0, G_OPTION_ARG_STRING, &options.only, "Scenarios by name or glob, with commas",
      "NAMES" },
  { "jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "Scenarios at a time (1)", "N" },
  { "long", 0, 0, G_OPTION_ARG_NONE, &options.long_run, "The full counts", NULL },
  { "keep", 0, 0, G_OPTION_ARG_NONE, &options.keep, "Keep the logs and say where", NULL },
  { "list", 0, 0, G_OPTION_ARG_NONE, &want_list, "Name the scenarios and the lab's fixes", NULL },
  { "label", 0, HIDDEN, G_OPTION_ARG_CALLBACK, on_renamed, NULL, NULL },
  { "preset", 0, HIDDEN, G_OPTION_ARG_CALLBACK, on_renamed, NULL, NULL },
  { "patched-plugin", 0, HIDDEN, G_OPTION_ARG_CALLBACK, on_renamed, NULL, NULL },
  { "replace", 0, HIDDEN, G_OPTION_ARG_CALLBACK, on_renamed, NULL, NULL }, G_OPTION_ENTRY_NULL };

/* FALSE, and said why: wrong usage. */
static gboolean
parse (int argc, char **argv)
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- run scenarios against a Wolf, or against wolf-lab");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "One line of JSON per scenario. A fault that does not show is tried three times; then it is\n"
      "inconclusive.\n"
      "Exit status: 0 none fails; 1 some fail, or more than a third of the faults are "
      "inconclusive;\n"
      "2 wrong usage.\n");
  if (!g_option_context_parse (context, &argc, &argv, &error)
      || (lab_args != NULL && !g_shell_parse_argv (lab_args, NULL, &options.lab_argv, &error))) {
    g_printerr ("wolf-scenarios: %s\n", error->message);
    return FALSE;
  }
  return want_list || are_usable ();
}

/* In a folder of its own, which goes when it is over. */
static gint
run (void)
{
  options.long_run |= g_getenv ("WG_LONG") != NULL && *g_getenv ("WG_LONG") != '\0';
  options.binary = wolf ? wolf : lab;
  make_absolute (&options.binary);
  make_absolute (&options.probe);
  make_absolute (&options.interpipe);
  make_absolute (&options.plugins);
  signal (SIGPIPE, SIG_IGN);
  /* A unix socket's path is at most 107 bytes, and those of the runners are in here. */
  options.scratch = g_dir_make_tmp ("wolf-scenarios-XXXXXX", NULL);
  if (options.scratch == NULL)
    return wrong ("cannot make a temporary folder") ? 0 : 2;
  const gint status = run_scenarios (&options);
  if (options.keep)
    g_printerr ("wolf-scenarios: logs are in %s\n", options.scratch);
  else
    remove_folder (options.scratch);
  return status;
}

int
main (int argc, char **argv)
{
  if (!parse (argc, argv))
    return 2;
  return want_list ? list () : run ();
}
