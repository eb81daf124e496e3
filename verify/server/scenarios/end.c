/* SPDX-License-Identifier: MIT */
/* end.c: SIGTERM: what the pipelines see of it, and how long it takes. */
#include "steps.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* A container's stop, upstream's own waiting loop included, is over by then or killed. */
#define TERM_PATIENCE_MS 15000
#define TERM_LIMIT_MS 5000
/* One pipeline's EOS is held for so long. A process that waits for its pipelines waits for this
 * one; one that does not has left by then. guard gives a pipeline 2 s. */
#define EOS_HELD_MS 600
/* A stuck pipeline is in quarantine 5 s after its stop; the rest is for a busy machine. */
#define QUARANTINE_MS 20000
#define QUARANTINE_LOOK_MS 100

/* What the tracer's journal says of one pipeline. */
typedef struct {
  gboolean playing, eos, null, eos_before_null;
} Story;

static GHashTable *
read_journal (const Runner *runner)
{
  GHashTable *stories = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree gchar *path = runner_path (runner, "journal");
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return stories;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++) {
    g_autoptr (JsonNode) node = json_from_string (*line, NULL);
    if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
      continue;
    JsonObject *entry = json_node_get_object (node);
    const gchar *pipeline = json_object_get_string_member_with_default (entry, "pipeline", "");
    const gchar *element = json_object_get_string_member_with_default (entry, "element", "");
    const gchar *event = json_object_get_string_member_with_default (entry, "event", "");
    const gchar *detail = json_object_get_string_member_with_default (entry, "detail", "");
    if (!g_str_equal (pipeline, element))
      continue; /* the bin's own EOS says that all of its sinks saw it */
    Story *story = g_hash_table_lookup (stories, pipeline);
    if (story == NULL) {
      story = g_new0 (Story, 1);
      g_hash_table_insert (stories, g_strdup (pipeline), story);
    }
    story->playing |= g_strcmp0 (detail, "PAUSED->PLAYING") == 0;
    story->eos |= g_str_equal (event, "eos");
    story->null |= g_strcmp0 (detail, "READY->NULL") == 0;
    story->eos_before_null |= g_str_equal (event, "eos") && !story->null;
  }
  return stories;
}

static void
tell_exit (Runner *runner, Result *result, gboolean ended, gdouble ms)
{
  result_ms (result, "exit_ms", ended ? ms : -1);
  if (ended && WIFEXITED (runner->wait_status))
    result_int (result, "exit_status", WEXITSTATUS (runner->wait_status));
  if (ended && WIFSIGNALED (runner->wait_status))
    result_text (result, "exit_signal", strsignal (WTERMSIG (runner->wait_status)));
}

void
scenario_sigterm_streaming (Runner *runner, Result *result)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) client_end);
  guint playing = 0, eos = 0, null = 0;
  gdouble ms = -1;

  for (guint i = 0; i < runner->n_clients; i++) {
    Client *client = step_stream (runner, result, i);
    if (client == NULL)
      return;
    g_ptr_array_add (clients, client);
  }
  /* Without this it is luck whether the pipelines or the process end first. */
  g_autoptr (JsonObject) armed = runner_order (runner,
      "stall %s with=interpipesrc_%s_video where=event type=eos for=%d times=1",
      runner->server->encoder, runner->session_ids[0], EOS_HELD_MS);
  expect_both (result, armed != NULL, "the EOS of one pipeline will be held");
  const gboolean ended = runner_signal (runner, SIGTERM, TERM_PATIENCE_MS, &ms);
  tell_exit (runner, result, ended, ms);
  g_autoptr (GHashTable) stories = read_journal (runner);
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, stories);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const Story *story = value;
    playing += story->playing;
    eos += story->playing && story->eos_before_null;
    null += story->playing && story->null;
  }
  result_int (result, "pipelines", playing);
  result_int (result, "pipelines_eos", eos);
  result_int (result, "pipelines_null", null);
  expect_both (result, playing >= 3 * runner->n_clients, "the sessions' pipelines were playing");
  /* It leaves through exit handlers while pipelines run: they are cut off, or its threads, with
   * GStreamer 1.26, hang in there. */
  expect_fault (result, !ended || eos < playing || null < playing,
      "the process ends before its pipelines do, or not at all");
  expect_held (result, eos == playing, "every pipeline saw EOS");
  expect_held (result, null == playing, "every pipeline reached NULL");
  expect_in_time (result, ended && ms <= step_stretched_ms (runner, TERM_LIMIT_MS),
      "the process ended in time");
  expect_held (result,
      ended && WIFEXITED (runner->wait_status) && WEXITSTATUS (runner->wait_status) == 0,
      "the process ended with status 0");
}

/* More are in quarantine than guard tolerates, and the log says so. */
static gboolean
await_full_quarantine (Runner *runner)
{
  const gint64 until = g_get_monotonic_time () + QUARANTINE_MS * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    g_autofree gchar *log = runner_log (runner);
    if (log != NULL && strstr (log, "[GUARD] FAILING") != NULL)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (QUARANTINE_LOOK_MS);
  }
}

/* --long: so many that the quarantine is full before SIGTERM comes. */
void
scenario_sigterm_quarantine (Runner *runner, Result *result)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) client_end);
  gdouble ms = -1;
  guint answered = 0;

  for (guint i = 0; i < runner->n_clients; i++) {
    Client *client = step_stream (runner, result, i);
    if (client == NULL)
      return;
    g_ptr_array_add (clients, client);
    step_strike_source (runner, result, i, "stall", "create");
  }
  for (guint i = 0; i < runner->n_clients; i++) {
    g_auto (Answer) answer = { 0 };
    ask_https_now (runner, i, "/cancel", 1000, &answer);
    answered += answer.status == 200;
  }
  if (runner->options->long_run)
    expect_held (
        result, await_full_quarantine (runner), "the log says that the quarantine is full");
  const gboolean ended = runner_signal (runner, SIGTERM, TERM_PATIENCE_MS, &ms);
  result_int (result, "stuck_sessions", runner->n_clients);
  result_int (result, "cancel_answered", answered);
  tell_exit (runner, result, ended, ms);
  expect_fault (result, !ended || ms > step_stretched_ms (runner, TERM_LIMIT_MS),
      "the process does not end in time");
  expect_in_time (result, ended && ms <= step_stretched_ms (runner, TERM_LIMIT_MS),
      "the process ended in time");
}
