/* SPDX-License-Identifier: MIT */
/*
 * run.c: runs scenarios, one process each, some at a time.
 *
 * Of each process that ends, whatever remains of it (a server, a client, a session's program) comes
 * to this one, as their next of kin, and is killed; the other scenarios' processes are not touched.
 *
 * A scenario is run again in the end, with no other beside it, where that may change its verdict:
 * until TRIES while chance may be why a fault did not show (result_may_be_chance()); once where
 * others ran beside it and load may be why it failed (result_may_be_load()). `first_failed` and
 * `attempts` tell it.
 */
#define _GNU_SOURCE
#include "run.h"
#include "daemon.h"
#include "icons.h"
#include "timing.h"
#include "network.h"
#include "paths.h"
#include "processes.h"
#include "scenarios.h"
#include "steps.h"
#include "tally.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often it is looked whether a scenario has ended. */
#define LOOK_MS 20

/* How often a fault that did not show by chance is asked for. */
#define TRIES 3

/* A scenario's process leaves with one of these where another try is worth it. */
enum { EXIT_CHANCE = 3, EXIT_LOAD };

typedef struct {
  const Scenario *scenario;
  GPid pid;
  gint64 until;
  gchar *dir, *path; /* of its line */
  gchar *first;      /* the first try's line, of a later one */
  guint try;         /* from 1 */
} Job;

typedef struct {
  const RunnerOptions *options;
  Tally tally;
  GArray *jobs;
  GQueue again; /* Jobs */
} Run;

static Result *
new_result (const Scenario *scenario, const RunnerOptions *options)
{
  Result *result = result_new (scenario->name, &options->head);

  result_lacks (result, switch_cure (options->without, scenario->name));
  return result;
}

static guint
clients_of (const Scenario *scenario, const RunnerOptions *options)
{
  return options->long_run && scenario->long_clients ? scenario->long_clients : scenario->clients;
}

/* Whatever the scenario is about: a server that ends without having been told to has crashed. Wolf
 * catches the signal of its own crash, so that its exit status is that signal's number. */
static void
tell_crash (Runner *runner, Result *result)
{
  if (runner->crashed_starts > 0) {
    result_int (result, "crashed_starts", runner->crashed_starts);
    expect_held (result, FALSE, "the server starts");
  }
  if (runner_is_alive (runner) || runner->told_to_end)
    return;
  result_int (result, "crashed_status",
      WIFSIGNALED (runner->wait_status) ? 128 + WTERMSIG (runner->wait_status)
                                        : WEXITSTATUS (runner->wait_status));
  expect_held (result, FALSE, "the server goes on running");
}

static void
tell_tries (Result *result, const Job *job)
{
  g_autoptr (JsonNode) node = json_from_string (job->first, NULL);

  result_int (result, "attempts", job->try);
  result_array (result, "first_failed",
      json_array_ref (json_object_get_array_member (json_node_get_object (node), "failed")));
}

/* What the limits of this scenario were made of (step_limit_ms()). */
static void
tell_machine (const Runner *runner, Result *result)
{
  MachineTimes machine;

  machine_times (runner->machine, runner->begun, &machine);
  result_ms (result, "machine_p50_ms", machine.p50_ms);
  result_ms (result, "machine_worst_ms", machine.worst_ms);
  result_ms (result, "request_cost", runner->cost);
}

/* In the child. Leaves its line in the job's file. */
static gint
run_one (const Job *job, const RunnerOptions *options)
{
  const Scenario *scenario = job->scenario;
  g_autoptr (GError) error = NULL;
  g_autoptr (Result) result = new_result (scenario, options);
  const gint64 begun = g_get_monotonic_time ();
  Machine *machine = NULL;
  Runner *runner = NULL;

  process_adopt ();
  if (scenario->one_arena)
    g_setenv ("MALLOC_ARENA_MAX", "1", TRUE);
  if (!options->server->own_network || network_enter (&error))
    machine = machine_start (&error);
  if (machine != NULL && (!scenario->engine || daemon_start (job->dir, &error))
      && (!scenario->icons || icons_start (&error)))
    runner = runner_open (options, job->dir, clients_of (scenario, options), NULL, &error);
  if (runner != NULL) {
    runner->machine = machine;
    runner->begun = g_get_monotonic_time ();
    scenario->run (runner, result);
    tell_crash (runner, result);
    tell_machine (runner, result);
  } else {
    expect_both (result, FALSE, error->message);
  }
  result_ms (
      result, "took_ms", (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND);
  const gint again = result_may_be_chance (result) ? EXIT_CHANCE
      : result_may_be_load (result)                ? EXIT_LOAD
                                                   : EXIT_SUCCESS;
  if (job->first != NULL)
    tell_tries (result, job);
  g_autofree gchar *line = result_line (result);
  g_file_set_contents (job->path, line, -1, NULL);
  if (options->server->own_network)
    network_clear ();
  process_end_children (NULL, NULL);
  return again;
}

static gchar *
failed_line (const Scenario *scenario, const RunnerOptions *options, const gchar *why)
{
  g_autoptr (Result) result = new_result (scenario, options);

  expect_both (result, FALSE, why);
  return result_line (result);
}

/* Takes `first`, the line of the first try, or NULL. */
static void
start (Run *run, const Scenario *scenario, gchar *first, guint try)
{
  const RunnerOptions *options = run->options;
  g_autoptr (GError) error = NULL;
  Job job = { .scenario = scenario, .first = first, .try = try };

  job.dir = g_strdup_printf ("%s/%s-%u", options->scratch, scenario->name, try);
  job.path = g_build_filename (job.dir, "result.json", NULL);
  job.until = g_get_monotonic_time () + scenario->limit_s * G_TIME_SPAN_SECOND;
  g_mkdir_with_parents (job.dir, 0755);
  if (!runner_make_certificates (options, clients_of (scenario, options), &error)) {
    g_autofree gchar *line = failed_line (scenario, options, error->message);
    tally_add (&run->tally, line);
    return;
  }
  fflush (NULL);
  job.pid = fork ();
  if (job.pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    _exit (run_one (&job, options));
  }
  g_array_append_val (run->jobs, job);
}

static gboolean
is_worth_a_try (const Run *run, const Job *job, gint status, gboolean late)
{
  if (late || (WIFEXITED (status) && WEXITSTATUS (status) == EXIT_LOAD))
    return job->try == 1 && run->options->jobs > 1;
  return WIFEXITED (status) && WEXITSTATUS (status) == EXIT_CHANCE && job->try < TRIES;
}

/* Its line is counted, or kept for when it is run again. */
static void
conclude (Run *run, Job *job, gint status, gboolean late)
{
  gchar *line = NULL;

  if (late || !g_file_get_contents (job->path, &line, NULL, NULL))
    line = failed_line (job->scenario, run->options,
        late ? "the scenario ended in time" : "the scenario ended without a result");
  if (is_worth_a_try (run, job, status, late)) {
    Job *next = g_new0 (Job, 1);
    *next = (Job){ .scenario = job->scenario, .try = job->try + 1 };
    next->first = g_strdup (job->first != NULL ? job->first : line);
    g_queue_push_tail (&run->again, next);
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
      network_kill (job->pid);
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

static void
show_running (Run *run)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < run->jobs->len; i++)
    g_string_append_printf (
        names, "%s%s", i ? " " : "", g_array_index (run->jobs, Job, i).scenario->name);
  tally_running (&run->tally, names->str);
}

/* Until one has ended, at least; then ends what it left behind. */
static void
await_one (Run *run)
{
  GArray *jobs = run->jobs;
  const guint before = jobs->len;

  while (jobs->len == before) {
    show_running (run);
    for (guint i = jobs->len; i-- > 0;)
      if (is_over (run, &g_array_index (jobs, Job, i)))
        g_array_remove_index (jobs, i);
    if (jobs->len == before)
      wait_ms (LOOK_MS);
  }
  process_end_children (is_scenario, jobs);
}

static gboolean
is_chosen (const Scenario *scenario, const RunnerOptions *options)
{
  return tally_chooses (options->only, scenario->name)
      && (scenario->needs & ~options->server->abilities) == 0;
}

/* Those that are to be tried again, one at a time; each may come back. */
static void
run_again (Run *run)
{
  Job *job;

  while ((job = g_queue_pop_head (&run->again)) != NULL) {
    start (run, job->scenario, job->first, job->try);
    g_free (job);
    while (run->jobs->len > 0)
      await_one (run);
  }
}

static guint
count_chosen (const RunnerOptions *options)
{
  guint count = 0;

  for (const Scenario *scenario = scenarios; scenario->name != NULL; scenario++)
    count += is_chosen (scenario, options);
  return count;
}

gint
run_scenarios (RunnerOptions *options)
{
  g_autoptr (GArray) jobs = g_array_new (FALSE, FALSE, sizeof (Job));
  Run run = { .options = options, .jobs = jobs, .again = G_QUEUE_INIT };
  const TallyOptions tally = { "wolf-scenarios", options->label, options->out, options->append,
    options->json, count_chosen (options) };

  if (!tally_open (&run.tally, &tally))
    return 2;
  options->head = (ResultHead){
    .target = options->server->target,
    .label = options->label,
    .subject = options->server->subject,
    .commit = options->commit,
    .long_run = options->long_run,
  };
  process_adopt ();
  for (const Scenario *scenario = scenarios; scenario->name != NULL; scenario++) {
    if (!is_chosen (scenario, options))
      continue;
    if ((gint) jobs->len == options->jobs)
      await_one (&run);
    start (&run, scenario, NULL, 1);
  }
  while (jobs->len > 0)
    await_one (&run);
  run_again (&run);
  return tally_close (&run.tally);
}
