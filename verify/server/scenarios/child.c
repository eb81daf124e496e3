/* SPDX-License-Identifier: MIT */
/* child.c: the kernel ends a session's program, as it does for want of memory. */
#include "around.h"
#include "processes.h"

#include <signal.h>

/* The program that the server has started for the only session; 0: there is none. */
static GPid
only_child (Runner *runner)
{
  g_autoptr (GArray) children = process_children (runner->pid);

  return children->len == 1 ? g_array_index (children, GPid, 0) : 0;
}

static GPid
await_child (Runner *runner)
{
  const gint64 until = g_get_monotonic_time () + SOON_MS * G_TIME_SPAN_MILLISECOND;
  GPid child;

  while ((child = only_child (runner)) == 0 && g_get_monotonic_time () < until)
    wait_ms (20); /* nothing announces it */
  return child;
}

void
scenario_child_killed (Runner *runner, Result *result)
{
  around_begin (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  if (client == NULL)
    return;
  const GPid child = await_child (runner);
  expect_both (result, child != 0 && kill (child, SIGKILL) == 0, "the program is killed");
  const gboolean answers = around_measure (runner, result, "during");
  expect_both (result, answers, "HTTPS answers meanwhile");
  const gboolean outlives = step_outlives (runner, 0, STEP_GONE_MS);
  const guint left = process_children_left (runner->pid, SOON_MS);
  result_bool (result, "outlives", outlives);
  result_int (result, "children", left);
  expect_both (result, !outlives, "the session ends with its program");
  expect_both (result, left == 0, "no child is left, nor a zombie");
  around_end (runner, result);
  step_control_frozen (runner, result);
}
