/* SPDX-License-Identifier: MIT */
#include "session.h"

#include "deadline.h"
#include "report.h"
#include "rtsp.h"
#include "stream.h"

#include <string.h>

#define UNIQUE_ID "0123456789ABCDEF" /* what every Moonlight client sends */
#define AES_KEY_BYTES 16

/* How far the session came; each step asks for the one before. */
typedef enum { PHASE_NONE, PHASE_LAUNCHED, PHASE_SET_UP, PHASE_ANNOUNCED, PHASE_STREAMING } Reached;

struct _ProbeSession {
  const ProbeTarget *target;
  ProbeTls *client;
  ProbeSessionSettings settings;
  Reached reached;
  gboolean saw_silence;

  char *app_id;  /* NULL until looked up */
  char *url;     /* sessionUrl0, e.g. rtsp://12.34.56.78:48010 */
  char *rtsp_ip; /* the made-up address in it, by which the server finds the session */
  guint sequence;

  guint16 video_port;
  guint16 audio_port;
  guint16 control_port;
  char *video_payload;
  char *audio_payload;
  char *control_data; /* what an ENet connection brings with it, a number */

  ProbeStream *stream;
  ProbeStreamCounts last; /* at the last report of packets */
};

ProbeSession *
probe_session_new (
    const ProbeTarget *target, ProbeTls *client, const ProbeSessionSettings *settings)
{
  ProbeSession *session = g_new0 (ProbeSession, 1);

  session->target = target;
  session->client = client;
  session->settings = *settings;
  return session;
}

/* Back to the state before a launch. */
static void
forget (ProbeSession *session)
{
  g_clear_pointer (&session->stream, probe_stream_free);
  g_clear_pointer (&session->url, g_free);
  g_clear_pointer (&session->rtsp_ip, g_free);
  g_clear_pointer (&session->video_payload, g_free);
  g_clear_pointer (&session->audio_payload, g_free);
  g_clear_pointer (&session->control_data, g_free);
  session->sequence = 0;
  session->reached = PHASE_NONE;
  memset (&session->last, 0, sizeof session->last);
}

void
probe_session_free (ProbeSession *session)
{
  if (session == NULL)
    return;
  forget (session);
  g_free (session->app_id);
  g_free (session);
}

gboolean
probe_session_is_launched (const ProbeSession *session)
{
  return session->reached >= PHASE_LAUNCHED;
}

gboolean
probe_session_saw_silence (const ProbeSession *session)
{
  return session->saw_silence;
}

/* The report's common end. @error NULL: the step succeeded. */
static JsonObject *
close_report (
    ProbeSession *session, JsonObject *report, double ms, ProbePhase phase, const GError *error)
{
  json_object_set_boolean_member (report, "ok", error == NULL);
  json_object_set_double_member (report, "ms", ms);
  if (error == NULL)
    return report;
  json_object_set_string_member (report, "phase", probe_phase_name (phase));
  json_object_set_string_member (report, "error", error->message);
  if (g_error_matches (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT)
      || g_error_matches (error, PROBE_ERROR, PROBE_ERROR_REFUSED)
      || g_error_matches (error, PROBE_ERROR, PROBE_ERROR_CLOSED)
      || g_error_matches (error, PROBE_ERROR, PROBE_ERROR_RESET))
    session->saw_silence = TRUE;
  return report;
}

/* A report that says what is missing, or NULL if @possible. */
static JsonObject *
refuse_unless (gboolean possible, const char *event, const char *missing)
{
  JsonObject *report;

  if (possible)
    return NULL;
  report = probe_report_event (event);
  json_object_set_boolean_member (report, "ok", FALSE);
  json_object_set_double_member (report, "ms", 0);
  json_object_set_string_member (report, "phase", probe_phase_name (PROBE_PHASE_REQUEST));
  json_object_set_string_member (report, "error", missing);
  return report;
}

/* The text of the XML element @name in @xml, newly allocated, or NULL. Wolf's pages are flat; no
 * parser needed. */
static char *
find_element (const char *xml, const char *name)
{
  g_autofree char *open = g_strdup_printf ("<%s>", name);
  g_autofree char *close = g_strdup_printf ("</%s>", name);
  const char *start = strstr (xml, open);
  const char *end = start != NULL ? strstr (start, close) : NULL;

  return end != NULL ? g_strndup (start + strlen (open), (gsize) (end - start) - strlen (open))
                     : NULL;
}

/* The address between "rtsp://" and the next ':' or '/'; newly allocated, or NULL. */
static char *
find_url_host (const char *url)
{
  const char *host = g_str_has_prefix (url, "rtsp://") ? url + strlen ("rtsp://") : NULL;

  return host != NULL ? g_strndup (host, strcspn (host, ":/")) : NULL;
}

/* Finds the settings' app in the list's XML; ID before title before position. */
static void
choose_app (ProbeSession *session, const char *xml, char **title)
{
  const char *wanted = session->settings.app;
  guint64 position = g_ascii_strtoull (wanted, NULL, 10);
  guint rank = 0; /* of the best match so far: 1 position, 2 title, 3 ID */
  guint64 index = 0;

  for (const char *app = strstr (xml, "<App>"); app != NULL; app = strstr (app + 1, "<App>")) {
    g_autofree char *app_id = find_element (app, "ID");
    g_autofree char *app_title = find_element (app, "AppTitle");
    guint found;

    index++;
    if (app_id == NULL || app_title == NULL)
      continue;
    found = strcmp (app_id, wanted) == 0  ? 3
        : strcmp (app_title, wanted) == 0 ? 2
        : index == position               ? 1
                                          : 0;
    if (found <= rank)
      continue;
    rank = found;
    g_free (session->app_id);
    session->app_id = g_steal_pointer (&app_id);
    g_free (*title);
    *title = g_steal_pointer (&app_title);
  }
}

JsonObject *
probe_session_find_app (ProbeSession *session)
{
  JsonObject *report = probe_report_event ("applist");
  g_autofree char *title = NULL;
  g_auto (ProbeExchange) exchange = { 0 };

  g_clear_pointer (&session->app_id, g_free);
  probe_exchange_https (
      session->target, session->client, "/applist?uniqueid=" UNIQUE_ID, &exchange);
  if (exchange.ok && exchange.response.status == 200) {
    choose_app (session, exchange.response.body, &title);
    if (session->app_id == NULL)
      g_set_error (&exchange.error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "/applist has no app '%s'",
          session->settings.app);
  }
  json_object_set_int_member (report, "status", exchange.response.status);
  probe_report_set_text (
      report, "app_id", session->app_id != NULL ? session->app_id : session->settings.app);
  probe_report_set_text (report, "app_title", title);
  return close_report (session, report, exchange.ms, exchange.phase, exchange.error);
}

static char *
format_launch_path (const ProbeSession *session, gboolean resume)
{
  const ProbeSessionSettings *settings = &session->settings;
  char key[2 * AES_KEY_BYTES + 1];

  for (guint i = 0; i < AES_KEY_BYTES; i++)
    g_snprintf (key + 2 * i, 3, "%02x", (guint) g_random_int_range (0, 256));
  return g_strdup_printf ("/%s?uniqueid=" UNIQUE_ID
                          "&appid=%s&mode=%dx%dx%d&additionalStates=1&sops=0&rikey=%s&rikeyid=%s"
                          "&localAudioPlayMode=0&surroundAudioInfo=196610",
      resume ? "resume" : "launch", session->app_id != NULL ? session->app_id : settings->app,
      settings->width, settings->height, settings->fps, settings->key ? settings->key : key,
      settings->key_id ? settings->key_id : "1");
}

JsonObject *
probe_session_launch (ProbeSession *session, gboolean resume)
{
  JsonObject *report = probe_report_event (resume ? "resume" : "launch");
  g_autofree char *path = format_launch_path (session, resume);
  g_autofree char *resumed = NULL;
  g_auto (ProbeExchange) exchange = { 0 };

  forget (session);
  session->video_port = session->target->video_port;
  session->audio_port = session->target->audio_port;
  session->control_port = session->target->control_port;
  probe_exchange_https (session->target, session->client, path, &exchange);
  json_object_set_int_member (report, "status", exchange.response.status);
  if (exchange.ok && exchange.response.status == 200) {
    session->url = find_element (exchange.response.body, "sessionUrl0");
    resumed = find_element (exchange.response.body, "resume");
    session->rtsp_ip = session->url != NULL ? find_url_host (session->url) : NULL;
  }
  probe_report_set_text (report, "session_url", session->url);
  probe_report_set_text (report, "rtsp_ip", session->rtsp_ip);
  json_object_set_boolean_member (report, "resumed", resumed != NULL);
  if (session->rtsp_ip != NULL)
    session->reached = PHASE_LAUNCHED;
  else if (exchange.ok)
    g_set_error (&exchange.error, PROBE_ERROR, PROBE_ERROR_PROTOCOL,
        "status %d without a session URL%s", exchange.response.status,
        exchange.response.status == 401 ? ": this certificate is not paired" : "");
  return close_report (session, report, exchange.ms, exchange.phase, exchange.error);
}

/* One RTSP message that has to be answered with 200. Fills @reply, which the caller clears. */
static gboolean
call (ProbeSession *session, const char *method, const char *uri, const char *body,
    ProbeRtspReply *reply, GError **error)
{
  const ProbeTarget *target = session->target;
  ProbeRtspRequest request = { .method = method,
    .uri = uri,
    .host = session->rtsp_ip,
    .sequence = ++session->sequence,
    .body = body,
    .pieces = session->settings.pieces };

  if (!probe_rtsp_call (target->host, target->rtsp_port, &request,
          probe_deadline_in (target->timeout_us), reply, error)) {
    g_prefix_error (error, "%s %s: ", method, uri);
    return FALSE;
  }
  if (reply->status == 200)
    return TRUE;
  if (reply->status == 0)
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL,
        "%s %s: closed without an answer, the server knows no such session", method, uri);
  else
    g_set_error (
        error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "%s %s: answered %d", method, uri, reply->status);
  return FALSE;
}

/* SETUP of one stream: its port, and what its pings or its connection have to bring. */
static gboolean
set_up_stream (ProbeSession *session, const char *uri, guint16 *port, char **payload,
    ProbePhase *phase, GError **error)
{
  g_auto (ProbeRtspReply) reply = { 0 };
  gboolean ok = call (session, "SETUP", uri, NULL, &reply, error);
  const char *given;

  *phase = reply.phase;
  if (!ok)
    return FALSE;
  if (probe_rtsp_reply_server_port (&reply) != 0)
    *port = probe_rtsp_reply_server_port (&reply);
  if (payload == &session->control_data) {
    g_free (*payload);
    *payload = g_strdup (probe_rtsp_reply_header (&reply, "x-ss-connect-data"));
    return TRUE;
  }
  given = probe_rtsp_reply_header (&reply, "x-ss-ping-payload");
  if (given == NULL || strlen (given) != PROBE_PING_PAYLOAD_SIZE) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL,
        "SETUP %s: no X-SS-Ping-Payload of %d bytes", uri, PROBE_PING_PAYLOAD_SIZE);
    return FALSE;
  }
  g_free (*payload);
  *payload = g_strdup (given);
  return TRUE;
}

JsonObject *
probe_session_setup (ProbeSession *session)
{
  JsonObject *report = refuse_unless (session->reached >= PHASE_LAUNCHED, "setup", "not launched");
  g_auto (ProbeRtspReply) options = { 0 };
  g_auto (ProbeRtspReply) describe = { 0 };
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  ProbePhase phase;

  if (report != NULL)
    return report;
  report = probe_report_event ("setup");
  if (!call (session, "OPTIONS", session->url, NULL, &options, &error))
    phase = options.phase;
  else if (!call (session, "DESCRIBE", session->url, NULL, &describe, &error))
    phase = describe.phase;
  else if (set_up_stream (session, "streamid=audio/0/0", &session->audio_port,
               &session->audio_payload, &phase, &error)
      && set_up_stream (session, "streamid=video/0/0", &session->video_port,
          &session->video_payload, &phase, &error)
      && set_up_stream (session, "streamid=control/13/0", &session->control_port,
          &session->control_data, &phase, &error))
    session->reached = MAX (session->reached, PHASE_SET_UP);
  json_object_set_int_member (report, "video_port", session->video_port);
  json_object_set_int_member (report, "audio_port", session->audio_port);
  json_object_set_int_member (report, "control_port", session->control_port);
  return close_report (session, report, probe_ms_since (start), phase, error);
}

/* What Wolf reads from a client's SDP, and the few lines around it without which it is none. */
static char *
format_sdp (const ProbeSession *session)
{
  const ProbeSessionSettings *settings = &session->settings;

  return g_strdup_printf ("v=0\r\n"
                          "o=wolf 0 14 IN IPv4 127.0.0.1\r\n"
                          "s=wolf-probe\r\n"
                          "%s%s%s"
                          "a=x-ml-general.featureFlags:3 \r\n"
                          "a=x-nv-video[0].clientViewportWd:%d \r\n"
                          "a=x-nv-video[0].clientViewportHt:%d \r\n"
                          "a=x-nv-video[0].maxFPS:%d \r\n"
                          "a=x-nv-video[0].packetSize:1024 \r\n"
                          "a=x-nv-video[0].timeoutLengthMs:7000 \r\n"
                          "a=x-nv-video[0].framesWithInvalidRefThreshold:0 \r\n"
                          "a=x-nv-video[0].videoEncoderSlicesPerFrame:1 \r\n"
                          "a=x-nv-video[0].encoderCscMode:0 \r\n"
                          "a=x-nv-vqos[0].bitStreamFormat:0 \r\n"
                          "a=x-nv-vqos[0].bw.maximumBitrateKbps:2000 \r\n"
                          "a=x-nv-vqos[0].fec.minRequiredFecPackets:2 \r\n"
                          "a=x-nv-general.featureFlags:135 \r\n"
                          "a=x-nv-audio.surround.numChannels:2 \r\n"
                          "a=x-nv-audio.surround.AudioQuality:0 \r\n"
                          "a=x-nv-aqos.packetDuration:5 \r\n"
                          "t=0 0\r\n"
                          "m=video %u \r\n",
      settings->attribute ? "a=" : "", settings->attribute ? settings->attribute : "",
      settings->attribute ? " \r\n" : "", settings->width, settings->height, settings->fps,
      session->video_port);
}

JsonObject *
probe_session_announce (ProbeSession *session)
{
  JsonObject *report = refuse_unless (session->reached >= PHASE_SET_UP, "announce", "not set up");
  g_autofree char *sdp = NULL;
  g_auto (ProbeRtspReply) reply = { 0 };
  g_autoptr (GError) error = NULL;

  if (report != NULL)
    return report;
  report = probe_report_event ("announce");
  sdp = format_sdp (session);
  if (call (session, "ANNOUNCE", "streamid=control/13/0", sdp, &reply, &error))
    session->reached = MAX (session->reached, PHASE_ANNOUNCED);
  json_object_set_int_member (report, "status", reply.status);
  return close_report (session, report, reply.ms, reply.phase, error);
}

JsonObject *
probe_session_ping (ProbeSession *session)
{
  /* Also after a cancel: a client whose ping comes too late is worth trying. */
  JsonObject *report = refuse_unless (
      session->video_payload != NULL && session->audio_payload != NULL, "ping", "not set up");
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  ProbeStreamCounts counts = { .first_video_ms = -1, .first_audio_ms = -1 };

  if (report != NULL)
    return report;
  report = probe_report_event ("ping");
  g_clear_pointer (&session->stream, probe_stream_free);
  session->stream = probe_stream_new (session->target->host, session->video_port,
      session->video_payload, session->audio_port, session->audio_payload, &error);
  if (session->stream != NULL) {
    memset (&session->last, 0, sizeof session->last);
    session->last.at = start;
    if (probe_stream_wait_first (session->stream, probe_deadline_in (session->target->timeout_us)))
      session->reached = MAX (session->reached, PHASE_STREAMING);
    else
      g_set_error (&error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "no video packet in time");
    probe_stream_get_counts (session->stream, &counts);
  }
  probe_report_set_ms (report, "video_ms", counts.first_video_ms);
  probe_report_set_ms (report, "audio_ms", counts.first_audio_ms);
  return close_report (session, report, probe_ms_since (start), PROBE_PHASE_RESPONSE, error);
}

JsonObject *
probe_session_packets (ProbeSession *session)
{
  JsonObject *report = probe_report_event ("packets");
  ProbeStreamCounts now = { .at = g_get_monotonic_time () };
  ProbeStreamCounts last = session->last;

  if (session->stream != NULL)
    probe_stream_get_counts (session->stream, &now);
  if (last.at == 0)
    last.at = now.at;
  json_object_set_boolean_member (report, "ok", now.video_packets > last.video_packets);
  json_object_set_int_member (report, "video", (gint64) (now.video_packets - last.video_packets));
  json_object_set_int_member (report, "audio", (gint64) (now.audio_packets - last.audio_packets));
  json_object_set_double_member (report, "seconds", (double) (now.at - last.at) / G_USEC_PER_SEC);
  json_object_set_int_member (report, "video_bytes", (gint64) (now.video_bytes - last.video_bytes));
  json_object_set_int_member (report, "audio_bytes", (gint64) (now.audio_bytes - last.audio_bytes));
  json_object_set_int_member (report, "video_total", (gint64) now.video_packets);
  json_object_set_int_member (report, "audio_total", (gint64) now.audio_packets);
  session->last = now;
  return report;
}

guint16
probe_session_control_port (const ProbeSession *session, guint32 *data)
{
  *data = session->control_data != NULL
      ? (guint32) g_ascii_strtoull (session->control_data, NULL, 10)
      : 0;
  return session->control_port;
}

JsonObject *
probe_session_cancel (ProbeSession *session)
{
  JsonObject *report = probe_report_event ("cancel");
  g_auto (ProbeExchange) exchange = { 0 };

  if (session->stream != NULL)
    probe_stream_stop_pings (session->stream);
  probe_exchange_https (session->target, session->client, "/cancel?uniqueid=" UNIQUE_ID, &exchange);
  json_object_set_int_member (report, "status", exchange.response.status);
  if (exchange.ok && exchange.response.status == 200)
    session->reached = PHASE_NONE;
  else if (exchange.ok)
    g_set_error (
        &exchange.error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "status %d", exchange.response.status);
  return close_report (session, report, exchange.ms, exchange.phase, exchange.error);
}

JsonObject *
probe_session_serverinfo (ProbeSession *session)
{
  JsonObject *report = probe_report_event ("serverinfo");
  g_autofree char *game = NULL;
  g_auto (ProbeExchange) exchange = { 0 };

  probe_exchange_https (
      session->target, session->client, "/serverinfo?uniqueid=" UNIQUE_ID, &exchange);
  json_object_set_int_member (report, "status", exchange.response.status);
  if (exchange.ok)
    game = find_element (exchange.response.body, "currentgame");
  probe_report_set_text (report, "current_game", game);
  if (exchange.ok && exchange.response.status != 200)
    g_set_error (
        &exchange.error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "status %d", exchange.response.status);
  return close_report (session, report, exchange.ms, exchange.phase, exchange.error);
}
