/* SPDX-License-Identifier: MIT
 *
 * What arrives, where, and in what form; and that logging waits for nobody and changes nothing in
 * its caller.
 */
#include "../src/clock.h"

#include <locale.h>
#include <wolf-guard/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define TIMEOUT_S 220 /* for the whole file; a hang is a failure */
#define LINES 10000   /* to each of two functions */

static WgLogLevel last_level;
static char *last_line;

static void
keep (WgLogLevel level, const char *line)
{
  last_level = level;
  g_free (last_line);
  last_line = g_strdup (line);
}

static void
test_func (void)
{
  wg_log_set_func (keep);
  wg_log (WG_LOG_WARNING, "%s is %d", "answer", 42);
  g_assert_cmpint (last_level, ==, WG_LOG_WARNING);
  g_assert_cmpstr (last_line, ==, "[GUARD] answer is 42");
  wg_log (WG_LOG_TRACE, "plain");
  g_assert_cmpint (last_level, ==, WG_LOG_TRACE);
  g_assert_cmpstr (last_line, ==, "[GUARD] plain");
  wg_log_set_func (NULL);
}

static void
test_one_line (void)
{
  g_autofree char *long_text = g_strnfill (100000, 'x');
  g_autofree char *expected = g_strconcat ("[GUARD] ", long_text, ".", NULL);

  wg_log_set_func (keep);
  wg_log (WG_LOG_ERROR, "first\nsecond\r\nthird: %s\n", "a\nb\n");
  g_assert_cmpstr (last_line, ==, "[GUARD] first second  third: a b");
  wg_log (WG_LOG_ERROR, "%s.", long_text);
  g_assert_cmpstr (last_line, ==, expected);
  wg_log_set_func (NULL);
}

static void
test_stderr (void)
{
  if (g_test_subprocess ()) {
    wg_log_set_func (keep);
    wg_log (WG_LOG_ERROR, "to the function");
    wg_log_set_func (NULL);
    wg_log (WG_LOG_TRACE, "one %d", 1);
    wg_log (WG_LOG_DEBUG, "two");
    wg_log (WG_LOG_INFO, "three");
    wg_log (WG_LOG_WARNING, "four");
    wg_log (WG_LOG_ERROR, "five");
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("TRACE [GUARD] one 1\nDEBUG [GUARD] two\nINFO [GUARD] three\n"
                             "WARNING [GUARD] four\nERROR [GUARD] five\n");
}

static void *
log_once (void *unused)
{
  (void) unused;
  wg_log (WG_LOG_INFO, "past the lock");
  return NULL;
}

/* A thread that is stuck with stdio's lock does not stick the next one. */
static void
test_stderr_locked (void)
{
  pthread_t thread;

  if (g_test_subprocess ()) {
    flockfile (stderr);
    g_assert_cmpint (pthread_create (&thread, NULL, log_once, NULL), ==, 0);
    pthread_join (thread, NULL);
    funlockfile (stderr);
    return;
  }
  g_test_trap_subprocess (NULL, 20 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*past the lock*");
}

static void
spoil_errno (WgLogLevel level, const char *line)
{
  keep (level, line);
  errno = ERANGE;
}

static void
test_errno (void)
{
  wg_log_set_func (spoil_errno);
  errno = ENOTTY;
  wg_log (WG_LOG_INFO, "x");
  g_assert_cmpint (errno, ==, ENOTTY);
  wg_log_set_func (NULL);
}

static void
cancellation_point (WgLogLevel level, const char *line)
{
  (void) level;
  (void) line;
  pthread_testcancel ();
}

static void *
log_while_cancelled (void *survived)
{
  pthread_cancel (pthread_self ()); /* takes effect at the next cancellation point */
  wg_log (WG_LOG_INFO, "not here");
  *(gboolean *) survived = TRUE;
  pthread_testcancel ();
  return NULL;
}

static void
test_cancel (void)
{
  gboolean survived = FALSE;
  pthread_t thread;
  void *result;

  wg_log_set_func (cancellation_point);
  g_assert_cmpint (pthread_create (&thread, NULL, log_while_cancelled, &survived), ==, 0);
  pthread_join (thread, &result);
  g_assert_true (survived);
  g_assert_true (result == PTHREAD_CANCELED);
  wg_log_set_func (NULL);
}

static atomic_uint counts[2];

static void
count_0 (WgLogLevel level, const char *line)
{
  (void) level;
  (void) line;
  counts[0]++;
}

static void
count_1 (WgLogLevel level, const char *line)
{
  (void) level;
  (void) line;
  counts[1]++;
}

static atomic_uint logged;
static atomic_bool enough;

static void *
log_many (void *unused)
{
  (void) unused;
  while (!enough) {
    wg_log (WG_LOG_DEBUG, "a line");
    logged++;
  }
  return NULL;
}

/* Every line reaches one function, whichever is installed. */
static void
test_swap (void)
{
  pthread_t threads[2];

  wg_log_set_func (count_0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, log_many, NULL), ==, 0);
  for (guint i = 0; counts[0] < LINES || counts[1] < LINES; i++)
    wg_log_set_func (i % 2 ? count_0 : count_1);
  enough = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpuint (counts[0] + counts[1], ==, logged);
  wg_log_set_func (NULL);
}

/* Ages have a point in every locale. (One with a comma, where the machine has it.) */
static void
test_seconds (void)
{
  g_autofree char *before = g_strdup (setlocale (LC_NUMERIC, NULL));
  g_autofree char *text = NULL;

  g_test_message ("comma: %s", setlocale (LC_NUMERIC, "de_DE.UTF-8") ? "yes" : "no such locale");
  text = g_strdup_printf (WG_SECONDS_FORMAT " " WG_SECONDS_FORMAT, WG_SECONDS (3249999),
      WG_SECONDS (60 * G_USEC_PER_SEC));
  setlocale (LC_NUMERIC, before);
  g_assert_cmpstr (text, ==, "3.2 60.0");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  alarm (TIMEOUT_S);
  g_test_add_func ("/log/func", test_func);
  g_test_add_func ("/log/one-line", test_one_line);
  g_test_add_func ("/log/stderr", test_stderr);
  g_test_add_func ("/log/stderr-locked", test_stderr_locked);
  g_test_add_func ("/log/errno", test_errno);
  g_test_add_func ("/log/cancel", test_cancel);
  g_test_add_func ("/log/swap", test_swap);
  g_test_add_func ("/log/seconds", test_seconds);
  result = g_test_run ();
  g_free (last_line);
  return result;
}
