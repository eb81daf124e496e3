/* SPDX-License-Identifier: MIT */
/* lobby.c: see lobby.h. */
#include "lobby.h"

/* How long a switch may take from its answer on. Buffers of the old producer are gone by then. */
#define SWITCH_MS 2000

static gchar *
create_body (gboolean stop_when_empty, guint width, guint height)
{
  return g_strdup_printf (
      "{\"profile_id\":\"runner\",\"name\":\"Lobby\",\"multi_user\":true,"
      "\"stop_when_everyone_leaves\":%s,\"video_settings\":{\"width\":%u,\"height\":%u,"
      "\"refresh_rate\":15,\"wayland_render_node\":\"software\",\"runner_render_node\":"
      "\"software\","
      "\"video_producer_buffer_caps\":\"video/x-raw\"},\"audio_settings\":{\"channel_count\":2},"
      "\"runner_state_folder\":\"lobby\",\"runner\":{\"type\":\"process\",\"run_cmd\":\"sleep "
      "1000\"}}",
      stop_when_empty ? "true" : "false", width, height);
}

static Question *
ask_create (
    const Runner *runner, gboolean stop_when_empty, guint width, guint height, gint64 patience_ms)
{
  g_autofree gchar *body = create_body (stop_when_empty, width, height);

  return ask_api (runner, "POST", "/api/v1/lobbies/create", body, patience_ms);
}

Question *
lobby_ask_create (const Runner *runner, gboolean stop_when_empty, gint64 patience_ms)
{
  return ask_create (runner, stop_when_empty, LOBBY_WIDTH, LOBBY_HEIGHT, patience_ms);
}

Question *
lobby_ask_move (const Runner *runner, const gchar *action, const gchar *lobby, guint number)
{
  g_autofree gchar *path = g_strconcat ("/api/v1/lobbies/", action, NULL);
  g_autofree gchar *body = g_strdup_printf (
      "{\"lobby_id\":\"%s\",\"moonlight_session_id\":\"%s\"}", lobby, runner->session_ids[number]);

  return ask_api (runner, "POST", path, body, step_patience_ms (runner));
}

Question *
lobby_ask_stop (const Runner *runner, const gchar *lobby, gint64 patience_ms)
{
  g_autofree gchar *body = g_strdup_printf ("{\"lobby_id\":\"%s\"}", lobby);

  return ask_api (runner, "POST", "/api/v1/lobbies/stop", body, patience_ms);
}

gboolean
lobby_moved (Runner *runner, const gchar *action, const gchar *lobby, guint number)
{
  g_auto (Answer) answer = { 0 };

  question_end (lobby_ask_move (runner, action, lobby, number), &answer);
  return answer.status == 200;
}

gchar *
lobby_newest (const Runner *runner, guint *count)
{
  g_auto (Answer) answer = { 0 };

  ask_api_now (runner, "GET", "/api/v1/lobbies", NULL, SHORT_PATIENCE_MS, &answer);
  g_autoptr (JsonNode) node = answer.status == 200 ? json_from_string (answer.body, NULL) : NULL;
  JsonArray *lobbies = node != NULL && JSON_NODE_HOLDS_OBJECT (node)
      ? json_object_get_array_member (json_node_get_object (node), "lobbies")
      : NULL;
  const guint n = lobbies != NULL ? json_array_get_length (lobbies) : 0;
  if (count != NULL)
    *count = n;
  return n > 0 ? g_strdup (
             json_object_get_string_member (json_array_get_object_element (lobbies, n - 1), "id"))
               : NULL;
}

gchar *
lobby_create (Runner *runner, Result *result, gboolean stop_when_empty)
{
  return lobby_create_sized (runner, result, stop_when_empty, LOBBY_WIDTH, LOBBY_HEIGHT);
}

gchar *
lobby_create_sized (
    Runner *runner, Result *result, gboolean stop_when_empty, guint width, guint height)
{
  g_auto (Answer) answer = { 0 };

  question_end (ask_create (runner, stop_when_empty, width, height, SOON_MS), &answer);
  gchar *lobby = answer.status == 200 ? lobby_newest (runner, NULL) : NULL;
  result_answer (result, "create", &answer);
  expect_both (result, lobby != NULL, "a lobby is created");
  return lobby;
}

/* The property is read while it may be changing: an unpatched gst-interpipe has no lock there, as
 * for any reader. */
gboolean
lobby_watches (Runner *runner, guint number, const gchar *id)
{
  g_autofree gchar *node = g_strconcat (id, "_video", NULL);
  g_autofree gchar *which = g_strdup_printf (
      "element=interpipesrc_%s_video property=listen-to", runner->session_ids[number]);

  return step_await_value (runner, which, node, SWITCH_MS);
}

gboolean
lobby_watches_own (Runner *runner, guint number)
{
  return lobby_watches (runner, number, runner->session_ids[number]);
}
