/* SPDX-License-Identifier: MIT */
#include "malformed-session.h"

#include "deadline.h"
#include "session.h"

#include <poll.h>
#include <string.h>

#define HUGE_NUMBER "999999999999999999999999999999"
#define ENCRYPTED "x-nv-general.featureFlags:167" /* only then is the key's id read */
#define SETTLE_MS 20 /* how often it is looked whether sound has come, too */
#define CROWD 16     /* subscribers at a time */
#define PAUSE_MS 5   /* between two of them, so that they do not fill the socket's queue */

#define SESSION "@SESSION@" /* the id of the session, as the API knows it */
#define RUNNER(json)                                                                               \
  "{\"stop_stream_when_over\":false,\"session_id\":\"" SESSION "\",\"runner\":{\"type\":"          \
  "\"docker\",\"name\":\"x\",\"image\":\"x\",\"mounts\":[],\"env\":[],\"devices\":[],\"ports\":[]" \
  ","                                                                                              \
  "\"base_create_json\":\"" json "\"}}"
#define PAYLOAD "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]"
#define START(rate, packet)                                                                        \
  "{\"session_id\":\"" SESSION "\",\"video_session\":{\"display_mode\":{\"width\":320,\"height\":" \
  "180,\"refreshRate\":" rate ",\"hevc_supported\":false,\"av1_supported\":false},"                \
  "\"gst_pipeline\":\"fakesrc ! fakesink\",\"render_node\":\"\",\"session_id\":0,\"port\":48100,"  \
  "\"timeout_ms\":1000,\"wait_for_ping\":false,\"packet_size\":" packet ","                        \
  "\"frames_with_invalid_ref_threshold\":0,\"fec_percentage\":20,\"min_required_fec_packets\":2,"  \
  "\"bitrate_kbps\":1000,\"slices_per_frame\":1,\"color_range\":\"MPEG\",\"color_space\":"         \
  "\"BT709\",\"client_ip\":\"127.0.0.1\",\"rtp_secret_payload\":" PAYLOAD "},\"audio_session\":{"  \
  "\"gst_pipeline\":\"fakesrc ! fakesink\",\"session_id\":0,\"encrypt_audio\":false,\"aes_key\":"  \
  "\"00\",\"aes_iv\":\"0\",\"port\":48200,\"wait_for_ping\":false,\"client_ip\":\"127.0.0.1\","    \
  "\"rtp_secret_payload\":" PAYLOAD ",\"packet_duration\":5,\"audio_mode\":{\"channels\":2,"       \
  "\"streams\":1,\"coupled_streams\":1,\"speakers\":[],\"bitrate\":96000,\"sample_rate\":48000}}}"
#define INPUT(hex) "{\"session_id\":\"" SESSION "\",\"input_packet_hex\":\"" hex "\"}"

/* What a session says instead of what it should (NULL: as it should), or what the API is told of it
 * while it streams. A number is a place in this list, so that new ones go to its end. */
static const struct {
  const char *name, *key, *key_id, *attribute;
  const char *path, *body; /* of the API */
  gboolean crowd;          /* subscribers of the API's events come and go meanwhile */
  gboolean pieces;         /* nothing is wrong with it; the announcement comes in pieces */
} sessions[] = {
  { "key-id-of-words", .key_id = "many", .attribute = ENCRYPTED },
  { "empty-key-id", .key_id = "" },
  { "huge-key-id", .key_id = HUGE_NUMBER, .attribute = ENCRYPTED },
  { "short-key", .key = "00" },
  { "empty-key", .key = "" },
  { "attribute-of-nothing", .attribute = "" },
  { "attribute-without-colon", .attribute = "x-nv-video" },
  { "width-of-words", .attribute = "x-nv-video[0].clientViewportWd:many" },
  { "empty-width", .attribute = "x-nv-video[0].clientViewportWd:" },
  { "huge-width", .attribute = "x-nv-video[0].clientViewportWd:" HUGE_NUMBER },
  { "no-frames", .attribute = "x-nv-video[0].maxFPS:0" },
  { "packets-of-nothing", .attribute = "x-nv-video[0].packetSize:0" },
  { "packets-of-headers", .attribute = "x-nv-video[0].packetSize:16" },
  { "huge-packets", .attribute = "x-nv-video[0].packetSize:2147483647" },
  { "huge-redundancy", .attribute = "x-nv-vqos[0].fec.minRequiredFecPackets:100000" },
  { "runner-list", .path = "runners/start", .body = RUNNER ("[]") },
  { "runner-number", .path = "runners/start", .body = RUNNER ("1") },
  { "runner-types", .path = "runners/start", .body = RUNNER ("{\\\"HostConfig\\\":3}") },
  { "runner-no-json", .path = "runners/start", .body = RUNNER ("{") },
  { "start-rate", .path = "sessions/start", .body = START ("0", "1024") },
  { "start-packet", .path = "sessions/start", .body = START ("30", "0") },
  { "start-negative", .path = "sessions/start", .body = START ("-1", "-1") },
  { "input-text", .path = "sessions/input", .body = INPUT ("06020c000000000017000000") },
  { "input-claim", .path = "sessions/input", .body = INPUT ("06020c00000000ff17000000") },
  { "input-short", .path = "sessions/input", .body = INPUT ("0602") },
  { "input-empty", .path = "sessions/input", .body = INPUT ("") },
  { "input-odd", .path = "sessions/input", .body = INPUT ("06020") },
  { "subscribers", .crowd = TRUE },
  { "in-pieces", .pieces = TRUE },
};

guint
probe_malformed_session_count (void)
{
  return G_N_ELEMENTS (sessions);
}

const char *
probe_malformed_session_name (guint index)
{
  return sessions[index].name;
}

ProbeMalformedClass
probe_malformed_session_class (guint index)
{
  return sessions[index].path != NULL || sessions[index].crowd ? PROBE_MALFORMED_API
                                                               : PROBE_MALFORMED_CLIENT;
}

/* How a step ended. Takes its report. */
static ProbeMalformedEnd
end_of (const ProbeTarget *target, JsonObject *report, gboolean *ok, char **line)
{
  const char *name = json_object_get_string_member (report, "event");
  const char *phase = json_object_get_string_member_with_default (report, "phase", "");
  const gint64 status = json_object_get_int_member_with_default (report, "status", 0);
  const double us = json_object_get_double_member (report, "ms") * G_TIME_SPAN_MILLISECOND;
  const ProbeMalformedEnd end = status != 0     ? PROBE_MALFORMED_ANSWERED
      : g_str_equal (phase, "connect")          ? PROBE_MALFORMED_NOWHERE
      : us >= (double) target->timeout_us * 0.9 ? PROBE_MALFORMED_SILENT
                                                : PROBE_MALFORMED_CLOSED;

  *ok = json_object_get_boolean_member (report, "ok");
  g_free (*line);
  *line = g_strdup_printf ("%s %" G_GINT64_FORMAT, name, status);
  json_object_unref (report);
  return end;
}

static gboolean
has_sound (ProbeSession *session)
{
  g_autoptr (JsonObject) report = probe_session_packets (session);

  return json_object_get_int_member (report, "audio_total") > 0;
}

/* Until both streams have begun, as far as they do. */
static void
stream (const ProbeTarget *target, ProbeSession *session)
{
  const gint64 deadline = probe_deadline_in (target->timeout_us);
  g_autoptr (JsonObject) pinged G_GNUC_UNUSED = probe_session_ping (session);

  while (!has_sound (session) && !probe_deadline_passed (deadline))
    poll (NULL, 0, SETTLE_MS);
}

/* ---- what the API is told ---- */

/* The id of the last session that the API lists; newly allocated, or NULL. */
static char *
session_id (const ProbeTarget *target)
{
  g_auto (ProbeExchange) exchange = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();

  probe_exchange_api (target, "/api/v1/sessions", &exchange);
  if (!exchange.ok || !json_parser_load_from_data (parser, exchange.response.body, -1, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return NULL;
  JsonNode *list =
      json_object_get_member (json_node_get_object (json_parser_get_root (parser)), "sessions");
  if (list == NULL || !JSON_NODE_HOLDS_ARRAY (list)
      || json_array_get_length (json_node_get_array (list)) == 0)
    return NULL;
  JsonArray *array = json_node_get_array (list);
  JsonObject *last = json_array_get_object_element (array, json_array_get_length (array) - 1);
  return g_strdup (json_object_get_string_member_with_default (last, "client_id", NULL));
}

static ProbeMalformedEnd
tell_api (const ProbeTarget *target, guint index, char **line)
{
  g_autofree char *id = session_id (target);
  g_autoptr (GString) body = g_string_new (sessions[index].body);
  g_autoptr (ProbeConn) conn = id == NULL
      ? NULL
      : probe_conn_open_unix (target->api_path, probe_deadline_in (target->timeout_us), NULL);
  g_auto (ProbeHttpResponse) response = { 0 };
  g_autoptr (GError) error = NULL;

  if (conn == NULL)
    return PROBE_MALFORMED_NOWHERE;
  g_string_replace (body, SESSION, id, 0);
  g_autofree char *request = g_strdup_printf ("POST /api/v1/%s HTTP/1.1\r\nHost: localhost\r\n"
                                              "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
      sessions[index].path, body->len, body->str);
  if (probe_conn_write (conn, request, strlen (request), &error)
      && probe_http_receive (conn, &response, &error)) {
    g_free (*line);
    *line = g_strdup_printf ("%s %d", sessions[index].path, response.status);
    return PROBE_MALFORMED_ANSWERED;
  }
  return g_error_matches (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT) ? PROBE_MALFORMED_SILENT
                                                                   : PROBE_MALFORMED_CLOSED;
}

typedef struct {
  const ProbeTarget *target;
  gint stop; /* atomic */
} Crowd;

static gpointer
come_and_go (gpointer data)
{
  static const char request[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Crowd *crowd = data;
  ProbeConn *conns[CROWD] = { NULL };

  for (guint i = 0; !g_atomic_int_get (&crowd->stop); i = (i + 1) % CROWD) {
    g_clear_pointer (&conns[i], probe_conn_free);
    conns[i] = probe_conn_open_unix (
        crowd->target->api_path, probe_deadline_in (crowd->target->timeout_us), NULL);
    if (conns[i] != NULL)
      probe_conn_write (conns[i], request, sizeof request - 1, NULL);
    poll (NULL, 0, PAUSE_MS);
  }
  for (guint i = 0; i < CROWD; i++)
    probe_conn_free (conns[i]);
  return NULL;
}

static ProbeMalformedEnd
run_session (
    const ProbeMalformed *to, ProbeSession *session, guint index, ProbeMalformedAnswer *answer)
{
  gboolean ok;
  ProbeMalformedEnd end =
      end_of (to->target, probe_session_launch (session, FALSE), &ok, &answer->line);

  if (!ok)
    return end;
  g_autoptr (JsonObject) setup G_GNUC_UNUSED = probe_session_setup (session);
  end = end_of (to->target, probe_session_announce (session), &ok, &answer->line);
  answer->asked = sessions[index].pieces;
  answer->accepted = answer->asked && ok;
  if (ok)
    stream (to->target, session);
  if (ok && sessions[index].path != NULL)
    end = tell_api (to->target, index, &answer->line);
  g_autoptr (JsonObject) cancelled G_GNUC_UNUSED = probe_session_cancel (session);
  return end;
}

ProbeMalformedEnd
probe_malformed_session_send (const ProbeMalformed *to, guint index, ProbeMalformedAnswer *answer)
{
  const ProbeSessionSettings settings = { .app = to->app ? to->app : "1",
    .width = 320,
    .height = 180,
    .fps = 15,
    .key = sessions[index].key,
    .key_id = sessions[index].key_id,
    .attribute = sessions[index].attribute,
    .pieces = sessions[index].pieces };
  g_autoptr (ProbeSession) session = probe_session_new (to->target, to->client, &settings);
  Crowd crowd = { .target = to->target };

  if (probe_malformed_session_class (index) == PROBE_MALFORMED_API && to->target->api_path == NULL)
    return PROBE_MALFORMED_NOWHERE;
  if (!sessions[index].crowd)
    return run_session (to, session, index, answer);
  GThread *thread = g_thread_new ("subscribers", come_and_go, &crowd);
  const ProbeMalformedEnd end = run_session (to, session, index, answer);
  g_atomic_int_set (&crowd.stop, 1);
  g_thread_join (thread);
  return end;
}
