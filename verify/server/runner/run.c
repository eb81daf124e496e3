/* SPDX-License-Identifier: MIT */
/*
 * play.c: runs scenarios, one process each, some at a time.
 *
 * Of each process that ends, whatever remains of it (a server, a client, a session's program) comes
 * to this one, as their next of kin, and is killed; the other scenarios' processes are not touched.
 *
 * Beside each other they are slow on a busy machine. Where that may be why one fails (result_may_be_load()), it
 * is run once more in the end, with no other beside it: `first_failed` says what was wrong.
 */
#define _GNU_SOURCE
#include "runner.h"
#include "tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often it is looked whether a scenario has ended. */
#define LOOK_MS 20

/* A scenario's process leaves with this where another try is worth it. */
#define EXIT_AGAIN 3

typedef struct {
  const Scenario *scenario;
  GPid pid;
  gint64 until;
  gchar *dir, *path; /* of its line */
  gchar *first;      /* the first try's line, of a second one */
} Job;

typedef struct {
  const StageOptions *options;
  Tally tally;
  GArray *jobs;
  GPtrArray *again; /* Jobs */
} Run;

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

static void
tell_first (Result *result, const gchar *first)
{
  g_autoptr (JsonNode) node = json_from_string (first, NULL);

  result_array (result, "first_failed",
      json_array_ref (json_object_get_array_member (json_node_get_object (node), "failed")));
}

/* In the child. Leaves its line in the job's file. */
static gint
play (const Job *job, const StageOptions *options)
{
  const Scenario *scenario = job->scenario;
  g_autoptr (GError) error = NULL;
  g_autoptr (Result) result = new_result (scenario, options);
  const gint64 begun = g_get_monotonic_time ();
  Stage *stage = NULL;

  process_adopt ();
  if (scenario->one_arena)
    g_setenv ("MALLOC_ARENA_MAX", "1", TRUE);
  if (!options->server->own_network || stage_enter_network (&error))
    stage = stage_open (options, job->dir, clients_of (scenario, options), NULL, &error);
  if (stage != NULL) {
    scenario->run (stage, result);
    tell_crash (stage, result);
  } else {
    expect_both (result, FALSE, error->message);
  }
  result_ms (
      result, "took_ms", (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND);
  const gboolean again = result_may_be_load (result);
  if (job->first != NULL)
    tell_first (result, job->first);
  g_autofree gchar *line = result_line (result);
  g_file_set_contents (job->path, line, -1, NULL);
  if (options->server->own_network)
    stage_clear_network ();
  process_end_children (NULL, NULL);
  return again ? EXIT_AGAIN : EXIT_SUCCESS;
}

static gchar *
failed_line (const Scenario *scenario, const StageOptions *options, const gchar *why)
{
  g_autoptr (Result) result = new_result (scenario, options);

  expect_both (result, FALSE, why);
  return result_line (result);
}

/* `first` is the line of a first try, or NULL. */
static void
start (Run *run, const Scenario *scenario, const gchar *first)
{
  const StageOptions *options = run->options;
  g_autoptr (GError) error = NULL;
  Job job = { .scenario = scenario, .first = g_strdup (first) };

  job.dir = g_strconcat (options->scratch, "/", scenario->name, first ? "-again" : "", NULL);
  job.path = g_build_filename (job.dir, "result.json", NULL);
  job.until = g_get_monotonic_time () + scenario->bound_s * G_TIME_SPAN_SECOND;
  g_mkdir_with_parents (job.dir, 0755);
  if (!stage_make_certificates (options, clients_of (scenario, options), &error)) {
    g_autofree gchar *line = failed_line (scenario, options, error->message);
    tally_add (&run->tally, line);
    return;
  }
  fflush (NULL);
  job.pid = fork ();
  if (job.pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    _exit (play (&job, options));
  }
  g_array_append_val (run->jobs, job);
}

/* Its line is counted, or kept for when it is run again. */
static void
conclude (Run *run, Job *job, gint status, gboolean late)
{
  gchar *line = NULL;
  const gboolean again = job->first == NULL && run->options->jobs > 1
      && (late || (WIFEXITED (status) && WEXITSTATUS (status) == EXIT_AGAIN));

  if (late || !g_file_get_contents (job->path, &line, NULL, NULL))
    line = failed_line (job->scenario, run->options,
        late ? "the scenario ended in time" : "the scenario ended without a result");
  if (again) {
    Job *second = g_new0 (Job, 1);
    *second = (Job){ .scenario = job->scenario, .first = g_steal_pointer (&line) };
    g_ptr_array_add (run->again, second);
  } else {
    tally_add (&run->tally, line);
  }
  g_free (line);
  g_free (job->dir);
  g_free (job->path);
  g_free (job->first);
}

/* TRUE when it has ended, or was ended since its time is over. */
static gboolean
is_over (Run *run, Job *job)
{
  const gboolean late = g_get_monotonic_time () >= job->until;
  gint status = 0;

  if (waitpid (job->pid, &status, WNOHANG) == 0) {
    if (!late)
      return FALSE;
    if (run->options->server->own_network)
      stage_kill_network_of (job->pid);
    kill (job->pid, SIGKILL);
    waitpid (job->pid, NULL, 0);
    conclude (run, job, 0, TRUE);
  } else {
    conclude (run, job, status, FALSE);
  }
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
await_one (Run *run)
{
  GArray *jobs = run->jobs;
  const guint before = jobs->len;

  while (jobs->len == before) {
    for (guint i = jobs->len; i-- > 0;)
      if (is_over (run, &g_array_index (jobs, Job, i)))
        g_array_remove_index (jobs, i);
    if (jobs->len == before)
      stage_let_pass (LOOK_MS);
  }
  process_end_children (is_scenario, jobs);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  g_free (job->first);
  g_free (job);
}

gboolean
scenario_is_chosen (const Scenario *scenario, const StageOptions *options)
{
  return tally_chooses (options->only, scenario->name)
      && (scenario->needs & ~options->server->abilities) == 0;
}

gint
stage_play (StageOptions *options)
{
  g_autoptr (GArray) jobs = g_array_new (FALSE, FALSE, sizeof (Job));
  g_autoptr (GPtrArray) again = g_ptr_array_new_with_free_func (job_free);
  Run run = { .options = options, .jobs = jobs, .again = again };

  if (!tally_open (&run.tally, "wolf-scenarios", options->label, options->out, options->replace))
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
    if (!scenario_is_chosen (scenario, options))
      continue;
    if ((gint) jobs->len == options->jobs)
      await_one (&run);
    start (&run, scenario, NULL);
  }
  while (jobs->len > 0)
    await_one (&run);
  for (guint i = 0; i < again->len; i++) {
    const Job *job = g_ptr_array_index (again, i);
    start (&run, job->scenario, job->first);
    while (jobs->len > 0)
      await_one (&run);
  }
  return tally_close (&run.tally);
}
