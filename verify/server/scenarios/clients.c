/* SPDX-License-Identifier: MIT */
/*
 * clients.c: clients that misbehave.
 *
 * Of abuse and idle connections no server fails as a rule, so that there is no fault to show.
 * Instead each has a control: a server that is frozen, and of the lab one with a fault planted,
 * must be noticed.
 */
#include "around.h"
#include "steps.h"

#include <signal.h>

/* After this nothing of an abusive client may be left in CLOSE_WAIT. */
#define LEFT_BEHIND_MS 10000
/* Idle connections, the seconds for which they stay, and how many of them must be there while
 * others are asked: the server drops a silent client after 5 s. */
#define IDLE "100"
#define IDLE_LONG "500"
#define IDLE_AT "0,4"
#define IDLE_PART 50 /* of one address a server may take no more than 64 */
/* What is said to be malformed is answered or turned away within this; of a session each of its
 * steps. A server has 2.5 s for an RTSP message. */
#define MALFORMED_S "5"
#define MALFORMED_MS 30000
/* wolf-probe's number of a control packet that is in order. */
#define WITH_KEY 500
/* And of a session that is in order, but is announced in pieces. */
#define IN_PIECES 428

static void
abuse (Runner *runner, gint64 within_ms, const gchar *kind, const gchar *count, const gchar *at)
{
  g_autofree gchar *cert = runner_client_file (runner->options, 0, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, 0, "client.key");
  g_autoptr (JsonObject) last G_GNUC_UNUSED = probe_last (runner, within_ms, "abuse", "--kind",
      kind, "--count", count, "--at", at, "--timeout", "5", "--cert", cert, "--key", key, NULL);
}

/* Upstream leaves nothing here; a server that is frozen must be noticed. */
static void
control_frozen (Runner *runner, Result *result)
{
  Sockets frozen, thawed;

  kill (runner->pid, SIGSTOP);
  abuse (runner, PATIENCE_MS, "connect-fin", "5", "0");
  sockets_read (runner->ports.https, &frozen);
  kill (runner->pid, SIGCONT);
  const gboolean clean = sockets_wait_no_close_wait (runner->ports.https, LEFT_BEHIND_MS, &thawed);
  result_int (result, "control_close_wait", frozen.close_wait);
  expect_both (result, frozen.close_wait >= 5, "sockets of a frozen server are seen in CLOSE_WAIT");
  expect_both (result, clean, "they are gone when it goes on");
}

/* A lab that keeps a reference to each connection that failed must be noticed as well. Its sockets
 * stay only where nothing else closes them. */
static void
control_planted (Runner *runner, Result *result)
{
  RunnerOptions options;
  Sockets sockets;
  gchar *keep[] = { (gchar *) "--on-error=keep", NULL };
  Runner *planted = step_open_planted (runner, result, &options, keep);

  if (planted == NULL)
    return;
  abuse (planted, PATIENCE_MS, "connect-fin", "5", "0");
  const gboolean clean =
      sockets_wait_no_close_wait (planted->ports.https, SHORT_PATIENCE_MS, &sockets);
  result_int (result, "control_planted_close_wait", sockets.close_wait);
  expect_both (result, !clean && sockets.close_wait >= 5, "a planted leak is seen in CLOSE_WAIT");
  runner_close (planted);
}

void
scenario_abuse (Runner *runner, Result *result)
{
  Sockets after;
  Metrics before, metrics;
  LoadTimes times;

  metrics_read (runner, &before);
  if (runner->options->long_run)
    abuse (runner, 20 * PATIENCE_MS, "all", "200", "0,10");
  else
    abuse (runner, 3 * PATIENCE_MS, "all", "10", "0");
  const gboolean clean = sockets_wait_no_close_wait (runner->ports.https, LEFT_BEHIND_MS, &after);
  step_load_end (step_load_start (runner, 0, 1, 5), result, "after", &times);
  metrics_read (runner, &metrics);
  result_int (result, "close_wait", after.close_wait);
  result_int (result, "unaccepted", after.unaccepted);
  result_metrics (result, "metrics_before", &before);
  result_metrics (result, "metrics_after", &metrics);
  expect_both (
      result, clean && after.close_wait == 0, "no socket is left in CLOSE_WAIT after 10 s");
  expect_both (result, times.failures == 0, "the server still answers");
  control_frozen (runner, result);
  if (runner->server == &server_lab)
    control_planted (runner, result);
}

/* The first line is the message's, the second the summary. */
static gboolean
keep_message (JsonObject *report, gpointer data)
{
  JsonObject **sent = data;

  if (json_object_has_member (report, "end"))
    *sent = json_object_ref (report);
  return FALSE;
}

typedef struct {
  guint messages, not_sent, swallowed;
  gboolean control;       /* the message that must be accepted was */
  gboolean in_pieces;     /* and so was the announcement in pieces */
  JsonArray *silent;      /* messages that got neither an answer nor the end of their connection */
  JsonArray *accepted;    /* messages that were, without the key that they need */
  JsonArray *ended_by;    /* messages after which the server was gone */
  JsonArray *silenced_by; /* and after which it was there, but did not answer everywhere */
} Malformed;

/* Sends the Nth message to a door. FALSE: there is none. */
static gboolean
send_malformed (Runner *runner, const gchar *door, guint n, Malformed *malformed, gchar **name,
    gboolean *answered)
{
  g_autofree gchar *api = runner_path (runner, "wolf.sock");
  g_autofree gchar *cert = runner_client_file (runner->options, 0, "client.crt");
  g_autofree gchar *key = runner_client_file (runner->options, 0, "client.key");
  g_autofree gchar *nth = g_strdup_printf ("%u", n);
  const gchar *const words[] = { "--door", door, "--message", nth, "--app", runner->app_id, "--api",
    api, "--cert", cert, "--key", key, "--timeout", MALFORMED_S, NULL };
  JsonObject *sent = NULL;

  probe_each (runner, MALFORMED_MS, "malformed", words, keep_message, &sent);
  if (sent == NULL)
    return FALSE;
  const gchar *end = json_object_get_string_member (sent, "end");
  malformed->messages++;
  malformed->not_sent += g_str_equal (end, "nowhere");
  malformed->swallowed += g_str_equal (end, "swallowed");
  /* Of a session that is the announcement: its pipelines come after that. */
  *answered = g_str_equal (end, "answered") && !g_str_equal (door, "session");
  *name = g_strdup_printf ("%s: %s", door, json_object_get_string_member (sent, "message"));
  if (g_str_equal (end, "silent"))
    json_array_add_string_element (malformed->silent, *name);
  if (json_object_get_boolean_member_with_default (sent, "accepted", FALSE)) {
    const gchar *sender = json_object_get_string_member_with_default (sent, "class", "");
    malformed->control |= json_object_get_int_member (sent, "number") == WITH_KEY;
    malformed->in_pieces |= json_object_get_int_member (sent, "number") == IN_PIECES;
    if (g_str_equal (sender, "address"))
      json_array_add_string_element (malformed->accepted, *name);
  }
  json_object_unref (sent);
  return TRUE;
}

/* A server that a message has ended, or that is silent at a door since, is followed by another one,
 * so that the messages that are left are tried as well. FALSE: none comes up. */
static gboolean
look_after (
    Runner *runner, Malformed *malformed, const gchar *name, gint64 within_ms, GError **error)
{
  if (!runner_has_ended (runner, within_ms) && around_health (runner) == 0)
    return TRUE;
  json_array_add_string_element (runner_has_ended (runner, runner->server->dying_ms)
          ? malformed->ended_by
          : malformed->silenced_by,
      name);
  return runner_restart (runner, error);
}

static gboolean
send_all (Runner *runner, const gchar *door, Malformed *malformed, GError **error)
{
  gboolean up = TRUE;

  for (guint i = 0; up; i++) {
    g_autofree gchar *name = NULL;
    gboolean answered;
    if (!send_malformed (runner, door, i, malformed, &name, &answered))
      break;
    up = look_after (runner, malformed, name, answered ? 0 : runner->server->dying_ms, error);
  }
  return up;
}

/* On the port for control packets, which need the session's key. */
static void
tell_control (const Runner *runner, Result *result, const Malformed *malformed)
{
  const guint accepted = json_array_get_length (malformed->accepted);

  if (!(runner->server->abilities & SERVER_CONTROL)) {
    json_array_unref (malformed->accepted);
    return;
  }
  result_array (result, "accepted_without_key", malformed->accepted);
  expect_both (result, malformed->control, "a control packet with the key is accepted");
  expect_fault (result, accepted > 0, "a control packet without the key is accepted");
  expect_held (result, accepted == 0, "no control packet is accepted without the key");
}

/* Broken requests, oversized headers, junk, numbers that are none, one after the other. */
void
scenario_malformed (Runner *runner, Result *result)
{
  static const gchar *const doors[] = { "https", "http", "rtsp", "api", "session", "control" };
  const guint n = G_N_ELEMENTS (doors) - !(runner->server->abilities & SERVER_CONTROL);
  Malformed malformed = { .ended_by = json_array_new (),
    .silenced_by = json_array_new (),
    .accepted = json_array_new (),
    .silent = json_array_new () };
  g_autoptr (GError) error = NULL;
  const gint64 before = around_health (runner);
  gboolean up = TRUE;

  for (guint i = 0; up && i < n; i++)
    up = send_all (runner, doors[i], &malformed, &error);
  const gint64 after = up ? around_health (runner) : -1;
  const guint ended = json_array_get_length (malformed.ended_by);
  const guint silenced = json_array_get_length (malformed.silenced_by);
  result_int (result, "messages", malformed.messages);
  result_int (result, "not_sent", malformed.not_sent);
  const guint silent = json_array_get_length (malformed.silent);
  result_int (result, "silent", silent);
  result_array (result, "silent_to", malformed.silent);
  result_int (result, "ended", ended);
  result_array (result, "ended_by", malformed.ended_by);
  result_int (result, "silenced", silenced);
  result_array (result, "silenced_by", malformed.silenced_by);
  result_int (result, "health_before", before);
  result_int (result, "health_after", after);
  expect_both (result, before == 0, "every port answers before");
  expect_both (result, malformed.messages > 0, "messages were sent");
  result_int (result, "swallowed", malformed.swallowed);
  expect_in_time (result, silent == 0, "each message is answered, or its connection closed");
  expect_held (result, malformed.swallowed == 0, "no body without an end is read");
  expect_held (result, malformed.in_pieces, "an announcement that comes in pieces is taken");
  tell_control (runner, result, &malformed);
  expect_both (result, up, error ? error->message : "the server starts again");
  expect_both (result, after == 0, "every port answers afterwards");
  expect_fault (result, ended > 0, "a message ends the server");
  expect_held (result, ended == 0, "no message ends the server");
  expect_in_time (result, silenced == 0, "no message silences a port");
  expect_in_time (result, malformed.not_sent == 0, "all messages could be sent");
  if (up)
    step_control_frozen (runner, result);
}

typedef struct {
  Runner *runner;
  const gchar *count;
} Idle;

static gpointer
idle_main (gpointer data)
{
  const Idle *idle = data;

  abuse (idle->runner, PATIENCE_MS, "connect-silence", idle->count, IDLE_AT);
  return NULL;
}

/* Clients that connect and say nothing, while others are served. */
void
scenario_idle (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  Idle idle = { runner, runner->options->long_run ? IDLE_LONG : IDLE };
  GThread *thread = g_thread_new ("idle", idle_main, &idle);
  const gint64 until = g_get_monotonic_time () + SOON_MS * G_TIME_SPAN_MILLISECOND;
  Sockets sockets, left;
  LoadTimes times;

  do
    sockets_read (runner->ports.https, &sockets);
  while (sockets.established < IDLE_PART && g_get_monotonic_time () < until);
  step_load_end (
      step_load_start (runner, runner->n_clients - 1, 1.5, 5), result, "meanwhile", &times);
  g_thread_join (thread);
  const gboolean clean = sockets_wait_no_close_wait (runner->ports.https, LEFT_BEHIND_MS, &left);
  result_int (result, "idle", sockets.established);
  result_int (result, "close_wait", left.close_wait);
  expect_both (result, sockets.established >= IDLE_PART, "idle connections are there");
  expect_in_time (result, step_is_in_time (runner, &times), "HTTPS answers in time meanwhile");
  expect_held (result, clean, "none of them stays in CLOSE_WAIT");
  step_control_frozen (runner, result);
}
