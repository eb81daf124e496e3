/* SPDX-License-Identifier: MIT */
/* scenarios-sockets.c: what abusive clients and started programs leave of the server's sockets. */
#include "acts.h"

#include <signal.h>

/* After this nothing of an abusive client may be left in CLOSE_WAIT. */
#define LEFT_BEHIND_MS 10000
/* Silent connections that are open while a program is started. */
#define STORM "20"
/* Wolf itself drops a silent client after 5 s. */
#define DROPPED_MS 8000

static void
abuse (Stage *stage, gint64 within_ms, const gchar *kind, const gchar *count, const gchar *at)
{
  g_autoptr (JsonObject) last = stage_probe (stage, within_ms, "abuse", "--kind", kind, "--count",
      count, "--at", at, "--timeout", "5", NULL);
  (void) last;
}

/* Upstream leaves nothing here, so there is no fault to show; a server that is frozen must be
 * noticed. */
static void
control (Stage *stage, Result *result)
{
  StageSockets frozen, thawed;

  kill (stage->pid, SIGSTOP);
  abuse (stage, STAGE_PATIENCE_MS, "connect-fin", "5", "0");
  stage_sockets (stage->ports.https, &frozen);
  kill (stage->pid, SIGCONT);
  const gboolean clean = stage_wait_no_close_wait (stage->ports.https, LEFT_BEHIND_MS, &thawed);
  result_int (result, "control_close_wait", frozen.close_wait);
  expect_both (result, frozen.close_wait >= 5, "sockets of a frozen server are seen in CLOSE_WAIT");
  expect_both (result, clean, "they are gone when it goes on");
}

void
scenario_abuse (Stage *stage, Result *result)
{
  StageSockets after;
  StageFigures before, figures;
  gint64 failures;
  gdouble p99;

  stage_figures (stage, &before);
  if (stage->options->long_run)
    abuse (stage, 20 * STAGE_PATIENCE_MS, "all", "200", "0,10");
  else
    abuse (stage, 3 * STAGE_PATIENCE_MS, "all", "10", "0");
  const gboolean clean = stage_wait_no_close_wait (stage->ports.https, LEFT_BEHIND_MS, &after);
  act_load_end (act_load_start (stage, 0, 1, 5), result, "after", &failures, &p99);
  stage_figures (stage, &figures);
  result_int (result, "close_wait", after.close_wait);
  result_int (result, "unaccepted", after.unaccepted);
  result_figures (result, "before_figures", &before);
  result_figures (result, "after_figures", &figures);
  expect_both (
      result, clean && after.close_wait == 0, "no socket is left in CLOSE_WAIT after 10 s");
  expect_both (result, failures == 0, "the server still answers");
  control (stage, result);
}

static gpointer
storm_main (gpointer stage)
{
  abuse (stage, STAGE_PATIENCE_MS, "connect-silence", STORM, "0,2");
  return NULL;
}

/* A program is started while clients are connected. Does it get their sockets, and do they stay? */
void
scenario_inherited (Stage *stage, Result *result)
{
  GThread *storm = g_thread_new ("storm", storm_main, stage);
  const gint64 until = g_get_monotonic_time () + STAGE_SOON_MS * G_TIME_SPAN_MILLISECOND;
  StageSockets sockets;
  guint all = 0, inherited = 0;

  do
    stage_sockets (stage->ports.https, &sockets);
  while (sockets.established < 10 && g_get_monotonic_time () < until);
  result_int (result, "connections", sockets.established);
  expect_both (result, sockets.established >= 10, "clients are connected when the program starts");

  g_autoptr (Viewer) viewer = viewer_start (stage, 0, "launch", STAGE_SOON_MS);
  g_autoptr (JsonObject) launched = viewer_report (viewer, "launch", STAGE_SOON_MS);
  g_autoptr (GArray) children = process_children (stage->pid);
  while (children->len == 0 && g_get_monotonic_time () < until) {
    g_clear_pointer (&children, g_array_unref);
    stage_let_pass (5);
    children = process_children (stage->pid);
  }
  expect_both (result, launched != NULL && children->len == 1, "the session's program runs");
  g_thread_join (storm);
  if (children->len > 0)
    stage_descriptors (g_array_index (children, GPid, 0), &all, &inherited);
  const gboolean clean = stage_wait_no_close_wait (stage->ports.https, DROPPED_MS, &sockets);
  result_int (result, "child_descriptors", all);
  result_int (result, "child_sockets", inherited);
  result_int (result, "close_wait", sockets.close_wait);
  expect_fault (result, inherited > 0, "the program has Wolf's sockets");
  expect_fault (result, !clean, "connections stay in CLOSE_WAIT after their clients have left");
  expect_held (result, inherited == 0, "the program has none of Wolf's sockets");
  expect_held (result, clean, "no connection stays in CLOSE_WAIT");
}
