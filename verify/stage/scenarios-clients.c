/* SPDX-License-Identifier: MIT */
/*
 * scenarios-clients.c: clients that misbehave.
 *
 * No server fails these as a rule, so that there is no fault to show. Instead each has a control: a
 * server that is frozen, and of the lab one with a fault planted, must be noticed.
 */
#include "acts.h"

#include <signal.h>

/* After this nothing of an abusive client may be left in CLOSE_WAIT. */
#define LEFT_BEHIND_MS 10000
/* Idle connections, the seconds for which they stay, and the part of them that must be there while others are
 * asked: the server drops a silent client after 5 s. */
#define IDLE "100"
#define IDLE_LONG "500"
#define IDLE_AT "0,4"
#define IDLE_PART(n) ((n) *9 / 10)
/* What is said to be malformed is answered or turned away within this. */
#define MALFORMED_S "2"
#define MALFORMED_MS 120000

static void
abuse (Stage *stage, gint64 within_ms, const gchar *kind, const gchar *count, const gchar *at)
{
  g_autofree gchar *cert = stage_client_file (stage->options, 0, "client.crt");
  g_autofree gchar *key = stage_client_file (stage->options, 0, "client.key");
  g_autoptr (JsonObject) last G_GNUC_UNUSED = stage_probe (stage, within_ms, "abuse", "--kind",
      kind, "--count", count, "--at", at, "--timeout", "5", "--cert", cert, "--key", key, NULL);
}

/* Upstream leaves nothing here; a server that is frozen must be noticed. */
static void
control_frozen (Stage *stage, Result *result)
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

/* A lab that keeps a reference to each connection that failed must be noticed as well. Its sockets stay
 * only where nothing else closes them. */
static void
control_planted (Stage *stage, Result *result)
{
  StageOptions options;
  StageSockets sockets;
  gchar *keep[] = { (gchar *) "--on-error=keep", NULL };
  Stage *planted = act_open_planted (stage, result, &options, keep);

  if (planted == NULL)
    return;
  abuse (planted, STAGE_PATIENCE_MS, "connect-fin", "5", "0");
  const gboolean clean =
      stage_wait_no_close_wait (planted->ports.https, STAGE_SHORT_PATIENCE_MS, &sockets);
  result_int (result, "control_planted_close_wait", sockets.close_wait);
  expect_both (result, !clean && sockets.close_wait >= 5, "a planted leak is seen in CLOSE_WAIT");
  stage_close (planted);
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
  control_frozen (stage, result);
  if (stage->server == &server_lab)
    control_planted (stage, result);
}

/* Every door is asked once; 0: all answer. */
static gint64
health (Stage *stage)
{
  g_autofree gchar *api = stage_path (stage, "wolf.sock");
  g_autofree gchar *cert = stage_client_file (stage->options, 0, "client.crt");
  g_autofree gchar *key = stage_client_file (stage->options, 0, "client.key");
  g_autofree gchar *slow = g_strdup_printf ("%d", STAGE_SOON_MS);
  g_autoptr (JsonObject) report = stage_probe (stage, STAGE_PATIENCE_MS, "health", "--api", api,
      "--cert", cert, "--key", key, "--slow", slow, NULL);

  return report ? json_object_get_int_member_with_default (report, "exit_status", -1) : -1;
}

typedef struct {
  guint messages, not_sent, silent;
  gchar *last; /* of the messages that could be sent */
} Malformed;

static gboolean
count_malformed (JsonObject *report, gpointer data)
{
  Malformed *malformed = data;
  const gchar *end = json_object_get_string_member_with_default (report, "end", NULL);

  if (end == NULL)
    return FALSE; /* the summary */
  malformed->messages++;
  malformed->silent += g_str_equal (end, "silent");
  if (g_str_equal (end, "nowhere")) {
    malformed->not_sent++;
  } else if (malformed->not_sent == 0) {
    g_free (malformed->last);
    malformed->last = g_strdup_printf ("%s: %s", json_object_get_string_member (report, "door"),
        json_object_get_string_member (report, "message"));
  }
  return TRUE;
}

static void
send_malformed (Stage *stage, const gchar *door, Malformed *malformed)
{
  g_autofree gchar *api = stage_path (stage, "wolf.sock");
  g_autofree gchar *cert = stage_client_file (stage->options, 0, "client.crt");
  g_autofree gchar *key = stage_client_file (stage->options, 0, "client.key");
  const gchar *const words[] = { "--door", door, "--api", api, "--cert", cert, "--key", key,
    "--timeout", MALFORMED_S, NULL };

  stage_probe_each (stage, MALFORMED_MS, "malformed", words, count_malformed, malformed);
}

/* Broken requests, oversized headers, junk. A real Wolf's API is left out: a Content-Length of words, which only
 * who may open its socket can send, ends the process by an exception that nobody catches, patched or
 * not. */
void
scenario_malformed (Stage *stage, Result *result)
{
  static const gchar *const doors[] = { "https", "http", "rtsp", "api" };
  const guint n = G_N_ELEMENTS (doors) - (stage->server == &server_wolf);
  Malformed malformed = { 0 };
  const gint64 before = health (stage);

  for (guint i = 0; i < n; i++)
    send_malformed (stage, doors[i], &malformed);
  const gint64 after = health (stage);
  result_int (result, "messages", malformed.messages);
  result_int (result, "not_sent", malformed.not_sent);
  result_int (result, "silent", malformed.silent);
  result_int (result, "health_before", before);
  result_int (result, "health_after", after);
  if (malformed.not_sent > 0)
    result_text (result, "last_sent", malformed.last);
  expect_both (result, before == 0, "every port answers before");
  expect_both (result, malformed.messages > 0, "messages were sent");
  expect_held (result, malformed.not_sent == 0, "all messages could be sent");
  expect_held (result, after == 0, "every port answers afterwards");
  g_free (malformed.last);
  act_control_frozen (stage, result);
}

typedef struct {
  Stage *stage;
  const gchar *count;
} Idle;

static gpointer
idle_main (gpointer data)
{
  const Idle *idle = data;

  abuse (idle->stage, STAGE_PATIENCE_MS, "connect-silence", idle->count, IDLE_AT);
  return NULL;
}

/* Clients that connect and say nothing, while others are served. */
void
scenario_idle (Stage *stage, Result *result)
{
  const gdouble bound_ms = act_healthy_bound_ms (stage, result);
  Idle idle = { stage, stage->options->long_run ? IDLE_LONG : IDLE };
  const guint wanted = (guint) IDLE_PART (g_ascii_strtoull (idle.count, NULL, 10));
  GThread *thread = g_thread_new ("idle", idle_main, &idle);
  const gint64 until = g_get_monotonic_time () + STAGE_SOON_MS * G_TIME_SPAN_MILLISECOND;
  StageSockets sockets, left;
  gint64 failures;
  gdouble p99;

  do
    stage_sockets (stage->ports.https, &sockets);
  while (sockets.established < wanted && g_get_monotonic_time () < until);
  act_load_end (
      act_load_start (stage, stage->n_clients - 1, 1.5, 5), result, "meanwhile", &failures, &p99);
  g_thread_join (thread);
  const gboolean clean = stage_wait_no_close_wait (stage->ports.https, LEFT_BEHIND_MS, &left);
  result_int (result, "idle", sockets.established);
  result_int (result, "close_wait", left.close_wait);
  expect_both (result, sockets.established >= wanted, "idle connections are there");
  expect_in_time (result, failures == 0 && p99 <= bound_ms, "HTTPS answers in time meanwhile");
  expect_held (result, clean, "none of them stays in CLOSE_WAIT");
  act_control_frozen (stage, result);
}
