/* SPDX-License-Identifier: MIT */
/* display.c: input for a display that is not there yet. */
#include "around.h"
#include "lobby.h"

/* How long the one who creates the lobby is waited for; the server's own patience is longer. */
#define CREATE_MS 1000
#define INPUT_MS 2000
/* A relative mouse move, as Moonlight sends it. */
#define MOUSE_MOVE "06020e000000000a0700000000010001"

/* A client joins a lobby whose compositor does not come up, and moves its mouse. */
void
scenario_lobby_input_early (Runner *runner, Result *result)
{
  around_begin (runner, result);
  g_autoptr (Client) client = step_stream (runner, result, 0);
  g_autofree gchar *body = g_strdup_printf (
      "{\"session_id\":\"%s\",\"input_packet_hex\":\"" MOUSE_MOVE "\"}", runner->session_ids[0]);
  g_auto (Answer) created = { 0 };
  g_auto (Answer) joined = { 0 };
  g_auto (Answer) input = { 0 };

  if (client == NULL)
    return;
  g_autoptr (JsonObject) armed =
      runner_order (runner, "stall factory=waylanddisplaysrc where=start times=1");
  Question *create = lobby_ask_create (runner, TRUE, CREATE_MS);
  const gboolean held =
      armed != NULL && runner_order_reached (runner, "wait state=stalled timeout=%d", SOON_MS);
  g_autofree gchar *lobby = held ? lobby_newest (runner, NULL) : NULL;
  expect_both (result, lobby != NULL, "the lobby's display does not come up");
  question_end (create, &created);
  if (lobby == NULL)
    return;
  question_end (lobby_ask_move (runner, "join", lobby, 0), &joined);
  ask_api_now (runner, "POST", "/api/v1/sessions/input", body, INPUT_MS, &input);
  const gboolean ended = runner_has_ended (runner, runner->server->dying_ms);
  result_answer (result, "join", &joined);
  result_answer (result, "input", &input);
  expect_fault (result, ended, "the input ends the server");
  expect_held (result, joined.status == 200, "lobbies/join is answered with 200");
  expect_held (result, input.status == 200, "the input is answered with 200");
  if (!ended) {
    expect_held (result, around_measure (runner, result, "during"), "HTTPS answers meanwhile");
    step_release (runner, result);
  }
  client_end (g_steal_pointer (&client));
  if (!ended) {
    g_auto (Answer) cancelled = { 0 };
    ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  }
  around_end (runner, result);
}
