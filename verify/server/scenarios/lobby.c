/* SPDX-License-Identifier: MIT */
/*
 * lobby.c: lobbies: a producer that several sessions watch.
 *
 * A client joins a lobby by having its interpipesrc's listen-to set to the lobby's producer, and
 * leaves by having it set back; /cancel makes it leave, too. With `stop_when_everyone_leaves` the
 * last one's leaving stops the lobby, in the thread that asked for it.
 */
#include "lobby.h"
#include "processes.h"

/* What was on its way to a client when a source got stuck has arrived. */
#define SETTLE_MS 500
/* How long packets are counted where only their being there matters. */
#define GLANCE_MS 1500
/* How long a question is left alone before the looking around begins. */
#define ALONE_MS 1000
/* Wolf's own patience with a lobby that is created is 20 s. A lobby that was stopped must be told
 * of to who created it within the time limits of a stuck pipeline's end (2 s + 3 s). */
#define BROKEN_MS 7000
/* At this rate of 15 frames a second, the number of packets that say "video flows". */
#define FLOWING 5

/* A lobby and the clients that stream, by number: some in it, one perhaps outside. */
#define PARTY_CLIENTS 4
#define NOBODY PARTY_CLIENTS
typedef struct {
  gchar *lobby;
  Client *clients[PARTY_CLIENTS];
} Party;

static void
party_clear (Party *party)
{
  for (guint i = 0; i < PARTY_CLIENTS; i++)
    client_end (party->clients[i]);
  g_free (party->lobby);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Party, party_clear)

/* How most of these begin: a lobby is created, clients 0 to `inside` - 1 stream, join it and are
 * shown to have switched, and client `outsider` (or NOBODY) streams. FALSE, and told to the result,
 * if not. */
static gboolean
party_gather (Runner *runner, Result *result, Party *party, gboolean stop_when_empty, guint inside,
    guint outsider)
{
  party->lobby = lobby_create (runner, result, stop_when_empty);
  if (party->lobby == NULL)
    return FALSE;
  for (guint i = 0; i < inside; i++) {
    party->clients[i] = step_stream (runner, result, i);
    if (party->clients[i] == NULL)
      return FALSE;
    expect_both (result,
        lobby_moved (runner, "join", party->lobby, i) && lobby_watches (runner, i, party->lobby),
        "a client joins the lobby and watches its producer");
  }
  if (outsider == NOBODY)
    return TRUE;
  party->clients[outsider] = step_stream (runner, result, outsider);
  return party->clients[outsider] != NULL;
}

/* Makes the source of a session or lobby stall; returns the fault's id. */
static guint
stall (Runner *runner, Result *result, const gchar *id, const gchar *where)
{
  g_autoptr (JsonObject) armed = runner_order (
      runner, "stall element=wolf_wayland_source with=%s_video where=%s times=1", id, where);
  const guint fault = armed ? (guint) json_object_get_int_member (armed, "id") : 0;

  expect_both (result,
      fault != 0
          && runner_order_reached (runner, "wait id=%u state=stalled timeout=%d", fault, SOON_MS),
      "the fault was hit");
  return fault;
}

static void
release (Runner *runner, guint fault)
{
  g_autoptr (JsonObject) released G_GNUC_UNUSED = runner_order (runner, "release id=%u", fault);
}

/* Counts a client's video packets, once what was on its way has arrived. */
static gint64
glance (Result *result, Client *client, const gchar *name)
{
  gint64 video = 0, audio = 0;

  wait_ms (SETTLE_MS);
  client_count (client, GLANCE_MS, &video, &audio);
  result_int (result, name, video);
  return video;
}

/* After a lobby: the first `n` clients watch their own producers again, and get their frames. */
static void
expect_all_home (Runner *runner, Result *result, const Party *party, guint n)
{
  gboolean home = TRUE, flow = TRUE;

  for (guint i = 0; i < n; i++)
    home &= lobby_watches_own (runner, i);
  result_bool (result, "switched", home);
  expect_held (result, home, "all watch their own producers again");
  for (guint i = 0; i < n; i++) {
    g_autofree gchar *name = g_strdup_printf ("left_%u_video", i);
    flow &= glance (result, party->clients[i], name) >= FLOWING;
  }
  expect_held (result, flow, "their own frames arrive");
}

static void
expect_gone (Runner *runner, Result *result, const gchar *lobby)
{
  expect_held (result, !step_producer_outlives (runner, lobby, STEP_GONE_MS),
      "the lobby's pipeline is gone after the release");
}

/* Clients come and go in a healthy lobby. That a client's packets come from the lobby's producer is
 * shown by taking away first its own one's frames, then the lobby's. */
void
scenario_lobby_switch (Runner *runner, Result *result)
{
  g_auto (Party) party = { 0 };
  guint lobbies;

  if (!party_gather (runner, result, &party, TRUE, 2, 2))
    return;
  const guint own_0 = stall (runner, result, runner->session_ids[0], "create");
  const guint own_1 = stall (runner, result, runner->session_ids[1], "create");
  const gboolean theirs = glance (result, party.clients[0], "in_lobby_0_video") >= FLOWING;
  const gboolean both = glance (result, party.clients[1], "in_lobby_1_video") >= FLOWING;
  expect_both (result, theirs && both, "the lobby's frames arrive while the own source is stuck");
  release (runner, own_0);
  release (runner, own_1);

  const guint of_lobby = stall (runner, result, party.lobby, "create");
  expect_both (result, glance (result, party.clients[0], "lobby_stuck_video") == 0,
      "no other frames arrive in the lobby while its source is stuck");
  expect_both (result, glance (result, party.clients[2], "outside_video") >= FLOWING,
      "a client outside has its frames meanwhile");
  expect_both (result,
      lobby_moved (runner, "leave", party.lobby, 0) && lobby_watches_own (runner, 0),
      "a client leaves and watches its own producer");
  expect_both (result, glance (result, party.clients[0], "left_video") >= FLOWING,
      "its own frames arrive after leaving");
  release (runner, of_lobby);

  expect_both (result,
      lobby_moved (runner, "join", party.lobby, 0) && lobby_watches (runner, 0, party.lobby),
      "a client joins again and watches the lobby's producer");
  expect_both (result, glance (result, party.clients[0], "joined_again_video") >= FLOWING,
      "frames arrive after joining again");
  expect_both (result,
      lobby_moved (runner, "leave", party.lobby, 1) && lobby_watches_own (runner, 1)
          && lobby_moved (runner, "leave", party.lobby, 0) && lobby_watches_own (runner, 0),
      "all leave and watch their own producers");
  expect_both (result,
      glance (result, party.clients[0], "all_left_0_video") >= FLOWING
          && glance (result, party.clients[1], "all_left_1_video") >= FLOWING,
      "their own frames arrive");
  const gboolean gone = !step_producer_outlives (runner, party.lobby, STEP_GONE_MS);
  g_autofree gchar *listed = lobby_newest (runner, &lobbies);
  expect_both (result, gone && listed == NULL, "the lobby ends when the last one has left it");
}

/* /cancel by a client that is alone in a lobby whose source is stuck: it leaves, which stops the
 * lobby. */
static void
cancel_stuck (Runner *runner, Result *result, const gchar *where)
{
  step_measure_healthy (runner, result);
  g_auto (Party) party = { 0 };

  if (!party_gather (runner, result, &party, TRUE, 1, 3))
    return;
  stall (runner, result, party.lobby, where);
  Question *cancel = ask_https (runner, 0, "/cancel", step_patience_ms (runner));
  question_is_over (cancel, ALONE_MS);
  step_look_meanwhile (runner, result, 0, FALSE);
  expect_held (result, glance (result, party.clients[3], "bystander_video") >= FLOWING,
      "a client outside has its frames meanwhile");
  step_conclude (runner, result, cancel, "cancel", "/cancel");
  /* Not its own source is stuck, so that nothing has its node's name taken. */
  client_end (party.clients[0]);
  party.clients[0] = client_start (runner, 0, NULL, SHORT_PATIENCE_MS);
  client_pings (party.clients[0], SOON_MS);
  const gint64 again = glance (result, party.clients[0], "relaunch_video");
  expect_fault (result, again == 0, "the same client's new session does not stream");
  expect_held (result, again >= FLOWING, "the same client's new session streams");
  step_release (runner, result);
  expect_gone (runner, result, party.lobby);
}

void
scenario_lobby_cancel_stuck_create (Runner *runner, Result *result)
{
  cancel_stuck (runner, result, "create");
}

void
scenario_lobby_cancel_stuck_push (Runner *runner, Result *result)
{
  cancel_stuck (runner, result, "push");
}

/* Two clients leave through the API; the second is the last one. */
void
scenario_lobby_leave_stuck (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) not_last = { 0 };

  if (!party_gather (runner, result, &party, TRUE, 2, NOBODY))
    return;
  stall (runner, result, party.lobby, "create");
  question_end (lobby_ask_move (runner, "leave", party.lobby, 0), &not_last);
  Question *leave = lobby_ask_move (runner, "leave", party.lobby, 1);
  question_is_over (leave, ALONE_MS);
  step_look_meanwhile (runner, result, 1, FALSE);
  result_answer (result, "leave", &not_last);
  step_expect_prompt (runner, result, &not_last, "lobbies/leave is answered in time");
  step_conclude (runner, result, leave, "leave_last", "the last client's lobbies/leave");
  expect_all_home (runner, result, &party, 2);
  step_release (runner, result);
  expect_gone (runner, result, party.lobby);
}

/* A third client joins a lobby whose source is stuck, and the lobby is stopped. */
void
scenario_lobby_stop_stuck (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) joined = { 0 };
  guint lobbies;

  if (!party_gather (runner, result, &party, FALSE, 2, 2))
    return;
  stall (runner, result, party.lobby, "create");
  question_end (lobby_ask_move (runner, "join", party.lobby, 2), &joined);
  result_answer (result, "join", &joined);
  const gboolean watching = lobby_watches (runner, 2, party.lobby);
  result_bool (result, "join_switched", watching);
  step_expect_prompt (runner, result, &joined, "lobbies/join is answered in time");
  expect_held (result, watching, "the client is switched");
  Question *stop = lobby_ask_stop (runner, party.lobby, step_patience_ms (runner));
  question_is_over (stop, ALONE_MS);
  step_look_meanwhile (runner, result, 2, FALSE);
  step_conclude (runner, result, stop, "stop", "lobbies/stop");
  expect_all_home (runner, result, &party, 3);
  g_autofree gchar *listed = lobby_newest (runner, &lobbies);
  result_int (result, "lobbies", lobbies);
  expect_held (result, listed == NULL, "the lobby is not listed any more");
  step_release (runner, result);
  expect_gone (runner, result, party.lobby);
}

/* Asks for a lobby whose start is held by the fault `id`; returns its id, or NULL. */
static gchar *
create_held (Runner *runner, Result *result, guint fault, const gchar *at, Question **create)
{
  g_autofree gchar *text = g_strdup_printf ("the lobby's pipeline is held at %s", at);

  *create = lobby_ask_create (runner, TRUE, BROKEN_MS);
  const gboolean held =
      runner_order_reached (runner, "wait id=%u state=stalled timeout=%d", fault, SOON_MS);
  gchar *lobby = held ? lobby_newest (runner, NULL) : NULL;
  expect_both (result, lobby != NULL, text);
  return lobby;
}

/* Stuck in start(): the lobby's compositor never comes up, and whoever creates it waits. */
void
scenario_lobby_start_stuck (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall factory=waylanddisplaysrc where=start times=1");
  const guint fault = (guint) json_object_get_int_member (armed, "id");
  Question *create;
  g_autofree gchar *lobby = create_held (runner, result, fault, "start", &create);
  g_auto (Answer) created = { 0 };

  if (lobby == NULL) {
    question_end (create, &created);
    return;
  }
  Question *stop = lobby_ask_stop (runner, lobby, step_patience_ms (runner));
  question_is_over (stop, ALONE_MS);
  question_end (create, &created);
  step_look_meanwhile (runner, result, 0, FALSE);
  step_conclude (runner, result, stop, "stop", "lobbies/stop");
  result_answer (result, "create", &created);
  expect_fault (result, !created.answered, "lobbies/create is not told that it was stopped");
  expect_held (result, created.status == 500,
      "lobbies/create is told within the time limits of a pipeline's end");
  step_release (runner, result);
  expect_gone (runner, result, lobby);
}

/* The name of the thread that is stalled, which is Wolf's; only one is. */
static void
tell_stalled_thread (Runner *runner, Result *result, const gchar *name)
{
  g_autoptr (JsonObject) list = runner_order (runner, "list");
  JsonArray *hits = list ? json_object_get_array_member (list, "hits") : NULL;

  if (hits != NULL && json_array_get_length (hits) == 1)
    result_text (result, name,
        json_object_get_string_member (json_array_get_object_element (hits, 0), "thread"));
}

/* A client's switch does not end, as its pipeline does not answer which caps it takes; the thread
 * that switches holds gst-interpipe's lock of all listeners. The others' switches wait for it. */
void
scenario_lobby_switch_stuck (Runner *runner, Result *result)
{
  step_measure_healthy (runner, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) joined = { 0 };
  g_auto (Answer) cancelled = { 0 };
  g_auto (Answer) left = { 0 };
  gint64 video, audio;

  if (!party_gather (runner, result, &party, FALSE, 2, 2))
    return;
  g_autoptr (JsonObject) armed = runner_order (runner,
      "stall with=interpipesrc_%s_video where=query type=caps times=1", runner->session_ids[2]);
  Question *join = lobby_ask_move (runner, "join", party.lobby, 2);
  expect_both (result,
      runner_order_reached (runner, "wait id=%u state=stalled timeout=%d",
          (guint) json_object_get_int_member (armed, "id"), SOON_MS),
      "the switch is stuck");
  tell_stalled_thread (runner, result, "switch_thread");
  Question *cancel = ask_https (runner, 0, "/cancel", step_patience_ms (runner));
  question_is_over (cancel, ALONE_MS);
  Question *leave = lobby_ask_move (runner, "leave", party.lobby, 1);
  step_look_at_server (runner, result, 3);
  /* Recorded only: the lock that the switch holds is one of all pipelines, which is the plugin's to
   * cure. */
  g_autoptr (Client) other = client_start (runner, 3, NULL, SHORT_PATIENCE_MS);
  client_pings (other, SOON_MS);
  client_count (other, GLANCE_MS, &video, &audio);
  result_int (result, "other_video", video);
  result_int (result, "other_audio", audio);
  expect_held (result, audio > 0, "another client's new session has audio");
  question_end (join, &joined);
  question_end (leave, &left);
  question_end (cancel, &cancelled);
  result_answer (result, "join", &joined);
  result_answer (result, "leave", &left);
  result_answer (result, "cancel", &cancelled);
  expect_fault (result, !joined.answered, "lobbies/join is not answered while the switch is stuck");
  expect_fault (result, !left.answered, "another client's lobbies/leave is not answered");
  /* Not expected of upstream's /cancel, though it does not answer as a rule: its pipeline's end
   * runs meanwhile, and an interpipesrc that is no longer started takes another name without a
   * lock. */
  step_expect_prompt (runner, result, &joined, "lobbies/join is answered in time");
  step_expect_prompt (runner, result, &left, "lobbies/leave is answered in time");
  step_expect_prompt (
      runner, result, &cancelled, "/cancel by a client in the lobby is answered in time");
  step_release (runner, result);
  const gboolean switched = lobby_watches (runner, 2, party.lobby) && lobby_watches_own (runner, 1);
  result_bool (result, "switched", switched);
  expect_held (result, switched, "the switches are made when they can be");
  const gint64 own = glance (result, party.clients[1], "left_video");
  const gint64 theirs = glance (result, party.clients[2], "joined_video");
  expect_held (result, own >= FLOWING && theirs >= FLOWING, "frames arrive after the release");
}

/* TRUE when the stop was kept. */
static gboolean
stop_lobby_at (Runner *runner, Result *result, const StepMoment *moment, guint *unanswered)
{
  g_autofree gchar *create_name = g_strdup_printf ("%s_create", moment->name);
  g_autofree gchar *stop_name = g_strdup_printf ("%s_stop", moment->name);
  g_autofree gchar *left_name = g_strdup_printf ("%s_left_running", moment->name);
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall factory=waylanddisplaysrc %s", moment->words);
  const guint fault = (guint) json_object_get_int_member (armed, "id");
  Question *create;
  g_autofree gchar *lobby = create_held (runner, result, fault, moment->name, &create);
  g_auto (Answer) created = { 0 };
  g_auto (Answer) stopped = { 0 };
  gboolean left = TRUE;

  if (lobby != NULL)
    question_end (lobby_ask_stop (runner, lobby, step_wait_ms (runner, STEP_HELD_MS)), &stopped);
  release (runner, fault);
  question_end (create, &created);
  if (lobby != NULL) {
    /* It may only now come to be put into its pipeline, or, as it should, not at all. */
    runner_order_reached (runner,
        "wait element=wolf_wayland_source with=%s_video state=seen timeout=%d", lobby,
        STEP_APPEAR_MS);
    left = step_producer_outlives (runner, lobby, STEP_GONE_MS);
  }
  result_answer (result, create_name, &created);
  result_answer (result, stop_name, &stopped);
  result_bool (result, left_name, left);
  *unanswered += !stopped.answered;
  expect_held (result, created.answered, "who creates the lobby is answered");
  return !left;
}

/* A lobby's stop at each moment of its start; which moment it is does not depend on luck. */
void
scenario_lobby_stop_at_each_moment (Runner *runner, Result *result)
{
  guint lost = 0, unanswered = 0;

  for (guint i = 0; i < STEP_MOMENTS; i++)
    lost += !stop_lobby_at (runner, result, &step_moments[i], &unanswered);
  const guint programs = process_children_left (runner->pid, STEP_GONE_MS);
  result_int (result, "moments", STEP_MOMENTS);
  result_int (result, "lost", lost);
  result_int (result, "unanswered", unanswered);
  result_int (result, "programs_left", programs);
  expect_fault (result, lost > 0, "a stop is lost and its pipeline goes on");
  expect_fault (result, unanswered > 0, "a stop waits for the pipeline's start");
  expect_held (result, unanswered == 0, "every stop is answered while the pipeline is held");
  expect_held (result, lost == 0, "no stop is lost");
  expect_held (result, programs == 0, "no program is left running");
}

/* How long after its creation a lobby's stop comes. */
static const guint delays_ms[] = { 0, 0, 0, 1, 2, 3, 5, 8, 13, 20, 50, 100, 200, 500 };

/* Waits until the lobby is listed, which is long before it is up. */
static gchar *
await_listed (const Runner *runner)
{
  const gint64 until = g_get_monotonic_time () + SHORT_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  gchar *lobby;

  while ((lobby = lobby_newest (runner, NULL)) == NULL && g_get_monotonic_time () < until)
    ;
  return lobby;
}

/* Every second stop comes after the lobby is up, the others while it is set up. */
void
scenario_race_lobby (Runner *runner, Result *result)
{
  const guint tries = (runner->options->long_run ? 10 : 2) * 2 * G_N_ELEMENTS (delays_ms);
  Metrics before, after;
  guint failed = 0, stopped_first = 0;

  metrics_read (runner, &before);
  for (guint i = 0; i < tries && failed < G_N_ELEMENTS (delays_ms); i++) {
    g_auto (Answer) created = { 0 };
    g_auto (Answer) stopped = { 0 };
    Question *create = lobby_ask_create (runner, TRUE, SHORT_PATIENCE_MS);
    if (i % 2 == 0)
      question_is_over (create, SHORT_PATIENCE_MS);
    g_autofree gchar *lobby = await_listed (runner);
    wait_ms (delays_ms[i / 2 % G_N_ELEMENTS (delays_ms)]);
    if (lobby != NULL)
      question_end (lobby_ask_stop (runner, lobby, SHORT_PATIENCE_MS), &stopped);
    question_end (create, &created);
    /* One that was stopped while it was set up is refused. */
    stopped_first += created.status == 500;
    failed += !created.answered || (i % 2 == 0 && created.status != 200) || stopped.status != 200;
  }
  const gboolean empty =
      metrics_wait_empty (runner, before.threads + STEP_IDLE_THREADS, STEP_IDLE_MS, &after);
  const guint programs = process_children_left (runner->pid, STEP_GONE_MS);
  result_metrics (result, "before", &before);
  result_metrics (result, "after", &after);
  result_int (result, "tries", tries);
  result_int (result, "failed_requests", failed);
  result_int (result, "stopped_before_up", stopped_first);
  result_int (result, "programs_left", programs);
  expect_fault (result, after.pipelines > 0 || programs > 0, "a lobby goes on after its stop");
  expect_held (result, after.pipelines == 0, "no pipeline is left running");
  expect_held (result, empty, "threads are back to the start");
  expect_held (result, programs == 0, "no program is left running");
  expect_held (result, failed == 0, "every request was answered as it should be");
}
