/* SPDX-License-Identifier: MIT */
/* lobby.c: see lobby.h. */
#include "lobby.h"

/* How long a switch may take from its answer on. Buffers of the old producer are gone by then. */
#define SWITCH_MS 2000
/* How often to look whether it came. */
#define SWITCH_LOOK_MS 20

static gchar *
create_body (gboolean stop_when_empty, guint width, guint height)
{
  return g_strdup_printf (
      "{\"profile_id\":\"stage\",\"name\":\"Lobby\",\"multi_user\":true,"
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
    const Stage *stage, gboolean stop_when_empty, guint width, guint height, gint64 patience_ms)
{
  g_autofree gchar *body = create_body (stop_when_empty, width, height);

  return ask_api (stage, "POST", "/api/v1/lobbies/create", body, patience_ms);
}

Question *
lobby_ask_create (const Stage *stage, gboolean stop_when_empty, gint64 patience_ms)
{
  return ask_create (stage, stop_when_empty, LOBBY_WIDTH, LOBBY_HEIGHT, patience_ms);
}

Question *
lobby_ask_move (const Stage *stage, const gchar *verb, const gchar *lobby, guint client)
{
  g_autofree gchar *path = g_strconcat ("/api/v1/lobbies/", verb, NULL);
  g_autofree gchar *body = g_strdup_printf (
      "{\"lobby_id\":\"%s\",\"moonlight_session_id\":\"%s\"}", lobby, stage->session_ids[client]);

  return ask_api (stage, "POST", path, body, act_patience_ms (stage));
}

Question *
lobby_ask_stop (const Stage *stage, const gchar *lobby, gint64 patience_ms)
{
  g_autofree gchar *body = g_strdup_printf ("{\"lobby_id\":\"%s\"}", lobby);

  return ask_api (stage, "POST", "/api/v1/lobbies/stop", body, patience_ms);
}

gboolean
lobby_moved (Stage *stage, const gchar *verb, const gchar *lobby, guint client)
{
  g_auto (Answer) answer = { 0 };

  question_end (lobby_ask_move (stage, verb, lobby, client), &answer);
  return answer.status == 200;
}

gchar *
lobby_newest (const Stage *stage, guint *count)
{
  g_auto (Answer) answer = { 0 };

  stage_api (stage, "GET", "/api/v1/lobbies", NULL, STAGE_SHORT_PATIENCE_MS, &answer);
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
lobby_create (Stage *stage, Result *result, gboolean stop_when_empty)
{
  return lobby_create_sized (stage, result, stop_when_empty, LOBBY_WIDTH, LOBBY_HEIGHT);
}

gchar *
lobby_create_sized (
    Stage *stage, Result *result, gboolean stop_when_empty, guint width, guint height)
{
  g_auto (Answer) answer = { 0 };

  question_end (ask_create (stage, stop_when_empty, width, height, STAGE_SOON_MS), &answer);
  gchar *lobby = answer.status == 200 ? lobby_newest (stage, NULL) : NULL;
  result_answer (result, "create", &answer);
  expect_both (result, lobby != NULL, "a lobby is created");
  return lobby;
}

/* The property is read while it may be changing: an unpatched gst-interpipe has no lock there, as for
 * any reader. */
gboolean
lobby_watches (Stage *stage, guint client, const gchar *id)
{
  const gint64 until = g_get_monotonic_time () + SWITCH_MS * G_TIME_SPAN_MILLISECOND;
  g_autofree gchar *node = g_strconcat (id, "_video", NULL);

  for (;;) {
    g_autoptr (JsonObject) got = stage_order (
        stage, "get element=interpipesrc_%s_video property=listen-to", stage->session_ids[client]);
    JsonArray *values = got ? json_object_get_array_member (got, "values") : NULL;
    if (values != NULL && json_array_get_length (values) == 1
        && g_strcmp0 (json_object_get_string_member_with_default (
                          json_array_get_object_element (values, 0), "value", NULL),
               node)
            == 0)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    stage_let_pass (SWITCH_LOOK_MS);
  }
}

gboolean
lobby_watches_own (Stage *stage, guint client)
{
  return lobby_watches (stage, client, stage->session_ids[client]);
}
