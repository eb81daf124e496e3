/* SPDX-License-Identifier: MIT */
/* icons.c: /appasset, whose icons are on a web server that fails (icons.h). */
#include "icons.h"
#include "steps.h"

/* How many ask for one icon at once, and for how long: a download is given up after 10 s. */
#define CROWD 6
#define HELD_MS 40000
/* An icon of BIG is downloaded within this. */
#define BIG_MS 20000
/* How long a client waits that leaves. */
#define LEAVES_MS 500

static const gchar *const held[] = { "silent-1", "silent-2", "silent-3", "slow" };

/* While four icons do not come, of which one asker has left already. */
void
scenario_icons_held (Runner *runner, Result *result)
{
  Question *questions[G_N_ELEMENTS (held)];
  g_auto (Answer) gone = { 0 };
  g_auto (Answer) again = { 0 };
  guint in_time = 0;
  Sockets sockets;

  step_measure_healthy (runner, result);
  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    questions[i] = icons_ask (runner, held[i], 0, HELD_MS);
  expect_both (result, icons_reach ("s", 1, SOON_MS), "an icon is being fetched");
  question_end (icons_ask (runner, "slow", 1, LEAVES_MS), &gone);
  step_look_meanwhile (runner, result, 0, FALSE);
  sockets_wait_no_close_wait (runner->ports.https, HELD_MS, &sockets);
  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    g_auto (Answer) answer = { 0 };
    question_end (questions[i], &answer);
    result_answer (result, held[i], &answer);
    in_time += answer.status == 404;
  }
  const gint asked = icons_asked ("s");
  question_end (icons_ask (runner, held[0], 0, SOON_MS), &again);
  result_answer (result, "again", &again);
  result_int (result, "answered", in_time);
  result_int (result, "left_close_wait", sockets.close_wait);
  expect_both (result, !gone.answered, "a client left before its icon was there");
  expect_held (
      result, in_time == G_N_ELEMENTS (held), "those who wait are told that there is none");
  expect_held (result, sockets.close_wait == 0, "nothing stays of the client that left");
  expect_fault (result, icons_asked ("s") > asked, "an icon that failed is fetched again at once");
  expect_held (result, again.status == 404 && icons_asked ("s") == asked,
      "an icon that failed is not asked for again at once");
}

static void
ask_one (Runner *runner, Result *result, const gchar *name, Answer *answer)
{
  question_end (icons_ask (runner, name, 0, BIG_MS), answer);
  result_answer (result, name, answer);
}

static void
ask_in_a_crowd (Runner *runner, Result *result)
{
  Question *questions[CROWD];
  guint good = 0;

  for (guint i = 0; i < CROWD; i++)
    questions[i] = icons_ask (runner, "good", 0, SOON_MS);
  for (guint i = 0; i < CROWD; i++) {
    g_auto (Answer) answer = { 0 };
    question_end (questions[i], &answer);
    good += answer.status == 200 && g_strcmp0 (answer.body, "an icon") == 0;
  }
  result_int (result, "crowd", good);
  result_int (result, "crowd_fetches", icons_asked ("good"));
  expect_both (result, good == CROWD, "an icon is delivered to everybody who asks");
  expect_fault (result, icons_asked ("good") == CROWD, "an icon is fetched for everybody who asks");
  expect_held (result, icons_asked ("good") == 1, "an icon is fetched once");
}

/* Without the setting this machine's addresses are refused. */
static void
ask_without_setting (Runner *runner, Result *result)
{
  const gint asked = icons_asked ("good");
  g_autoptr (GError) error = NULL;
  g_auto (Answer) answer = { 0 };

  runner->private_icons = FALSE;
  expect_both (result, runner_restart (runner, &error), "the server starts without the setting");
  ask_one (runner, result, "good", &answer);
  expect_fault (result, answer.status == 200, "an icon is fetched from a private address");
  expect_held (result, answer.status == 404 && icons_asked ("good") == asked,
      "a private address is not asked without the setting");
}

void
scenario_icons_refused (Runner *runner, Result *result)
{
  g_auto (Answer) redirect = { 0 };
  g_auto (Answer) big = { 0 };
  g_auto (Answer) text = { 0 };

  ask_in_a_crowd (runner, result);
  ask_one (runner, result, "redirect", &redirect);
  ask_one (runner, result, "big", &big);
  ask_one (runner, result, "text", &text);
  expect_both (result,
      icons_asked ("redirect") > 0 && icons_asked ("big") > 0 && icons_asked ("text") > 0,
      "each of them was asked for");
  expect_fault (result, icons_asked ("target") > 0, "a redirect is followed");
  expect_held (
      result, redirect.status == 404 && icons_asked ("target") == 0, "a redirect is not followed");
  expect_fault (result, big.status == 200, "an icon of 16 MiB is taken");
  expect_held (result, big.status == 404, "an icon of 16 MiB is refused");
  expect_fault (result, text.status == 200, "a page is taken for an icon");
  expect_held (result, text.status == 404, "a page is not taken for an icon");
  ask_without_setting (runner, result);
}
