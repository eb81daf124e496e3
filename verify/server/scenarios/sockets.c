/* SPDX-License-Identifier: MIT */
/* scenarios-sockets.c: what started programs have of the server's sockets. */
#include "steps.h"

/* Silent connections that are open while a program is started. */
#define STORM "20"
/* A server drops a silent client after 5 s. */
#define DROPPED_MS 8000

static gpointer
storm_main (gpointer stage)
{
  g_autoptr (JsonObject) last G_GNUC_UNUSED = stage_probe (stage, STAGE_PATIENCE_MS, "abuse",
      "--kind", "connect-silence", "--count", STORM, "--at", "0,2", "--timeout", "5", NULL);
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
  expect_fault (result, inherited > 0, "the program has the server's sockets");
  expect_fault (result, !clean, "connections stay in CLOSE_WAIT after their clients have left");
  expect_held (result, inherited == 0, "the program has none of the server's sockets");
  expect_held (result, clean, "no connection stays in CLOSE_WAIT");
}
