/* SPDX-License-Identifier: MIT */
/*
 * watch.c: something of the server stands still, and the server says what.
 *
 * After the series guard's log names the thread, or the loop, and what it is in, at each level and
 * within a second of it; the health document has the reason. Before it nothing does.
 */
#define _GNU_SOURCE
#include "freeze.h"
#include "icons.h"
#include "inside.h"
#include "pairing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* Shorter than the server's own, so that a run does not take minutes. */
#define SLOW_MS "500"
#define STUCK_MS "1500"
#define STUCK_S 1.5
#define WITHIN_S 1
#define NEVER_MS "600000"
/* A server without guard is looked at for as long. */
#define UNNAMED_MS 3000
/* The scanner of threads is missed after 5 s, a task of the dispatcher has 15 s. */
#define MISSED_MS 30000
#define DISPATCHED_MS 40000
/* Connections that use up the descriptors that are left. */
#define CONNECTIONS 60
#define LEFT 30

typedef struct {
  const gchar *name;      /* in the result */
  const gchar *subject;   /* the thread or the loop, as the log has it */
  const gchar *operation; /* what it is in; of a loop its thread's name */
  const gchar *code;      /* of the reason */
} Fault;

/* Another server, with levels that are reached soon. */
static gboolean
begin (Runner *runner, Result *result)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("WOLF_GUARD_WATCH_SLOW_MS", SLOW_MS, TRUE);
  g_setenv ("WOLF_GUARD_WATCH_STUCK_MS", STUCK_MS, TRUE);
  g_setenv ("WOLF_GUARD_WATCH_LOST_MS", NEVER_MS, TRUE);
  const gboolean up = runner_restart (runner, &error);
  expect_both (result, up, error ? error->message : "the server starts");
  return up;
}

static gint64
patience_ms (const Runner *runner)
{
  return result_side (runner->options->label) == RESULT_AFTER ? SOON_MS : UNNAMED_MS;
}

/* "… STUCK after 1.7 s": 1.7. */
static gdouble
age_of (const gchar *line)
{
  const gchar *after = line ? strstr (line, " after ") : NULL;

  return after ? g_ascii_strtod (after + strlen (" after "), NULL) : -1;
}

static gboolean
is_told (Runner *runner, const Fault *fault)
{
  if (g_str_equal (fault->code, "loops-stuck"))
    return inside_loop_is (runner, fault->name, "stuck", SOON_MS)
        && inside_has_reason (runner, fault->code, "", SOON_MS);
  return inside_has_reason (runner, fault->code, fault->operation, SOON_MS);
}

/* Whether the log and the document name it. */
static void
look (Runner *runner, Result *result, const Fault *fault)
{
  const gchar *const parts[] = { fault->subject, fault->operation, "STUCK after" };
  g_autofree gchar *line = inside_line (runner, parts, patience_ms (runner));
  g_autofree gchar *line_name = g_strconcat (fault->name, ": line", NULL);
  g_autofree gchar *unnamed = g_strconcat (fault->name, ": nothing names it", NULL);
  g_autofree gchar *named = g_strconcat (fault->name, ": the log names it", NULL);
  g_autofree gchar *in_time = g_strconcat (fault->name, ": within its level and a second", NULL);
  g_autofree gchar *told = g_strconcat (fault->name, ": the health document names it", NULL);

  expect_fault (result, line == NULL, unnamed);
  expect_held (result, line != NULL, named);
  if (line == NULL) {
    result_null (result, line_name);
    return;
  }
  result_text (result, line_name, strstr (line, "[GUARD]"));
  expect_held (result, age_of (line) <= STUCK_S + WITHIN_S, in_time);
  expect_held (result, is_told (runner, fault), told);
}

/* --- streams */

static void
strike (Runner *runner, Result *result, guint number, const gchar *kind, const gchar *words)
{
  g_autofree gchar *target =
      g_strdup_printf ("%s with=%s_video times=1", words, runner->session_ids[number]);

  step_strike (runner, result, kind, target);
}

/* Of three sessions: one source does not return from create(), one is in a push that does not
 * return, and the streaming thread of one is gone. */
void
scenario_watch_streams (Runner *runner, Result *result)
{
  static const Fault create = { "create", "stream 'wolf_wayland_source:src", "create",
    "streams-stuck" };
  static const Fault push = { "push", "stream 'wolf_wayland_source:src", "a push",
    "streams-stuck" };
  const gchar *const dead[] = { "ENDED UNEXPECTEDLY (bare exit)", "wolf_wayland_source:src", NULL };

  if (!begin (runner, result))
    return;
  g_autoptr (Client) first = step_stream (runner, result, 0);
  g_autoptr (Client) second = step_stream (runner, result, 1);
  g_autoptr (Client) third = step_stream (runner, result, 2);
  if (first == NULL || second == NULL || third == NULL)
    return;
  strike (runner, result, 0, "stall", "element=wolf_wayland_source where=create");
  look (runner, result, &create);
  step_release (runner, result);
  strike (runner, result, 1, "stall", "factory=capsfilter where=push");
  look (runner, result, &push);
  step_release (runner, result);
  strike (runner, result, 2, "die", "element=wolf_wayland_source where=create");
  g_autofree gchar *line = inside_line (runner, dead, patience_ms (runner));
  expect_fault (result, line == NULL, "dead: nothing names it");
  expect_held (result, line != NULL, "dead: the log names it");
  expect_held (result, line != NULL && inside_has_reason (runner, "thread-ends", "", SOON_MS),
      "dead: the health document names it");
}

/* An encoder that does not go to NULL when its session is cancelled. */
void
scenario_watch_encoder (Runner *runner, Result *result)
{
  static const Fault fault = { "encoder", "'wg-worker'", "set_state(NULL)", "threads-stuck" };
  g_autofree gchar *target =
      g_strdup_printf ("%s where=state type=PAUSED->READY times=1", runner->server->encoder);

  if (!begin (runner, result))
    return;
  g_autoptr (Client) client = step_stream (runner, result, 0);
  if (client == NULL)
    return;
  g_autoptr (JsonObject) armed G_GNUC_UNUSED = runner_order (runner, "stall %s", target);
  Question *cancel = ask_https (runner, 0, "/cancel", SHORT_PATIENCE_MS);
  g_auto (Answer) cancelled = { 0 };
  expect_both (result, runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS),
      "the encoder is held");
  look (runner, result, &fault);
  question_end (cancel, &cancelled);
  expect_held (result, inside_has_reason (runner, "quarantine", "set_state(NULL)", SOON_MS),
      "the pipeline is in quarantine");
  step_release (runner, result);
}

/* Streaming threads that unwind, in a push and in create(): their pipelines end all the same. */
void
scenario_recover (Runner *runner, Result *result)
{
  static const gchar *const places[] = { "factory=capsfilter where=push",
    "element=wolf_wayland_source where=create" };
  Client *clients[G_N_ELEMENTS (places)];
  guint answered = 0;
  Metrics metrics;

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    clients[i] = step_stream (runner, result, i);
    g_autoptr (JsonObject) armed G_GNUC_UNUSED = runner_order (
        runner, "pthread-exit %s with=%s_video times=1", places[i], runner->session_ids[i]);
    expect_both (result,
        runner_order_reached (runner, "wait state=dead count=%u timeout=%d", i + 1, SOON_MS),
        "the thread is gone");
  }
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    g_auto (Answer) cancelled = { 0 };
    ask_https_now (runner, i, "/cancel", step_wait_ms (runner, SHORT_PATIENCE_MS), &cancelled);
    answered += cancelled.status == 200;
    client_end (clients[i]);
  }
  const gboolean empty =
      metrics_wait_empty (runner, G_MAXUINT, step_wait_ms (runner, SHORT_PATIENCE_MS), &metrics);
  result_int (result, "answered", answered);
  result_int (result, "pipelines", metrics.pipelines);
  expect_fault (result, !empty, "pipelines stay");
  expect_held (result, answered == G_N_ELEMENTS (places), "each /cancel is answered");
  expect_held (result, empty, "no pipeline is left");
}

/* --- threads that serve */

typedef struct {
  const gchar *thread, *operation; /* its beginning */
  gboolean makes_thread;           /* is about to: with no lock of the log's */
} Place;

/* A server that does not say is stopped anywhere. */
static gboolean
is_there (Runner *runner, glong call, gpointer data)
{
  const Place *place = data;

  if (place->makes_thread && call != SYS_clone && call != SYS_clone3)
    return FALSE;
  return inside_thread (runner, place->thread, place->operation) != 0;
}

static FreezeHere
here (const Runner *runner)
{
  return result_side (runner->options->label) == RESULT_BEFORE ? NULL : is_there;
}

/* Before the series a real Wolf's threads have no names: nobody could tell which one to stop. */
static Freeze *
freeze (Runner *runner, Result *result, const gchar *thread, FreezeHere where, gpointer data)
{
  const pid_t tid = freeze_find (runner, thread);
  const gboolean unnamed = tid == 0 && result_side (runner->options->label) == RESULT_BEFORE;

  expect_both (result, tid != 0 || unnamed, "there is the thread");
  if (unnamed)
    expect_fault (result, TRUE, "no thread is named");
  return freeze_begin (runner, tid, where, data);
}

/* HTTPS, in a handler of the bus that makes a thread, and in a page that logs; HTTP, in a page. */
void
scenario_watch_handlers (Runner *runner, Result *result)
{
  static const Fault bus = { "bus", "'HTTPS'", "handler of ", "threads-stuck" };
  static const Fault https = { "https", "'HTTPS'", "HTTPS ", "threads-stuck" };
  static const Fault http = { "http", "'HTTP'", "HTTP ", "threads-stuck" };
  static Place in_bus = { "HTTPS", "handler of ", TRUE }, in_https = { "HTTPS", "HTTPS ", FALSE },
               in_http = { "HTTP", "HTTP ", FALSE };
  g_autofree gchar *launch = g_strdup_printf (
      "/launch?appid=%s&mode=320x180x30&rikey=00112233445566778899aabbccddeeff&rikeyid=1",
      runner->app_id);
  g_autoptr (GSocketConnection) asking = NULL;
  const struct {
    const Fault *fault;
    Place *place;
    const gchar *path; /* HTTPS's, or NULL */
  } faults[] = { { &bus, &in_bus, launch }, { &https, &in_https, "/launch?appid=nonsense" },
    { &http, &in_http, NULL } };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++) {
    Question *question = NULL;
    g_auto (Answer) answer = { 0 };
    if (!begin (runner, result)) /* a server each: guard's log has ten lines a minute */
      return;
    g_autoptr (Freeze) held =
        freeze (runner, result, faults[i].place->thread, here (runner), faults[i].place);
    if (held == NULL)
      return;
    if (faults[i].path != NULL)
      question = ask_https (runner, 0, faults[i].path, SOON_MS);
    else
      asking = pairing_ask (runner, "127.0.0.1", "00");
    expect_both (result, freeze_stands (held, SOON_MS), "the thread stands");
    look (runner, result, faults[i].fault);
    g_clear_pointer (&held, freeze_end);
    if (question != NULL)
      question_end (question, &answer);
  }
}

/* A handler of the bus that does not return, and with it the lock that a new session needs. */
void
scenario_watch_canary (Runner *runner, Result *result)
{
  static const Fault fault = { "canary", "'wg-canary'", "the bus's lock", "canary" };
  static Place in_bus = { "HTTPS", "handler of ", TRUE };
  g_autofree gchar *launch = g_strdup_printf (
      "/launch?appid=%s&mode=320x180x30&rikey=00112233445566778899aabbccddeeff&rikeyid=1",
      runner->app_id);
  g_auto (Answer) answer = { 0 };

  g_setenv ("WOLF_GUARD_CANARY_S", "1", TRUE);
  if (!begin (runner, result))
    return;
  g_autoptr (Freeze) held = freeze (runner, result, "HTTPS", here (runner), &in_bus);
  if (held == NULL)
    return;
  Question *question = ask_https (runner, 0, launch, SOON_MS);
  expect_both (result, freeze_stands (held, SOON_MS), "the thread stands");
  look (runner, result, &fault);
  g_clear_pointer (&held, freeze_end);
  question_end (question, &answer);
}

/* Loops that stand outside of all operations. */
void
scenario_watch_loops (Runner *runner, Result *result)
{
  static const Fault faults[] = { { "RTSP", "loop 'RTSP', ", " 'RTSP': ", "loops-stuck" },
    { "RTP ping", "loop 'RTP ping', ", " 'RTP ping': ", "loops-stuck" },
    { "control", "loop 'control', ", " 'control': ", "loops-stuck" } };
  const guint count = runner->server->abilities & SERVER_CONTROL ? 3 : 2;
  Freeze *held[G_N_ELEMENTS (faults)] = { NULL };

  if (!begin (runner, result))
    return;
  for (guint i = 0; i < count; i++) {
    held[i] = freeze (runner, result, faults[i].name, NULL, NULL);
    if (held[i] == NULL)
      return;
    expect_both (result, freeze_stands (held[i], SOON_MS), "the loop stands");
  }
  for (guint i = 0; i < count; i++)
    look (runner, result, &faults[i]);
  for (guint i = 0; i < count; i++)
    freeze_end (held[i]);
}

/* The scanner itself: the health socket and the probe say so. */
void
scenario_watch_scanner (Runner *runner, Result *result)
{
  g_autofree gchar *socket = runner_path (runner, INSIDE_SOCKET);

  if (!begin (runner, result))
    return;
  g_autoptr (Freeze) held = freeze_begin (runner, freeze_find (runner, "wg-watch"), NULL, NULL);
  expect_fault (result, held == NULL, "nobody looks at threads");
  if (held == NULL)
    return;
  expect_both (result, freeze_stands (held, SOON_MS), "the scanner stands");
  expect_held (result, inside_has_reason (runner, "scanner", "does not look", MISSED_MS),
      "the health document says that nobody looks");
  g_autoptr (JsonObject) report =
      probe_last (runner, PATIENCE_MS, "health", "--health", socket, NULL);
  const gint64 status =
      report ? json_object_get_int_member_with_default (report, "exit_status", -1) : -1;
  result_int (result, "probe_status", status);
  expect_held (result, status == 1, "wolf-probe's exit status is 1");
}

/* The dispatcher's thread, while it fetches an icon. */
void
scenario_watch_dispatcher (Runner *runner, Result *result)
{
  const gchar *const parts[] = { "dispatch: 'icon'", "written off", NULL };
  g_auto (Answer) answer = { 0 };

  if (!begin (runner, result))
    return;
  Question *question = icons_ask (runner, "silent-1", 0, SOON_MS);
  expect_both (result, icons_reach ("s", 1, SOON_MS), "an icon is being fetched");
  g_autoptr (Freeze) held =
      freeze_begin (runner, inside_thread (runner, "wg-dispatch", "icon"), NULL, NULL);
  expect_fault (result, held == NULL, "nobody can tell who fetches it");
  if (held != NULL) {
    g_autofree gchar *line = inside_line (runner, parts, DISPATCHED_MS);
    if (line != NULL)
      result_text (result, "dispatcher_line", strstr (line, "[GUARD]"));
    expect_held (result, line != NULL, "the log names the task and its queue");
    expect_held (result, inside_has_reason (runner, "dispatcher", "icon", SOON_MS),
        "the health document names the task");
  }
  g_clear_pointer (&held, freeze_end);
  question_end (question, &answer);
}

/* --- what runs out */

static void
leave_descriptors (const Runner *runner)
{
  struct rlimit limit;
  guint all, sockets;

  metrics_descriptors (runner->pid, &all, &sockets);
  prlimit (runner->pid, RLIMIT_NOFILE, NULL, &limit);
  limit.rlim_cur = all + LEFT;
  prlimit (runner->pid, RLIMIT_NOFILE, &limit, NULL);
}

/* A quarantine with room for one, and two that do not end; few descriptors are left. */
void
scenario_watch_full (Runner *runner, Result *result)
{
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  Client *clients[2];

  g_setenv ("WOLF_GUARD_QUARANTINE_MAX", "1", TRUE);
  g_setenv ("WOLF_GUARD_EOS_MS", "200", TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", "200", TRUE);
  if (!begin (runner, result))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    clients[i] = step_stream (runner, result, i);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    step_strike_source (runner, result, i, "stall", "create");
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_auto (Answer) cancelled = { 0 };
    ask_https_now (runner, i, "/cancel", UNNAMED_MS, &cancelled);
    client_end (clients[i]);
  }
  const gboolean full =
      inside_has_reason (runner, "quarantine-full", "2 of 1 pipelines", patience_ms (runner));
  expect_fault (result, !full, "quarantine: nothing says what is left behind");
  expect_held (result, full, "quarantine: the health document says that it is full");
  step_release (runner, result);
  leave_descriptors (runner);
  for (guint i = 0; i < CONNECTIONS; i++) {
    GSocketConnection *one = g_socket_client_connect_to_host (
        client, "127.0.0.1", (guint16) runner->ports.rtsp, NULL, NULL);
    if (one != NULL)
      g_ptr_array_add (connections, one);
  }
  const gboolean told =
      inside_has_reason (runner, "descriptors", "file descriptors", patience_ms (runner));
  expect_fault (result, !told, "descriptors: nothing says that they run out");
  expect_held (result, told, "descriptors: the health document says that they run out");
}
