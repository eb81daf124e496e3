/* SPDX-License-Identifier: MIT */
/*
 * api.c: the API: JSON over HTTP on a unix socket.
 *
 * One thread reads and writes, a pool of as many threads as Wolf's runs the handlers: two that
 * block on a machine with two cores, and the API is gone.
 */
#include "input.h"
#include "number.h"
#include "pages.h"
#include "pair.h"
#include "port.h"
#include "servers.h"
#include "sessions.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>
#include <wolf-guard/beat.h>
#include <wolf-guard/watch.h>

#define BODY_MAX (64 * 1024)
#define SIDE_MAX 8192 /* of a picture */

typedef struct Job Job;
typedef struct {
  Lab *lab;
  SoupServer *soup;
  GMainContext *context;
  GThreadPool *pool;
  WgBeat *beat; /* of the pool */
  Job *ping;    /* has no endpoint; is pushed again and again */
} Api;

/* Fills `answer`. NULL, or why not: the text goes into the answer. */
typedef const gchar *(*Endpoint) (Lab *lab, JsonObject *question, JsonBuilder *answer);

/* What a thread of the pool works on. */
struct Job {
  Api *api;
  Endpoint endpoint;
  const gchar *operation;
  SoupServerMessage *message; /* paused; touched in the API's thread only */
  gchar *question;
  gchar *answer;
  guint status;
  gint owner; /* OF_SERVER or OF_POOL; GLib's queues keep that order, but no sanitizer sees it there
               */
};

enum { OF_SERVER, OF_POOL };

static const gchar *
text_of (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
          && json_node_get_value_type (node) == G_TYPE_STRING
      ? json_node_get_string (node)
      : NULL;
}

static gint
number_of (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
          && json_node_get_value_type (node) == G_TYPE_INT64
      ? (gint) CLAMP (json_node_get_int (node), 0, SIDE_MAX)
      : 0;
}

static void
add_text (JsonBuilder *builder, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const gchar *name, gint value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
begin_array (JsonBuilder *builder, const gchar *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
}

static void
add_app (JsonBuilder *answer, const gchar *title, const gchar *id)
{
  json_builder_begin_object (answer);
  add_text (answer, "title", title);
  add_text (answer, "id", id);
  json_builder_end_object (answer);
}

static const gchar *
list_apps (Lab *lab, JsonObject *question G_GNUC_UNUSED, JsonBuilder *answer)
{
  GHashTableIter iter;
  gpointer name;

  begin_array (answer, "apps");
  add_app (answer, LAB_APP_TITLE, LAB_APP_ID);
  g_hash_table_iter_init (&iter, lab->icons);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    add_app (answer, name, name);
  json_builder_end_array (answer);
  return NULL;
}

static const gchar *
list_pairings (Lab *lab G_GNUC_UNUSED, JsonObject *question G_GNUC_UNUSED, JsonBuilder *answer)
{
  begin_array (answer, "requests");
  lab_pair_list (answer);
  json_builder_end_array (answer);
  return NULL;
}

static const gchar *
enter_pin (Lab *lab G_GNUC_UNUSED, JsonObject *question, JsonBuilder *answer G_GNUC_UNUSED)
{
  const gchar *secret = text_of (question, "pair_secret");

  return secret != NULL && lab_pair_enter (secret) ? NULL : "nobody waits with that secret";
}

static const gchar *
list_clients (Lab *lab, JsonObject *question G_GNUC_UNUSED, JsonBuilder *answer)
{
  begin_array (answer, "clients");
  for (guint i = 0; i < lab->clients->len; i++) {
    const LabClient *client = g_ptr_array_index (lab->clients, i);
    json_builder_begin_object (answer);
    add_text (answer, "client_id", client->id);
    json_builder_end_object (answer);
  }
  json_builder_end_array (answer);
  return NULL;
}

static const gchar *
list_sessions (Lab *lab, JsonObject *question G_GNUC_UNUSED, JsonBuilder *answer)
{
  g_autoptr (GPtrArray) list = lab_sessions_list (lab->sessions);

  begin_array (answer, "sessions");
  for (guint i = 0; i < list->len; i++) {
    const LabSession *session = g_ptr_array_index (list, i);
    json_builder_begin_object (answer);
    add_text (answer, "client_id", session->id);
    add_text (answer, "client_ip", session->client_ip);
    add_text (answer, "rtsp_fake_ip", session->rtsp_ip);
    add_text (answer, "app_id", LAB_APP_ID);
    add_number (answer, "video_width", session->mode.width);
    add_number (answer, "video_height", session->mode.height);
    add_number (answer, "video_refresh_rate", session->mode.fps);
    add_number (answer, "audio_channel_count", session->mode.channels);
    json_builder_end_object (answer);
  }
  json_builder_end_array (answer);
  return NULL;
}

static const gchar *
add_session (Lab *lab, JsonObject *question, JsonBuilder *answer)
{
  const gchar *id = text_of (question, "client_id");
  const gchar *ip = text_of (question, "client_ip");
  const LabMode mode = { number_of (question, "video_width"), number_of (question, "video_height"),
    number_of (question, "video_refresh_rate"), number_of (question, "audio_channel_count") };

  if (g_strcmp0 (text_of (question, "app_id"), LAB_APP_ID) != 0)
    return "Invalid app_id";
  if (lab_clients_find_id (lab->clients, id) == NULL)
    return "Invalid client_id";
  if (ip == NULL || mode.width == 0 || mode.height == 0 || mode.fps == 0 || mode.channels == 0)
    return "client_ip, video_width, video_height, video_refresh_rate and audio_channel_count are "
           "needed";
  g_autoptr (LabSession) session =
      lab_session_new (lab, id, &mode, ip, text_of (question, "rtsp_fake_ip"));
  const LabEvent event = { .type = LAB_EVENT_SESSION, .session = session };
  lab_sessions_add (lab->sessions, session);
  lab_bus_fire (lab->bus, &event);
  add_text (answer, "session_id", session->id);
  return NULL;
}

/* The session that a question is about: a new reference, or NULL. Its id is a number, which
 * upstream reads in this thread, of the pool, where nobody catches. */
static LabSession *
session_of (Lab *lab, JsonObject *question)
{
  const gchar *id = text_of (question, "session_id");
  guint64 number;

  if (id != NULL && !lab_number_read (id, &number))
    lab_number_unreadable (lab, "API", "session_id");
  return lab_sessions_find (lab->sessions, id);
}

static const gchar *
fire (Lab *lab, LabEventType type, JsonObject *question)
{
  g_autoptr (LabSession) session = session_of (lab, question);

  if (session == NULL)
    return "Invalid session_id";
  lab_bus_fire_id (lab->bus, type, session->id);
  return NULL;
}

static const gchar *
stop_session (Lab *lab, JsonObject *question, JsonBuilder *answer G_GNUC_UNUSED)
{
  return fire (lab, LAB_EVENT_STOP, question);
}

static const gchar *
pause_session (Lab *lab, JsonObject *question, JsonBuilder *answer G_GNUC_UNUSED)
{
  return fire (lab, LAB_EVENT_PAUSE, question);
}

static const gchar *
take_input (Lab *lab, JsonObject *question, JsonBuilder *answer G_GNUC_UNUSED)
{
  const gchar *packet = text_of (question, "input_packet_hex");
  g_autoptr (LabSession) session = session_of (lab, question);

  if (session == NULL)
    return "Invalid session_id";
  return lab_input_take (lab, session, packet) ? NULL : "input_packet_hex is no input packet";
}

static const struct {
  const gchar *method, *path, *operation;
  Endpoint endpoint;
} endpoints[] = {
  { "GET", "/api/v1/apps", "API apps", list_apps },
  { "GET", "/api/v1/pair/pending", "API pair/pending", list_pairings },
  { "POST", "/api/v1/pair/client", "API pair/client", enter_pin },
  { "GET", "/api/v1/clients", "API clients", list_clients },
  { "GET", "/api/v1/sessions", "API sessions", list_sessions },
  { "POST", "/api/v1/sessions/add", "API sessions/add", add_session },
  { "POST", "/api/v1/sessions/stop", "API sessions/stop", stop_session },
  { "POST", "/api/v1/sessions/pause", "API sessions/pause", pause_session },
  { "POST", "/api/v1/sessions/input", "API sessions/input", take_input },
};

static gboolean
on_answered (gpointer data)
{
  Job *job = data;

  g_return_val_if_fail (g_atomic_int_get (&job->owner) == OF_SERVER, G_SOURCE_REMOVE);
  soup_server_message_set_status (job->message, job->status, NULL);
  soup_server_message_set_response (
      job->message, "application/json", SOUP_MEMORY_TAKE, job->answer, strlen (job->answer));
  soup_server_message_unpause (job->message);
  g_object_unref (job->message);
  g_free (job->question);
  g_free (job);
  return G_SOURCE_REMOVE;
}

static gchar *
finish (JsonBuilder *builder)
{
  json_builder_end_object (builder);
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return json_to_string (root, FALSE);
}

static gchar *
complain (const gchar *why)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "success");
  json_builder_add_boolean_value (builder, FALSE);
  add_text (builder, "error", why);
  return finish (builder);
}

/* In a thread of the pool. */
static void
work (gpointer data, gpointer pool_data G_GNUC_UNUSED)
{
  Job *job = data;

  if (job->endpoint == NULL) {
    wg_beat_now (job->api->beat);
    return;
  }
  g_return_if_fail (g_atomic_int_get (&job->owner) == OF_POOL);
  GMainContext *context = job->api->context;
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = json_from_string (job->question, NULL);
  const gchar *why = "the question is no JSON object";

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "success");
  json_builder_add_boolean_value (builder, TRUE);
  wg_watch_begin (job->operation);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    why = job->endpoint (job->api->lab, json_node_get_object (root), builder);
  wg_watch_end ();
  if (why != NULL)
    lab_log ("API: refused: %s", why);
  job->status = why ? SOUP_STATUS_INTERNAL_SERVER_ERROR : SOUP_STATUS_OK; /* Wolf's choice */
  job->answer = why ? complain (why) : finish (builder);
  g_atomic_int_set (&job->owner, OF_SERVER);
  g_main_context_invoke (context, on_answered, job);
}

/* G_N_ELEMENTS (endpoints): there is none. */
static guint
endpoint_of (SoupServerMessage *message, const char *path)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (endpoints)
      && (!g_str_equal (path, endpoints[i].path)
          || !g_str_equal (soup_server_message_get_method (message), endpoints[i].method)))
    i++;
  return i;
}

static void
on_question (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
    GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  const guint endpoint = endpoint_of (message, path);
  SoupMessageBody *body = soup_server_message_get_request_body (message);

  if (endpoint == G_N_ELEMENTS (endpoints)) {
    soup_server_message_set_status (message, SOUP_STATUS_NOT_FOUND, NULL);
    return;
  }
  if (body->length > BODY_MAX) {
    soup_server_message_set_status (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, NULL);
    return;
  }
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  gsize size = 0;
  const gchar *text = g_bytes_get_data (bytes, &size);
  Job *job = g_new0 (Job, 1);
  job->api = data;
  job->endpoint = endpoints[endpoint].endpoint;
  job->operation = endpoints[endpoint].operation;
  job->message = g_object_ref (message);
  job->question = size > 0 ? g_strndup (text, size) : g_strdup ("{}");
  GThreadPool *pool = job->api->pool;
  soup_server_message_pause (message);
  g_atomic_int_set (&job->owner, OF_POOL);
  g_thread_pool_push (pool, job, NULL);
}

static void
accepted (GSocketConnection *connection, gpointer data)
{
  Api *api = data;
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (local != NULL && remote != NULL)
    soup_server_accept_iostream (api->soup, G_IO_STREAM (connection), local, remote, NULL);
}

/* By the scanner. The queue has no limit; GLib allocates a link for it. */
static void
ping_pool (gpointer data)
{
  Api *api = data;

  g_thread_pool_push (api->pool, api->ping, NULL);
}

static void
watch_pool (Api *api)
{
  const WgBeatSpec spec = { .name = "API pool", .post = ping_pool, .data = api };

  api->ping = g_new0 (Job, 1);
  api->ping->api = api;
  api->beat = wg_beat_new (&spec);
}

gboolean
lab_api_open (Lab *lab, GError **error)
{
  Api *api = g_new0 (Api, 1);
  const gint threads = (gint) MAX (g_get_num_processors (), 2);

  api->lab = lab;
  api->context = g_main_context_ref_thread_default ();
  api->soup = soup_server_new ("server-header", "wolf-lab", NULL);
  lab_page_limit_bodies (lab, api->soup);
  api->pool = g_thread_pool_new (work, NULL, threads, TRUE, error);
  if (api->pool == NULL)
    return FALSE;
  watch_pool (api);
  soup_server_add_handler (api->soup, NULL, on_question, api, NULL);
  return lab_port_listen_unix (lab, lab->api_path, accepted, api, error);
}
