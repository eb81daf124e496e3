/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "judge.h"
#include "plugin.h"
#include "processes.h"
#include "tally.h" /* verify/report/result */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most of a case is waiting. */
#define JOBS_DEFAULT 8
#define PRELOAD "libwglocks.so"

/* Starts the program anew with the library, which lies beside it, unless that is so already. */
static gboolean
be_preloaded (char **argv)
{
  wl_holders = dlsym (RTLD_DEFAULT, WG_HOLDERS_SYMBOL);
  if (wl_holders != NULL)
    return TRUE;
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *folder = g_path_get_dirname (self ? self : ".");
  g_autofree gchar *library = g_build_filename (folder, PRELOAD, NULL);
  if (g_getenv ("LD_PRELOAD") == NULL && g_file_test (library, G_FILE_TEST_EXISTS)) {
    g_setenv ("LD_PRELOAD", library, TRUE);
    execv ("/proc/self/exe", argv);
  }
  g_printerr ("wolf-locks: %s cannot be preloaded\n", library);
  return FALSE;
}

static gboolean
load (const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *limit = g_strdup_printf ("%d", LOCK_MS);

  g_setenv ("WOLF_GUARD_LOCK_MS", limit, TRUE);
  if (plugin_load (options->plugin, &error))
    return TRUE;
  g_printerr ("wolf-locks: %s: %s\n", options->plugin, error ? error->message : "not loaded");
  return FALSE;
}

static gint
list (void)
{
  puts ("holders (those that hold locks: -K, by the lock; all: -stall, -exit, -bare):");
  for (const Operation *operation = wl_operations; operation->name != NULL; operation++)
    printf ("  %-16s %s\n", operation->name, operation->about);
  puts ("calls:");
  for (const Call *call = wl_calls; call->name != NULL; call++)
    printf ("  %s\n", call->name);
  return EXIT_SUCCESS;
}

/* For whom a thread delivers depends on what it finds to do: its locks are counted again, with
 * nothing beside it, and the highest number counts. */
#define COUNTS_ALONE 3

/* How many locks each operation takes with this plugin, by doing it. One for each operation. */
static const Case *
count_locks (const Options *options)
{
  g_autoptr (GArray) tasks = g_array_new (FALSE, FALSE, sizeof (Task));
  Case *counts = processes_shared (MAX_OPERATIONS * sizeof *counts);
  static Holder holders[MAX_OPERATIONS];

  for (guint i = 0; wl_operations[i].name != NULL; i++) {
    const Task task = { &holders[i], NULL, &counts[i] };
    holders[i].operation = &wl_operations[i];
    if (wl_operations[i].where == AT_LOCKS)
      g_array_append_val (tasks, task);
  }
  processes_run (options, (const Task *) (gpointer) tasks->data, tasks->len, (guint) options->jobs);
  for (guint i = 0; i < tasks->len * COUNTS_ALONE; i++) {
    const Task *task = &g_array_index (tasks, Task, i % tasks->len);
    const Case before = *task->seen;
    if (!task->holder->operation->delivers)
      continue;
    processes_run (options, task, 1, 1);
    if (before.state == CASE_RUN && before.count > task->seen->count)
      *task->seen = before;
  }
  return counts;
}

static void
add_holder (GArray *holders, const Options *options, const Operation *operation, guint k)
{
  const WgHow hows = options->long_run ? WG_HOLD_BARE : WG_HOLD_EXIT;

  for (WgHow how = WG_HOLD_STALL; how <= hows; how++) {
    const Holder holder = { operation, k, how };
    g_autofree gchar *name = holder_name (&holder);
    if (tally_chooses (options->only, name) && (how == WG_HOLD_STALL || !operation->only_stalls))
      g_array_append_val (holders, holder);
  }
}

static GArray *
find_holders (const Options *options)
{
  GArray *holders = g_array_new (FALSE, FALSE, sizeof (Holder));
  const Case *counts = count_locks (options);

  for (guint i = 0; wl_operations[i].name != NULL; i++) {
    const Operation *operation = &wl_operations[i];
    const guint locks = MIN (counts[i].count, MAX_LOCKS_OF_AN_OPERATION);
    if (operation->where == IN_CALLBACK)
      add_holder (holders, options, operation, 0);
    else if (counts[i].state != CASE_RUN)
      g_printerr ("wolf-locks: %s: could not be counted\n", operation->name);
    for (guint k = 1; operation->where == AT_LOCKS && k <= locks; k++)
      add_holder (holders, options, operation, k);
  }
  return holders;
}

/* All calls for one holder. A case that fails is run once more, with nothing beside it: the machine
 * may be busy. */
static void
run_row (const Options *options, const Holder *holder, Case *row)
{
  Task tasks[MAX_CALLS] = { { 0 } };
  guint n = 0;

  for (guint i = 0; wl_calls[i].name != NULL; i++)
    if (tally_chooses (options->calls, wl_calls[i].name))
      tasks[n++] = (Task){ holder, &wl_calls[i], &row[i] };
  processes_run (options, tasks, n, (guint) options->jobs);
  for (guint i = 0; i < n; i++) {
    const gchar *fault = judge_case (options, holder, tasks[i].call, tasks[i].seen);
    if (fault == NULL)
      continue;
    *tasks[i].seen = (Case){ .again = tasks[i].seen->again };
    g_strlcpy (tasks[i].seen->first, fault, sizeof tasks[i].seen->first);
    processes_run (options, &tasks[i], 1, 1);
  }
}

static gint
run (const Options *options, Tally *tally)
{
  g_autoptr (GArray) holders = find_holders (options);
  const Holder *all = (const Holder *) (gpointer) holders->data;
  g_autofree Case **rows = g_new0 (Case *, holders->len);

  for (guint i = 0; i < holders->len; i++) {
    rows[i] = processes_shared (wl_n_calls () * sizeof (Case));
    run_row (options, &all[i], rows[i]);
    g_autofree gchar *line = judge_row (options, &all[i], rows[i]);
    tally_add (tally, line);
  }
  judge_table (all, rows, holders->len);
  return tally_close (tally);
}

int
main (int argc, char **argv)
{
  static Options options = { .jobs = JOBS_DEFAULT };
  const GOptionEntry entries[] = { { "plugin", 0, 0, G_OPTION_ARG_FILENAME, &options.plugin,
                                       "Where libgstinterpipe.so is", "DIR" },
    { "side", 0, 0, G_OPTION_ARG_STRING, &options.side, "What is expected of it", "before|after" },
    { "label", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, plugin_old_option, NULL, NULL },
    { "only", 0, 0, G_OPTION_ARG_STRING, &options.only, "Holders by name or glob, with commas",
        "NAMES" },
    { "calls", 0, 0, G_OPTION_ARG_STRING, &options.calls, "Calls by name or glob, with commas",
        "NAMES" },
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &options.out, "Write the result lines here", "FILE" },
    { "jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "How many processes at a time", "N" },
    { "long", 0, 0, G_OPTION_ARG_NONE, &options.long_run, "The bare exit syscall, too", NULL },
    { "gdb", 0, 0, G_OPTION_ARG_FILENAME, &options.gdb,
        "Have gdb write down, there, where the threads of a hang stand", "DIR" },
    { "list", 0, 0, G_OPTION_ARG_NONE, &options.list, "Name the holders and calls", NULL },
    G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = g_option_context_new ("— who waits for whom");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) args = g_strdupv (argv);
  Tally tally;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (context,
      "One line of JSON per holder, a table on stderr. Exit status: 0 all pass; 1 some do not;\n"
      "2 wrong usage. before: the known hangs must show. after: nothing may hang but what\n"
      "GStreamer's own locks block.\n");
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("wolf-locks: %s\n", error->message);
    return 2;
  }
  if (options.list)
    return list ();
  if (!plugin_find (&options.plugin, "wolf-locks") || !plugin_is_side (options.side, "wolf-locks")
      || !be_preloaded (args))
    return 2;
  options.jobs = CLAMP (options.jobs, 1, 64);
  const TallyOptions told = { "wolf-locks", options.side, options.out, FALSE, FALSE, 0 };
  if (!tally_open (&tally, &told))
    return 2;
  return load (&options) ? run (&options, &tally) : 2;
}
