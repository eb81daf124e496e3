/* SPDX-License-Identifier: MIT */
/* sockets.c: what started programs have of the server's sockets. */
#include "steps.h"
#include "processes.h"

/* Silent connections that are open while a program is started. */
#define STORM "20"
/* A server drops a silent client after 5 s. */
#define DROPPED_MS 8000

static gpointer
storm_main (gpointer runner)
{
  g_autoptr (JsonObject) last G_GNUC_UNUSED = probe_last (runner, PATIENCE_MS, "abuse", "--kind",
      "connect-silence", "--count", STORM, "--at", "0,2", "--timeout", "5", NULL);
  return NULL;
}

/* A program is started while clients are connected. Does it get their sockets, and do they stay? */
void
scenario_inherited (Runner *runner, Result *result)
{
  GThread *storm = g_thread_new ("storm", storm_main, runner);
  const gint64 until = g_get_monotonic_time () + SOON_MS * G_TIME_SPAN_MILLISECOND;
  Sockets sockets;
  guint all = 0, inherited = 0;

  do
    sockets_read (runner->ports.https, &sockets);
  while (sockets.established < 10 && g_get_monotonic_time () < until);
  result_int (result, "connections", sockets.established);
  expect_both (result, sockets.established >= 10, "clients are connected when the program starts");

  g_autoptr (Client) client = client_start (runner, 0, "launch", SOON_MS);
  g_autoptr (JsonObject) launched = client_report (client, "launch", SOON_MS);
  g_autoptr (GArray) children = process_children (runner->pid);
  while (children->len == 0 && g_get_monotonic_time () < until) {
    g_clear_pointer (&children, g_array_unref);
    wait_ms (5);
    children = process_children (runner->pid);
  }
  expect_both (result, launched != NULL && children->len == 1, "the session's program runs");
  g_thread_join (storm);
  if (children->len > 0)
    metrics_descriptors (g_array_index (children, GPid, 0), &all, &inherited);
  const gboolean clean = sockets_wait_no_close_wait (runner->ports.https, DROPPED_MS, &sockets);
  result_int (result, "child_descriptors", all);
  result_int (result, "child_sockets", inherited);
  result_int (result, "close_wait", sockets.close_wait);
  expect_fault (result, inherited > 0, "the program has the server's sockets");
  expect_fault (result, !clean, "connections stay in CLOSE_WAIT after their clients have left");
  expect_held (result, inherited == 0, "the program has none of the server's sockets");
  expect_held (result, clean, "no connection stays in CLOSE_WAIT");
}
