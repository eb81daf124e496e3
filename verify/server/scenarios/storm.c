/* SPDX-License-Identifier: MIT */
/*
 * storm.c: many switches at once.
 *
 * Eight sessions join and leave four lobbies, from four threads; one lobby's source is stuck, and a
 * fifth lobby comes and goes all the time.
 *
 * The lobbies are of two sizes, and the sessions of a third. The tracer counts the frames that
 * leave an interpipesrc and fit their caps or not. There is no leaky queue behind it, as in Wolf's
 * own defaults: GStreamer's hands the caps of what it drops to its pad while the buffer before them
 * is on its way out.
 */
#include "lobby.h"

#define CLIENTS 8
#define LOBBIES 4
#define THREADS 4
#define STUCK 0 /* which lobby */
/* Video packets in the time below that say "it flows", at 15 frames a second. */
#define FLOWING 5
#define GLANCE_MS 1500
#define SETTLE_MS 500

static const struct {
  guint width, height;
} sizes[] = { { 320, 180 }, { 480, 272 } };

typedef struct {
  Runner *runner;
  gchar *lobbies[LOBBIES];
  guint moves; /* of each thread */
  gint unanswered, refused;
  gint running;
  guint came_and_went;
} Storm;

typedef struct {
  Storm *storm;
  guint first; /* of the clients that are this thread's */
  GArray *ms;
} Mover;

/* Each client goes in and out; each time another lobby. */
static gpointer
move_clients (gpointer data)
{
  Mover *mover = data;
  Storm *storm = mover->storm;
  const guint per = CLIENTS / THREADS;
  guint in[CLIENTS / THREADS] = { 0 }; /* 0: out, else the lobby's number + 1 */

  for (guint i = 0; i < storm->moves || in[0] || in[1]; i++) {
    const guint mine = i % per;
    const gboolean join = in[mine] == 0;
    const guint lobby = join ? (i / per + mover->first) % LOBBIES : in[mine] - 1;
    g_auto (Answer) answer = { 0 };

    if (join && i >= storm->moves)
      continue;
    question_end (lobby_ask_move (storm->runner, join ? "join" : "leave", storm->lobbies[lobby],
                      mover->first + mine),
        &answer);
    if (!answer.answered) {
      g_atomic_int_inc (&storm->unanswered);
      break;
    }
    if (answer.status != 200)
      g_atomic_int_inc (&storm->refused);
    g_array_append_val (mover->ms, answer.ms);
    in[mine] = join ? lobby + 1 : 0;
  }
  return NULL;
}

/* A producer comes and goes. */
static gpointer
come_and_go (gpointer data)
{
  Storm *storm = data;

  while (g_atomic_int_get (&storm->running)) {
    g_auto (Answer) created = { 0 };
    g_auto (Answer) stopped = { 0 };

    question_end (lobby_ask_create (storm->runner, FALSE, SHORT_PATIENCE_MS), &created);
    if (created.status != 200)
      break;
    g_autofree gchar *lobby = lobby_newest (storm->runner, NULL);
    if (lobby == NULL)
      break;
    question_end (lobby_ask_stop (storm->runner, lobby, SHORT_PATIENCE_MS), &stopped);
    if (stopped.status != 200)
      break;
    storm->came_and_went++;
  }
  return NULL;
}

static void
run_storm (Storm *storm, Result *result)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (gdouble));
  GThread *threads[THREADS], *visitor;
  Mover movers[THREADS];

  storm->running = TRUE;
  visitor = g_thread_new ("come and go", come_and_go, storm);
  for (guint i = 0; i < THREADS; i++) {
    movers[i] =
        (Mover){ storm, i * CLIENTS / THREADS, g_array_new (FALSE, FALSE, sizeof (gdouble)) };
    threads[i] = g_thread_new ("mover", move_clients, &movers[i]);
  }
  for (guint i = 0; i < THREADS; i++) {
    g_thread_join (threads[i]);
    g_array_append_vals (all, movers[i].ms->data, movers[i].ms->len);
    g_array_unref (movers[i].ms);
  }
  g_atomic_int_set (&storm->running, FALSE);
  g_thread_join (visitor);
  result_int (result, "switches", all->len);
  result_int (result, "unanswered", storm->unanswered);
  result_int (result, "refused", storm->refused);
  result_int (result, "came_and_went", storm->came_and_went);
  result_ms (result, "switch_p50_ms", step_percentile (all, 50));
  result_ms (result, "switch_p99_ms", step_percentile (all, 99));
}

/* Whose frames are held against their caps: the plugin's, and the producers', to know whose fault
 * it is. */
static const struct {
  const gchar *factory, *frames, *wrong, *first;
} watched[] = {
  { "interpipesrc", "frames", "wrong_caps", "first_wrong" },
  { "waylanddisplaysrc", "produced", "produced_wrong_caps", "produced_first_wrong" },
};

static void
watch_caps (Runner *runner, Result *result)
{
  for (guint i = 0; i < G_N_ELEMENTS (watched); i++) {
    g_autoptr (JsonObject) told =
        runner_order (runner, "watch-caps factory=%s", watched[i].factory);
    expect_both (result, told != NULL, "the tracer watches the caps");
  }
}

static void
look_at_caps (Runner *runner, Result *result)
{
  g_autoptr (JsonObject) told = runner_order (runner, "caps");
  JsonArray *watches = told ? json_object_get_array_member (told, "watches") : NULL;

  expect_both (result, watches != NULL && json_array_get_length (watches) == G_N_ELEMENTS (watched),
      "the tracer tells what it saw");
  for (guint i = 0; watches != NULL && i < json_array_get_length (watches); i++) {
    JsonObject *watch = json_array_get_object_element (watches, i);
    const gint64 frames = json_object_get_int_member (watch, "frames");
    const gint64 wrong = json_object_get_int_member (watch, "wrong");
    const gchar *first = json_object_get_string_member_with_default (watch, "first", NULL);

    result_int (result, watched[i].frames, frames);
    result_int (result, watched[i].wrong, wrong);
    if (first != NULL)
      result_text (result, watched[i].first, first);
    expect_both (result, frames > 0, "frames were looked at");
    expect_held_with_plugin (
        runner, result, wrong == 0, "no frame leaves under the caps of another");
  }
}

static void
storm (Runner *runner, Result *result, Storm *storm)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func ((GDestroyNotify) client_end);
  guint home = 0, flowing = 0;

  storm->moves = (runner->options->long_run ? 10000 : 400) / THREADS;
  watch_caps (runner, result);
  for (guint i = 0; i < LOBBIES; i++) {
    const guint size = i % G_N_ELEMENTS (sizes);
    storm->lobbies[i] =
        lobby_create_sized (runner, result, FALSE, sizes[size].width, sizes[size].height);
    if (storm->lobbies[i] == NULL)
      return;
  }
  for (guint i = 0; i < CLIENTS; i++) {
    Client *client = step_stream (runner, result, i);
    if (client == NULL)
      return;
    g_ptr_array_add (clients, client);
  }
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall element=wolf_wayland_source with=%s_video where=create times=1",
          storm->lobbies[STUCK]);
  expect_both (result,
      armed != NULL && runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS),
      "one lobby's source is stuck");
  run_storm (storm, result);
  for (guint i = 0; i < CLIENTS; i++)
    home += lobby_watches_own (runner, i);
  wait_ms (SETTLE_MS);
  for (guint i = 0; i < clients->len; i++) {
    gint64 video = 0, audio = 0;
    client_count (g_ptr_array_index (clients, i), GLANCE_MS, &video, &audio);
    flowing += video >= FLOWING;
  }
  look_at_caps (runner, result);
  g_autofree gchar *log = runner_log (runner);
  const gboolean errors = log != NULL && strstr (log, "Pipeline error") != NULL;
  result_int (result, "home", home);
  result_int (result, "flowing", flowing);
  result_bool (result, "pipeline_errors", errors);
  result_bool (result, "alive", runner_is_alive (runner));
  /* What the plugin does to the switches is the plugin's to cure. */
  expect_held_with_plugin (runner, result, storm->unanswered == 0 && storm->refused == 0,
      "every switch is answered with success");
  expect_held_with_plugin (
      runner, result, storm->came_and_went > 0, "lobbies come and go meanwhile");
  expect_held_with_plugin (
      runner, result, flowing == CLIENTS, "all sessions have frames afterwards");
  expect_held_with_plugin (runner, result, !errors, "no pipeline ends with an error");
  step_release (runner, result);
}

void
scenario_switch_storm (Runner *runner, Result *result)
{
  Storm it = { .runner = runner };

  storm (runner, result, &it);
  for (guint i = 0; i < LOBBIES; i++)
    g_free (it.lobbies[i]);
}
