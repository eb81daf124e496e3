/* SPDX-License-Identifier: MIT
 *
 * The canary comes back, or is named with its step; one that fails says why.
 */
#include "gate.h"
#include "scan-support.h"
#include "support.h"

#include "../src/books.h"

#include <gst/gst.h>
#include <stdatomic.h>
#include <wolf-guard/canary.h>

#define EVERY_MS 30000

static Gate gate = GATE_INIT;
static atomic_uint touched;

static void
touch (gpointer data)
{
  g_assert_true (data == &touched);
  atomic_fetch_add (&touched, 1);
  gate_pass (&gate);
}

static WgCanaryBook
read_book (void)
{
  WgCanaryBook book;

  g_assert_true (wg_canary_read (&book, G_MAXINT64));
  return book;
}

static gboolean
has_run (guint64 *before)
{
  return read_book ().runs > *before;
}

/* A child's: its process has one canary. */
static void
start (const char *description)
{
  log_watch ();
  g_assert_true (wg_canary_start (description, touch, &touched));
  g_assert_true (wg_canary_start ("nonsense", NULL, NULL)); /* does nothing */
}

static void
await_run (void)
{
  guint64 before = read_book ().runs;

  clock_advance_ms (EVERY_MS);
  assert_comes (has_run, &before);
}

static void
test_healthy (void)
{
  if (run_in_child ())
    return;
  start ("fakesrc num-buffers=1 ! fakesink");
  await_run ();
  await_run ();
  g_assert_cmpuint (atomic_load (&touched), ==, 2);
  g_assert_cmpstr (read_book ().why, ==, "");
  g_assert_cmpuint (log_count ("canary"), ==, 0);
}

/* Named with its step after 2 s, and not repeated while it is away. */
static void
test_stuck (void)
{
  guint64 before = 0;

  if (run_in_child ())
    return;
  start ("fakesrc num-buffers=1 ! fakesink");
  gate_close (&gate);
  scan_at_once (EVERY_MS);
  gate_await (&gate, 1);
  scan_for (1500);
  g_assert_cmpuint (log_count ("canary"), ==, 0);
  scan_for (1000);
  g_assert_cmpuint (log_count ("'wg-canary': canary: the host's own step: slow after 2."), ==, 1);
  scan_for (EVERY_MS + 5000);
  g_assert_cmpuint (atomic_load (&touched), ==, 1);
  gate_open (&gate);
  assert_comes (has_run, &before);
  await_run ();
  g_assert_cmpuint (atomic_load (&touched), ==, 2);
}

/* One warning, and one line when it is well again. */
static void
test_fails (void)
{
  if (run_in_child ())
    return;
  start ("nonexistent ! fakesink");
  await_run ();
  await_run ();
  g_assert_cmpuint (log_count ("canary: a new session would not start: no element"), ==, 1);
  g_assert_cmpstr (read_book ().why, !=, "");
}

static void
test_off (void)
{
  if (run_in_child ())
    return;
  g_setenv ("WOLF_GUARD_CANARY_S", "0", TRUE);
  threads_refuse (TRUE);
  g_assert_true (wg_canary_start ("fakesrc ! fakesink", NULL, NULL)); /* makes no thread */
  threads_refuse (FALSE);
}

static void
test_no_thread (void)
{
  if (run_in_child ())
    return;
  threads_refuse (TRUE);
  g_assert_false (wg_canary_start ("fakesrc num-buffers=1 ! fakesink", touch, &touched));
  threads_refuse (FALSE);
  start ("fakesrc num-buffers=1 ! fakesink");
  await_run ();
}

int
main (int argc, char **argv)
{
  gst_init (NULL, NULL);
  g_test_init (&argc, &argv, NULL);
  clock_install ();
  log_watch ();

  g_test_add_func ("/canary/healthy", test_healthy);
  g_test_add_func ("/canary/stuck", test_stuck);
  g_test_add_func ("/canary/fails", test_fails);
  g_test_add_func ("/canary/off", test_off);
  g_test_add_func ("/canary/no-thread", test_no_thread);
  return g_test_run ();
}
