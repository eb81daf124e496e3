/* SPDX-License-Identifier: MIT */
/*
 * play.c: runs scenarios, one process each, some at a time.
 *
 * Of each process that ends, whatever remains of it (a server, a client, a session's program) comes
 * to this one, as their next of kin, and is killed; the other scenarios' processes are not touched.
 */
#define _GNU_SOURCE
#include "stage.h"
#include "tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often it is looked whether a scenario has ended. */
#define LOOK_MS 20

typedef struct {
  const Scenario *scenario;
  GPid pid;
  gint64 until;
  gchar *dir, *path; /* of its line */
} Job;

static Result *
new_result (const Scenario *scenario, const StageOptions *options)
{
  Result *result = result_new (scenario->name, &options->head);

  result_lacks (result, stage_cure (options, scenario->name));
  return result;
}

static guint
clients_of (const Scenario *scenario, const StageOptions *options)
{
  return options->long_run && scenario->long_clients ? scenario->long_clients : scenario->clients;
}

/* Whatever the scenario is about: a server that ends without having been told to has crashed. Wolf
 * catches the signal of its own crash, so that its exit status is that signal's number. */
static void
tell_crash (Stage *stage, Result *result)
{
  if (stage->crashed_starts > 0) {
    result_int (result, "crashed_starts", stage->crashed_starts);
    expect_held (result, FALSE, "the server starts");
  }
  if (stage_is_alive (stage) || stage->told_to_end)
    return;
  result_int (result, "crashed_status",
      WIFSIGNALED (stage->wait_status) ? 128 + WTERMSIG (stage->wait_status)
                                       : WEXITSTATUS (stage->wait_status));
  expect_held (result, FALSE, "the server goes on running");
}

/* In the child. Leaves its line in `path`. */
static void
play (const Scenario *scenario, const StageOptions *options, const gchar *dir, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Result) result = new_result (scenario, options);
  const gint64 begun = g_get_monotonic_time ();
  Stage *stage = NULL;

  process_adopt ();
  if (!options->server->own_network || stage_enter_network (&error))
    stage = stage_open (options, dir, clients_of (scenario, options), NULL, &error);
  if (stage != NULL) {
    scenario->run (stage, result);
    tell_crash (stage, result);
  } else {
    expect_both (result, FALSE, error->message);
  }
  result_ms (
      result, "took_ms", (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND);
  g_autofree gchar *line = result_line (result);
  g_file_set_contents (path, line, -1, NULL);
  if (options->server->own_network)
    stage_clear_network ();
  process_end_children (NULL, NULL);
}

static gchar *
failed_line (const Scenario *scenario, const StageOptions *options, const gchar *why)
{
  g_autoptr (Result) result = new_result (scenario, options);

  expect_both (result, FALSE, why);
  return result_line (result);
}

/* FALSE, and its line written, if it cannot be started. */
static gboolean
start (Job *job, const Scenario *scenario, const StageOptions *options, Tally *tally)
{
  g_autoptr (GError) error = NULL;

  *job = (Job){ .scenario = scenario };
  job->dir = g_build_filename (options->scratch, scenario->name, NULL);
  job->path = g_build_filename (job->dir, "result.json", NULL);
  job->until = g_get_monotonic_time () + scenario->bound_s * G_TIME_SPAN_SECOND;
  g_mkdir_with_parents (job->dir, 0755);
  if (!stage_make_certificates (options, clients_of (scenario, options), &error)) {
    g_autofree gchar *line = failed_line (scenario, options, error->message);
    tally_add (tally, line);
    return FALSE;
  }
  fflush (NULL);
  job->pid = fork ();
  if (job->pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    play (scenario, options, job->dir, job->path);
    _exit (EXIT_SUCCESS);
  }
  return TRUE;
}

/* TRUE when it has ended, or was ended since its time is over. */
static gboolean
is_over (Job *job, const StageOptions *options, Tally *tally)
{
  g_autofree gchar *line = NULL;
  const gboolean late = g_get_monotonic_time () >= job->until;

  if (waitpid (job->pid, NULL, WNOHANG) == 0) {
    if (!late)
      return FALSE;
    if (options->server->own_network)
      stage_kill_network_of (job->pid);
    kill (job->pid, SIGKILL);
    waitpid (job->pid, NULL, 0);
  }
  if (!g_file_get_contents (job->path, &line, NULL, NULL))
    line = failed_line (job->scenario, options,
        late ? "the scenario ended in time" : "the scenario ended without a result");
  tally_add (tally, line);
  g_free (job->dir);
  g_free (job->path);
  return TRUE;
}

static gboolean
is_scenario (GPid child, gpointer data)
{
  const GArray *jobs = data;

  for (guint i = 0; i < jobs->len; i++)
    if (g_array_index (jobs, Job, i).pid == child)
      return TRUE;
  return FALSE;
}

/* Until one has ended, at least; then ends what it left behind. */
static void
await_one (GArray *jobs, const StageOptions *options, Tally *tally)
{
  const guint before = jobs->len;

  while (jobs->len == before) {
    for (guint i = jobs->len; i-- > 0;)
      if (is_over (&g_array_index (jobs, Job, i), options, tally))
        g_array_remove_index (jobs, i);
    if (jobs->len == before)
      stage_let_pass (LOOK_MS);
  }
  process_end_children (is_scenario, jobs);
}

gboolean
scenario_is_chosen (const Scenario *scenario, const StageOptions *options)
{
  return tally_chooses (options->only, scenario->name)
      && (scenario->needs & ~options->server->abilities) == 0
      && (scenario->only == NULL || scenario->only == options->server);
}

gint
stage_play (StageOptions *options)
{
  g_autoptr (GArray) jobs = g_array_new (FALSE, FALSE, sizeof (Job));
  Tally tally;

  if (!tally_open (&tally, "wolf-stage", options->label, options->out, options->replace))
    return 2;
  options->head = (ResultHead){
    .target = options->server->target,
    .label = options->label,
    .subject = options->server->subject,
    .commit = options->commit,
    .long_run = options->long_run,
  };
  process_adopt ();
  for (const Scenario *scenario = stage_scenarios; scenario->name != NULL; scenario++) {
    Job job;
    if (!scenario_is_chosen (scenario, options))
      continue;
    if ((gint) jobs->len == options->jobs)
      await_one (jobs, options, &tally);
    if (start (&job, scenario, options, &tally))
      g_array_append_val (jobs, job);
  }
  while (jobs->len > 0)
    await_one (jobs, options, &tally);
  return tally_close (&tally);
}
