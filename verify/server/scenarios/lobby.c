/* SPDX-License-Identifier: MIT */
/*
 * scenarios-lobby.c: lobbies: a producer that several sessions watch.
 *
 * A client joins a lobby by having its interpipesrc's listen-to set to the lobby's producer, and
 * leaves by having it set back; /cancel makes it leave, too. With `stop_when_everyone_leaves` the
 * last one's leaving stops the lobby, in the thread that asked for it.
 */
#include "lobby.h"

/* What was on its way to a client when a source got stuck has arrived. */
#define SETTLE_MS 500
/* How long packets are counted where only their being there matters. */
#define GLANCE_MS 1500
/* How long a question is left alone before the looking around begins. */
#define ALONE_MS 1000
/* Wolf's own patience with a lobby that is created is 20 s. A lobby that was stopped must be told of
 * to who created it within the bounds of a stuck pipeline's end (2 s + 3 s). */
#define BROKEN_MS 7000
/* At this rate of 15 frames a second, the number of packets that say "video flows". */
#define FLOWING 5

/* A lobby and the clients that stream, by number: some in it, one perhaps outside. */
#define PARTY_CLIENTS 4
#define NOBODY PARTY_CLIENTS
typedef struct {
  gchar *lobby;
  Viewer *viewers[PARTY_CLIENTS];
} Party;

static void
party_clear (Party *party)
{
  for (guint i = 0; i < PARTY_CLIENTS; i++)
    viewer_end (party->viewers[i]);
  g_free (party->lobby);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Party, party_clear)

/* How most of these begin: a lobby is created, clients 0 to `inside` - 1 stream, join it and are shown to
 * have switched, and client `outsider` (or NOBODY) streams. FALSE, and told to the result, if not. */
static gboolean
party_gather (Stage *stage, Result *result, Party *party, gboolean stop_when_empty, guint inside,
    guint outsider)
{
  party->lobby = lobby_create (stage, result, stop_when_empty);
  if (party->lobby == NULL)
    return FALSE;
  for (guint i = 0; i < inside; i++) {
    party->viewers[i] = act_stream (stage, result, i);
    if (party->viewers[i] == NULL)
      return FALSE;
    expect_both (result,
        lobby_moved (stage, "join", party->lobby, i) && lobby_watches (stage, i, party->lobby),
        "a client joins the lobby and watches its producer");
  }
  if (outsider == NOBODY)
    return TRUE;
  party->viewers[outsider] = act_stream (stage, result, outsider);
  return party->viewers[outsider] != NULL;
}

/* Makes the source of a session or lobby stall; returns the fault's id. */
static guint
stall (Stage *stage, Result *result, const gchar *id, const gchar *where)
{
  g_autoptr (JsonObject) armed = stage_order (
      stage, "stall element=wolf_wayland_source with=%s_video where=%s times=1", id, where);
  const guint fault = armed ? (guint) json_object_get_int_member (armed, "id") : 0;

  expect_both (result,
      fault != 0
          && stage_order_reached (
              stage, "wait id=%u state=stalled timeout=%d", fault, STAGE_SOON_MS),
      "the fault was hit");
  return fault;
}

static void
release (Stage *stage, guint fault)
{
  g_autoptr (JsonObject) released G_GNUC_UNUSED = stage_order (stage, "release id=%u", fault);
}

/* Counts a client's video packets, once what was on its way has arrived. */
static gint64
glance (Result *result, Viewer *viewer, const gchar *name)
{
  gint64 video = 0, audio = 0;

  stage_let_pass (SETTLE_MS);
  viewer_count (viewer, GLANCE_MS, &video, &audio);
  result_int (result, name, video);
  return video;
}

/* Clients come and go in a healthy lobby. That a client's packets come from the lobby's producer is
 * shown by taking away first its own one's frames, then the lobby's. */
void
scenario_lobby_switch (Stage *stage, Result *result)
{
  g_auto (Party) party = { 0 };
  guint lobbies;

  if (!party_gather (stage, result, &party, TRUE, 2, 2))
    return;
  const guint own_0 = stall (stage, result, stage->session_ids[0], "create");
  const guint own_1 = stall (stage, result, stage->session_ids[1], "create");
  const gboolean theirs = glance (result, party.viewers[0], "in_lobby_0_video") >= FLOWING;
  const gboolean both = glance (result, party.viewers[1], "in_lobby_1_video") >= FLOWING;
  expect_both (result, theirs && both, "the lobby's frames arrive while the own source is stuck");
  release (stage, own_0);
  release (stage, own_1);

  const guint of_lobby = stall (stage, result, party.lobby, "create");
  expect_both (result, glance (result, party.viewers[0], "lobby_stuck_video") == 0,
      "no other frames arrive in the lobby while its source is stuck");
  expect_both (result, glance (result, party.viewers[2], "outside_video") >= FLOWING,
      "a client outside has its frames meanwhile");
  expect_both (result, lobby_moved (stage, "leave", party.lobby, 0) && lobby_watches_own (stage, 0),
      "a client leaves and watches its own producer");
  expect_both (result, glance (result, party.viewers[0], "left_video") >= FLOWING,
      "its own frames arrive after leaving");
  release (stage, of_lobby);

  expect_both (result,
      lobby_moved (stage, "join", party.lobby, 0) && lobby_watches (stage, 0, party.lobby),
      "a client joins again and watches the lobby's producer");
  expect_both (result, glance (result, party.viewers[0], "joined_again_video") >= FLOWING,
      "frames arrive after joining again");
  expect_both (result,
      lobby_moved (stage, "leave", party.lobby, 1) && lobby_watches_own (stage, 1)
          && lobby_moved (stage, "leave", party.lobby, 0) && lobby_watches_own (stage, 0),
      "all leave and watch their own producers");
  expect_both (result,
      glance (result, party.viewers[0], "all_left_0_video") >= FLOWING
          && glance (result, party.viewers[1], "all_left_1_video") >= FLOWING,
      "their own frames arrive");
  const gboolean gone = !act_producer_outlives (stage, party.lobby, ACT_GONE_MS);
  g_autofree gchar *listed = lobby_newest (stage, &lobbies);
  expect_both (result, gone && listed == NULL, "the lobby ends when the last one has left it");
}

/* /cancel by a client that is alone in a lobby whose source is stuck: it leaves, which stops the
 * lobby. */
static void
cancel_stuck (Stage *stage, Result *result, const gchar *where)
{
  act_measure_healthy (stage, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) answer = { 0 };

  if (!party_gather (stage, result, &party, TRUE, 1, 3))
    return;
  stall (stage, result, party.lobby, where);
  Question *cancel = ask_https (stage, 0, "/cancel", act_patience_ms (stage));
  question_is_over (cancel, ALONE_MS);
  act_look_meanwhile (stage, result, 0, FALSE);
  expect_held (result, glance (result, party.viewers[3], "bystander_video") >= FLOWING,
      "a client outside has its frames meanwhile");
  question_end (cancel, &answer);
  result_answer (result, "cancel", &answer);
  expect_fault (result, !answer.answered, "/cancel is not answered while the source is stuck");
  act_expect_prompt (stage, result, &answer, "/cancel is answered in time");
  /* Not its own source is stuck, so that nothing has its node's name taken. */
  viewer_end (party.viewers[0]);
  party.viewers[0] = viewer_start (stage, 0, NULL, STAGE_SHORT_PATIENCE_MS);
  viewer_pings (party.viewers[0], STAGE_SOON_MS);
  const gint64 again = glance (result, party.viewers[0], "relaunch_video");
  expect_fault (result, again == 0, "the same client's new session does not stream");
  expect_held (result, again >= FLOWING, "the same client's new session streams");
  act_release (stage, result);
  expect_held (result, !act_producer_outlives (stage, party.lobby, ACT_GONE_MS),
      "the lobby's pipeline is gone after the release");
}

void
scenario_lobby_cancel_stuck_create (Stage *stage, Result *result)
{
  cancel_stuck (stage, result, "create");
}

void
scenario_lobby_cancel_stuck_push (Stage *stage, Result *result)
{
  cancel_stuck (stage, result, "push");
}

/* Two clients leave through the API; the second is the last one. */
void
scenario_lobby_leave_stuck (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) not_last = { 0 };
  g_auto (Answer) last = { 0 };

  if (!party_gather (stage, result, &party, TRUE, 2, NOBODY))
    return;
  stall (stage, result, party.lobby, "create");
  question_end (lobby_ask_move (stage, "leave", party.lobby, 0), &not_last);
  Question *leave = lobby_ask_move (stage, "leave", party.lobby, 1);
  question_is_over (leave, ALONE_MS);
  act_look_meanwhile (stage, result, 1, FALSE);
  question_end (leave, &last);
  result_answer (result, "leave", &not_last);
  result_answer (result, "leave_last", &last);
  expect_fault (result, !last.answered, "the last client's lobbies/leave is not answered");
  act_expect_prompt (stage, result, &not_last, "lobbies/leave is answered in time");
  act_expect_prompt (stage, result, &last, "the last client's lobbies/leave is answered in time");
  const gboolean switched = lobby_watches_own (stage, 0) && lobby_watches_own (stage, 1);
  result_bool (result, "switched", switched);
  expect_held (result, switched, "both watch their own producers again");
  const gint64 video_0 = glance (result, party.viewers[0], "left_0_video");
  const gint64 video_1 = glance (result, party.viewers[1], "left_1_video");
  expect_held (result, video_0 >= FLOWING && video_1 >= FLOWING, "their own frames arrive");
  act_release (stage, result);
  expect_held (result, !act_producer_outlives (stage, party.lobby, ACT_GONE_MS),
      "the lobby's pipeline is gone after the release");
}

/* A third client joins a lobby whose source is stuck, and the lobby is stopped. */
void
scenario_lobby_stop_stuck (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) joined = { 0 };
  g_auto (Answer) stopped = { 0 };
  guint lobbies;

  if (!party_gather (stage, result, &party, FALSE, 2, 2))
    return;
  stall (stage, result, party.lobby, "create");
  question_end (lobby_ask_move (stage, "join", party.lobby, 2), &joined);
  result_answer (result, "join", &joined);
  const gboolean watching = lobby_watches (stage, 2, party.lobby);
  result_bool (result, "join_switched", watching);
  act_expect_prompt (stage, result, &joined, "lobbies/join is answered in time");
  expect_held (result, watching, "the client is switched");
  Question *stop = lobby_ask_stop (stage, party.lobby, act_patience_ms (stage));
  question_is_over (stop, ALONE_MS);
  act_look_meanwhile (stage, result, 2, FALSE);
  question_end (stop, &stopped);
  result_answer (result, "stop", &stopped);
  expect_fault (
      result, !stopped.answered, "lobbies/stop is not answered while the source is stuck");
  act_expect_prompt (stage, result, &stopped, "lobbies/stop is answered in time");
  const gboolean switched =
      lobby_watches_own (stage, 0) && lobby_watches_own (stage, 1) && lobby_watches_own (stage, 2);
  result_bool (result, "switched", switched);
  expect_held (result, switched, "all watch their own producers again");
  const gint64 video_0 = glance (result, party.viewers[0], "left_0_video");
  const gint64 video_1 = glance (result, party.viewers[1], "left_1_video");
  const gint64 video_2 = glance (result, party.viewers[2], "left_2_video");
  expect_held (result, MIN (video_0, MIN (video_1, video_2)) >= FLOWING, "their own frames arrive");
  g_autofree gchar *listed = lobby_newest (stage, &lobbies);
  result_int (result, "lobbies", lobbies);
  expect_held (result, listed == NULL, "the lobby is not listed any more");
  act_release (stage, result);
  expect_held (result, !act_producer_outlives (stage, party.lobby, ACT_GONE_MS),
      "the lobby's pipeline is gone after the release");
}

/* Asks for a lobby whose start is held by the fault `id`; returns its id, or NULL. */
static gchar *
create_held (Stage *stage, Result *result, guint fault, const gchar *at, Question **create)
{
  g_autofree gchar *text = g_strdup_printf ("the lobby's pipeline is held at %s", at);

  *create = lobby_ask_create (stage, TRUE, BROKEN_MS);
  const gboolean held =
      stage_order_reached (stage, "wait id=%u state=stalled timeout=%d", fault, STAGE_SOON_MS);
  gchar *lobby = held ? lobby_newest (stage, NULL) : NULL;
  expect_both (result, lobby != NULL, text);
  return lobby;
}

/* Stuck in start(): the lobby's compositor never comes up, and whoever creates it waits. */
void
scenario_lobby_start_stuck (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_autoptr (JsonObject) armed =
      stage_order (stage, "stall factory=waylanddisplaysrc where=start times=1");
  const guint fault = (guint) json_object_get_int_member (armed, "id");
  Question *create;
  g_autofree gchar *lobby = create_held (stage, result, fault, "start", &create);
  g_auto (Answer) created = { 0 };
  g_auto (Answer) stopped = { 0 };

  if (lobby == NULL) {
    question_end (create, &created);
    return;
  }
  Question *stop = lobby_ask_stop (stage, lobby, act_patience_ms (stage));
  question_is_over (stop, ALONE_MS);
  question_end (create, &created);
  act_look_meanwhile (stage, result, 0, FALSE);
  question_end (stop, &stopped);
  result_answer (result, "stop", &stopped);
  result_answer (result, "create", &created);
  expect_fault (result, !stopped.answered, "lobbies/stop is not answered while it is stuck");
  expect_fault (result, !created.answered, "who creates it is not told that it was stopped");
  act_expect_prompt (stage, result, &stopped, "lobbies/stop is answered in time");
  expect_held (result, created.status == 500,
      "who creates it is told within the bounds of a pipeline's end");
  act_release (stage, result);
  expect_held (result, !act_producer_outlives (stage, lobby, ACT_GONE_MS),
      "the lobby's pipeline is gone after the release");
}

/* The name of the thread that is stalled, which is Wolf's; only one is. */
static void
tell_stalled_thread (Stage *stage, Result *result, const gchar *name)
{
  g_autoptr (JsonObject) list = stage_order (stage, "list");
  JsonArray *hits = list ? json_object_get_array_member (list, "hits") : NULL;

  if (hits != NULL && json_array_get_length (hits) == 1)
    result_text (result, name,
        json_object_get_string_member (json_array_get_object_element (hits, 0), "thread"));
}

/* A client's switch does not end, as its pipeline does not answer which caps it takes; the thread
 * that switches holds gst-interpipe's lock of all listeners. The others' switches wait for it. */
void
scenario_lobby_switch_stuck (Stage *stage, Result *result)
{
  act_measure_healthy (stage, result);
  g_auto (Party) party = { 0 };
  g_auto (Answer) joined = { 0 };
  g_auto (Answer) cancelled = { 0 };
  g_auto (Answer) left = { 0 };
  gint64 video, audio;

  if (!party_gather (stage, result, &party, FALSE, 2, 2))
    return;
  g_autoptr (JsonObject) armed = stage_order (stage,
      "stall with=interpipesrc_%s_video where=query type=caps times=1", stage->session_ids[2]);
  Question *join = lobby_ask_move (stage, "join", party.lobby, 2);
  expect_both (result,
      stage_order_reached (stage, "wait id=%u state=stalled timeout=%d",
          (guint) json_object_get_int_member (armed, "id"), STAGE_SOON_MS),
      "the switch is stuck");
  tell_stalled_thread (stage, result, "switch_thread");
  Question *cancel = ask_https (stage, 0, "/cancel", act_patience_ms (stage));
  question_is_over (cancel, ALONE_MS);
  Question *leave = lobby_ask_move (stage, "leave", party.lobby, 1);
  act_look_at_server (stage, result, 3);
  /* Recorded only: the lock that the switch holds is one of all pipelines, which is the plugin's to
   * cure. */
  g_autoptr (Viewer) other = viewer_start (stage, 3, NULL, STAGE_SHORT_PATIENCE_MS);
  viewer_pings (other, STAGE_SOON_MS);
  viewer_count (other, GLANCE_MS, &video, &audio);
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
  /* Not expected of upstream's /cancel, though it does not answer as a rule: its pipeline's end runs
   * meanwhile, and an interpipesrc that is no longer started takes another name without a lock. */
  act_expect_prompt (stage, result, &joined, "lobbies/join is answered in time");
  act_expect_prompt (stage, result, &left, "lobbies/leave is answered in time");
  act_expect_prompt (
      stage, result, &cancelled, "/cancel by a client in the lobby is answered in time");
  act_release (stage, result);
  const gboolean switched = lobby_watches (stage, 2, party.lobby) && lobby_watches_own (stage, 1);
  result_bool (result, "switched", switched);
  expect_held (result, switched, "the switches are made when they can be");
  const gint64 own = glance (result, party.viewers[1], "left_video");
  const gint64 theirs = glance (result, party.viewers[2], "joined_video");
  expect_held (result, own >= FLOWING && theirs >= FLOWING, "frames arrive after the release");
}

/* TRUE when the stop was kept. */
static gboolean
stop_lobby_at (Stage *stage, Result *result, const ActMoment *moment, guint *unanswered)
{
  g_autofree gchar *create_name = g_strdup_printf ("%s_create", moment->name);
  g_autofree gchar *stop_name = g_strdup_printf ("%s_stop", moment->name);
  g_autofree gchar *left_name = g_strdup_printf ("%s_left_running", moment->name);
  g_autoptr (JsonObject) armed =
      stage_order (stage, "stall factory=waylanddisplaysrc %s", moment->words);
  const guint fault = (guint) json_object_get_int_member (armed, "id");
  Question *create;
  g_autofree gchar *lobby = create_held (stage, result, fault, moment->name, &create);
  g_auto (Answer) created = { 0 };
  g_auto (Answer) stopped = { 0 };
  gboolean left = TRUE;

  if (lobby != NULL)
    question_end (lobby_ask_stop (stage, lobby, act_wait_ms (stage, ACT_HELD_MS)), &stopped);
  release (stage, fault);
  question_end (create, &created);
  if (lobby != NULL) {
    /* It may only now come to be put into its pipeline, or, as it should, not at all. */
    stage_order_reached (stage,
        "wait element=wolf_wayland_source with=%s_video state=seen timeout=%d", lobby,
        ACT_APPEAR_MS);
    left = act_producer_outlives (stage, lobby, ACT_GONE_MS);
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
scenario_lobby_stop_at_each_moment (Stage *stage, Result *result)
{
  guint lost = 0, unanswered = 0;

  for (guint i = 0; i < ACT_MOMENTS; i++)
    lost += !stop_lobby_at (stage, result, &act_moments[i], &unanswered);
  g_autoptr (GArray) children = process_children (stage->pid);
  result_int (result, "moments", ACT_MOMENTS);
  result_int (result, "lost", lost);
  result_int (result, "unanswered", unanswered);
  result_int (result, "programs_left", children->len);
  expect_fault (result, lost > 0, "a stop is lost and its pipeline goes on");
  expect_fault (result, unanswered > 0, "a stop waits for the pipeline's start");
  expect_held (result, unanswered == 0, "every stop is answered while the pipeline is held");
  expect_held (result, lost == 0, "no stop is lost");
  expect_held (result, children->len == 0, "no program is left running");
}

/* How long after its creation a lobby's stop comes. */
static const guint delays_ms[] = { 0, 0, 0, 1, 2, 3, 5, 8, 13, 20, 50, 100, 200, 500 };

/* Waits until the lobby is listed, which is long before it is up. */
static gchar *
await_listed (const Stage *stage)
{
  const gint64 until = g_get_monotonic_time () + STAGE_SHORT_PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  gchar *lobby;

  while ((lobby = lobby_newest (stage, NULL)) == NULL && g_get_monotonic_time () < until)
    ;
  return lobby;
}

/* Every second stop comes after the lobby is up, the others while it is set up. */
void
scenario_race_lobby (Stage *stage, Result *result)
{
  const guint tries = (stage->options->long_run ? 10 : 2) * 2 * G_N_ELEMENTS (delays_ms);
  StageFigures before, after;
  guint failed = 0, stopped_first = 0;

  stage_figures (stage, &before);
  for (guint i = 0; i < tries && failed < G_N_ELEMENTS (delays_ms); i++) {
    g_auto (Answer) created = { 0 };
    g_auto (Answer) stopped = { 0 };
    Question *create = lobby_ask_create (stage, TRUE, STAGE_SHORT_PATIENCE_MS);
    if (i % 2 == 0)
      question_is_over (create, STAGE_SHORT_PATIENCE_MS);
    g_autofree gchar *lobby = await_listed (stage);
    stage_let_pass (delays_ms[i / 2 % G_N_ELEMENTS (delays_ms)]);
    if (lobby != NULL)
      question_end (lobby_ask_stop (stage, lobby, STAGE_SHORT_PATIENCE_MS), &stopped);
    question_end (create, &created);
    /* One that was stopped while it was set up is refused. */
    stopped_first += created.status == 500;
    failed += !created.answered || (i % 2 == 0 && created.status != 200) || stopped.status != 200;
  }
  const gboolean empty =
      stage_wait_empty (stage, before.threads + ACT_IDLE_THREADS, ACT_IDLE_MS, &after);
  g_autoptr (GArray) children = process_children (stage->pid);
  result_figures (result, "before", &before);
  result_figures (result, "after", &after);
  result_int (result, "tries", tries);
  result_int (result, "failed_requests", failed);
  result_int (result, "stopped_before_up", stopped_first);
  result_int (result, "programs_left", children->len);
  expect_fault (result, after.pipelines > 0 || children->len > 0, "a lobby goes on after its stop");
  expect_held (result, after.pipelines == 0, "no pipeline is left running");
  expect_held (result, empty, "threads are back to the start");
  expect_held (result, children->len == 0, "no program is left running");
  expect_held (result, failed == 0, "every request was answered as it should be");
}
