/* SPDX-License-Identifier: MIT */
#include "malformed.h"

#include "deadline.h"
#include "malformed-control.h"
#include "malformed-session.h"

#include <string.h>
#include <sys/socket.h>

#define BIG_BYTES (256 * 1024) /* of a header: no server takes that much */
#define MANY_HEADERS 5000
#define JUNK_BYTES 4096
#define DEEP_LEVELS 50000
#define ENDLESS_BYTES (32 << 20) /* more than all buffers on the way hold */
#define NUMBERS 100              /* of each door */

typedef struct {
  const char *name;
  const char *text;            /* sent as it is, up to its NUL, but for APP */
  void (*build) (GString *to); /* or this, after the text */
} Message;

static void
junk (GString *to)
{
  /* Any bytes will do, but the same ones each time. */
  guint32 state = 2463534242u;

  for (guint i = 0; i < JUNK_BYTES; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    g_string_append_c (to, (char) state);
  }
}

static void
fill (GString *to)
{
  for (guint i = 0; i < BIG_BYTES; i++)
    g_string_append_c (to, 'x');
  g_string_append (to, "\r\n\r\n");
}

static void
many_headers (GString *to)
{
  for (guint i = 0; i < MANY_HEADERS; i++)
    g_string_append_printf (to, "X-%u: y\r\n", i);
  g_string_append (to, "\r\n");
}

static void
zeros (GString *to)
{
  g_string_append_len (to, "X: a\0b\r\n\0\r\n\r\n", 14);
}

static void
nest (GString *to, guint levels)
{
  GString *body = g_string_new (NULL);

  for (guint i = 0; i < levels; i++)
    g_string_append_c (body, '[');
  g_string_append_printf (
      to, "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s", body->len, body->str);
  g_string_free (body, TRUE);
}

static void
deep (GString *to)
{
  nest (to, JUNK_BYTES);
}

static void
deeper (GString *to)
{
  nest (to, DEEP_LEVELS);
}

/* What follows is poured, not kept: see pour(). */
static void
endless (GString *to G_GNUC_UNUSED)
{
}

#define APP "@APP@"                                  /* the id of an app that there is */
#define HUGE_NUMBER "999999999999999999999999999999" /* too big for any type */

#define HEAD " HTTP/1.1\r\nHost: x\r\n"
#define GET "GET /serverinfo" HEAD

/* The same for HTTPS, HTTP and the API. A message's place is its number: new ones go to the end of
 * a door's second list. */
static const Message http[] = {
  { "junk", "", junk },
  { "empty-lines", "\r\n\r\n\r\n\r\n", NULL },
  { "no-version", "GET /serverinfo\r\n\r\n", NULL },
  { "bad-version", "GET /serverinfo HTTP/99.x\r\nHost: x\r\n\r\n", NULL },
  { "no-path", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", NULL },
  { "method-of-junk", "\x01\x02\xff /serverinfo HTTP/1.1\r\n\r\n", NULL },
  { "long-method", "", fill },
  { "long-path", "GET /", fill },
  { "up-path", "GET /../../../../etc/passwd" HEAD "\r\n", NULL },
  { "bad-escape", "GET /%zz%%%" HEAD "\r\n", NULL },
  { "header-without-colon", GET "no colon at all\r\n\r\n", NULL },
  { "header-of-zeros", GET, zeros },
  { "big-header", GET "X: ", fill },
  { "many-headers", GET, many_headers },
  { "bare-newlines", "GET /serverinfo HTTP/1.1\nHost: x\n\n", NULL },
  { "length-of-words", "POST /serverinfo" HEAD "Content-Length: many\r\n\r\nx", NULL },
  { "empty-length", "POST /serverinfo" HEAD "Content-Length: \r\n\r\nx", NULL },
  { "huge-length", "POST /serverinfo" HEAD "Content-Length: " HUGE_NUMBER "\r\n\r\nx", NULL },
  { "negative-length", "POST /serverinfo" HEAD "Content-Length: -1\r\n\r\nx", NULL },
  { "two-lengths", "POST /serverinfo" HEAD "Content-Length: 1\r\nContent-Length: 9\r\n\r\nx",
      NULL },
  { "bad-chunk", "POST /serverinfo" HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n", NULL },
  { "huge-chunk",
      "POST /serverinfo" HEAD "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx", NULL },
  { "half-chunk", "POST /serverinfo" HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", NULL },
  { "chunk-without-end", "POST /serverinfo" HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello",
      NULL },
  { "half-body", "POST /serverinfo" HEAD "Content-Length: 1000\r\n\r\nx", NULL },
};

/* Launches without a mode, and calls with wrong values. None of them starts anything. */
#define ENDLESS(path) "POST " path HEAD "Content-Length: 99999999999\r\n\r\n"
#define LAUNCH(mode, more)                                                                         \
  "GET /launch?appid=" APP "&mode=" mode "&rikey=00&rikeyid=1" more HEAD "\r\n"
static const Message https_too[] = {
  { "launch-of-nothing", "GET /launch" HEAD "\r\n", NULL },
  { "launch-unknown", "GET /launch?appid=nobody&mode=1x1x1&rikey=00&rikeyid=1" HEAD "\r\n", NULL },
  { "mode-of-words", LAUNCH ("many", ""), NULL },
  { "empty-mode", LAUNCH ("", ""), NULL },
  { "mode-of-one", LAUNCH ("1920", ""), NULL },
  { "mode-of-two", LAUNCH ("1920x1080", ""), NULL },
  { "huge-mode", LAUNCH (HUGE_NUMBER "x1080x60", ""), NULL },
  { "surround-of-words", LAUNCH ("640x360x30", "&surroundAudioInfo=many"), NULL },
  { "huge-surround", LAUNCH ("640x360x30", "&surroundAudioInfo=" HUGE_NUMBER), NULL },
  { "launch-without-key", "GET /launch?appid=" APP "&mode=640x360x30" HEAD "\r\n", NULL },
  { "resume-of-nothing", "GET /resume?rikey=zz" HEAD "\r\n", NULL },
  { "asset-of-words", "GET /appasset?appid=many&AssetType=many" HEAD "\r\n", NULL },
  { "endless-body", ENDLESS ("/serverinfo"), endless },
  { "deeper-json", "POST /serverinfo" HEAD, deeper },
};
/* Of /pair's first step nothing: its answer waits for a PIN. */
static const Message http_too[] = {
  { "pair-of-nothing", "GET /pair" HEAD "\r\n", NULL },
  { "pair-out-of-order", "GET /pair?uniqueid=1&clientchallenge=zz" HEAD "\r\n", NULL },
  { "unpair-of-nothing", "GET /unpair" HEAD "\r\n", NULL },
  { "unpair-a-stranger", "GET /unpair?uniqueid=1" HEAD "\r\n", NULL },
  { "pin-of-words", "POST /pin/" HEAD "Content-Length: 4\r\n\r\nmany", NULL },
  { "endless-body", ENDLESS ("/serverinfo"), endless },
  { "endless-pin", ENDLESS ("/pin/"), endless },
  { "deeper-json", "POST /pin/" HEAD, deeper },
};

#define POST(path) "POST /api/v1/" path HEAD
static const Message api_too[] = {
  { "no-json", "POST /api/v1/sessions/stop" HEAD "Content-Length: 9\r\n\r\nnot json!", NULL },
  { "half-json", "POST /api/v1/sessions/add" HEAD "Content-Length: 1\r\n\r\n{", NULL },
  { "other-json", "POST /api/v1/sessions/stop" HEAD "Content-Length: 2\r\n\r\n[]", NULL },
  { "wrong-types",
      "POST /api/v1/sessions/stop" HEAD "Content-Length: 20\r\n\r\n{\"session_id\":[1,2]}", NULL },
  { "unknown-session",
      "POST /api/v1/sessions/stop" HEAD "Content-Length: 18\r\n\r\n{\"session_id\":\"0\"}", NULL },
  { "input-of-words",
      "POST /api/v1/sessions/input" HEAD
      "Content-Length: 43\r\n\r\n{\"session_id\":\"0\",\"input_packet_hex\":\"zzz\"}",
      NULL },
  { "stop-of-words", POST ("sessions/stop") "Content-Length: 21\r\n\r\n{\"session_id\":\"many\"}",
      NULL },
  { "pause-of-words", POST ("sessions/pause") "Content-Length: 21\r\n\r\n{\"session_id\":\"many\"}",
      NULL },
  { "stop-of-nothing", POST ("sessions/stop") "Content-Length: 17\r\n\r\n{\"session_id\":\"\"}",
      NULL },
  { "huge-stop",
      POST ("sessions/stop") "Content-Length: 47\r\n\r\n{\"session_id\":\"" HUGE_NUMBER "\"}",
      NULL },
  { "input-to-words",
      POST ("sessions/input") "Content-Length: "
                              "45\r\n\r\n{\"session_id\":\"many\",\"input_packet_hex\":\"00\"}",
      NULL },
  { "runner-of-words",
      POST ("runners/start") "Content-Length: "
                             "96\r\n\r\n{\"stop_stream_when_over\":false,\"runner\":{\"type\":"
                             "\"process\",\"run_cmd\":\"true\"},\"session_id\":\"many\"}",
      NULL },
  { "client-of-words",
      POST ("clients/settings") "Content-Length: 20\r\n\r\n{\"client_id\":\"many\"}", NULL },
  { "unpair-words", POST ("unpair/client") "Content-Length: 20\r\n\r\n{\"client_id\":\"many\"}",
      NULL },
  { "leave-of-words",
      POST ("lobbies/leave") "Content-Length: "
                             "46\r\n\r\n{\"lobby_id\":\"x\",\"moonlight_session_id\":\"many\"}",
      NULL },
  { "deep-json", "POST /api/v1/sessions/add" HEAD, deep },
  { "endless-body", ENDLESS ("/api/v1/sessions/stop"), endless },
  { "deeper-json", "POST /api/v1/sessions/add" HEAD, deeper },
  { "deeper-stop", "POST /api/v1/sessions/stop" HEAD, deeper },
};

#define RTSP " RTSP/1.0\r\nHost: x\r\n"
static const Message rtsp[] = {
  { "junk", "", junk },
  { "empty-lines", "\r\n\r\n\r\n\r\n", NULL },
  { "http", GET "\r\n", NULL },
  { "no-sequence", "OPTIONS rtsp://x" RTSP "\r\n", NULL },
  { "sequence-of-words", "OPTIONS rtsp://x" RTSP "CSeq: many\r\n\r\n", NULL },
  { "unknown-method", "NOTHING rtsp://x" RTSP "CSeq: 1\r\n\r\n", NULL },
  { "setup-of-nothing", "SETUP streamid=nothing" RTSP "CSeq: 1\r\n\r\n", NULL },
  { "announce-without-body", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: 100\r\n\r\n",
      NULL },
  { "length-of-words", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: many\r\n\r\nx", NULL },
  { "empty-length", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: \r\n\r\nx", NULL },
  { "huge-length", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: " HUGE_NUMBER "\r\n\r\nx",
      NULL },
  { "negative-length", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: -5\r\n\r\nx", NULL },
  { "huge-sequence", "OPTIONS rtsp://x:1" RTSP "CSeq: " HUGE_NUMBER "\r\n\r\n", NULL },
  { "huge-port", "OPTIONS rtsp://x:" HUGE_NUMBER RTSP "CSeq: 1\r\n\r\n", NULL },
  { "header-without-colon", "OPTIONS rtsp://x" RTSP "nothing\r\n\r\n", NULL },
  { "big-header", "OPTIONS rtsp://x" RTSP "X: ", fill },
  { "endless-body", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: 2000000000\r\n\r\n",
      endless },
  { "two-lengths",
      "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: 1\r\nContent-length: 9\r\n\r\nx", NULL },
  { "half-length", "ANNOUNCE rtsp://x" RTSP "CSeq: 1\r\nContent-length: 65536\r\n\r\nx", NULL },
};

typedef struct {
  const Message *messages;
  guint count;
} Set;

/* What a door is told: two sets, one after the other. Sessions and control have files of their
 * own. */
static const struct {
  const char *name;
  ProbeMalformedClass class;
  Set sets[2];
} doors[PROBE_DOORS] = {
  [PROBE_DOOR_HTTPS] = { "https", PROBE_MALFORMED_CLIENT,
      { { http, G_N_ELEMENTS (http) }, { https_too, G_N_ELEMENTS (https_too) } } },
  [PROBE_DOOR_HTTP] = { "http", PROBE_MALFORMED_STRANGER,
      { { http, G_N_ELEMENTS (http) }, { http_too, G_N_ELEMENTS (http_too) } } },
  [PROBE_DOOR_API] = { "api", PROBE_MALFORMED_API,
      { { http, G_N_ELEMENTS (http) }, { api_too, G_N_ELEMENTS (api_too) } } },
  [PROBE_DOOR_RTSP] = { "rtsp", PROBE_MALFORMED_STRANGER,
      { { rtsp, G_N_ELEMENTS (rtsp) }, { NULL, 0 } } },
  [PROBE_DOOR_SESSION] = { "session", PROBE_MALFORMED_CLIENT, { { NULL, 0 }, { NULL, 0 } } },
  [PROBE_DOOR_CONTROL] = { "control", PROBE_MALFORMED_ADDRESS, { { NULL, 0 }, { NULL, 0 } } },
};

const char *
probe_door_name (ProbeDoor door)
{
  return doors[door].name;
}

const char *
probe_malformed_end_name (ProbeMalformedEnd end)
{
  static const char *const names[PROBE_MALFORMED_ENDS] = { "answered", "closed", "silent",
    "nowhere", "swallowed" };

  return names[end];
}

const char *
probe_malformed_class_name (ProbeMalformedClass class)
{
  static const char *const names[] = { "stranger", "address", "client", "api" };

  return names[class];
}

guint
probe_malformed_count (ProbeDoor door)
{
  return door == PROBE_DOOR_SESSION ? probe_malformed_session_count ()
      : door == PROBE_DOOR_CONTROL  ? probe_malformed_control_count ()
                                    : doors[door].sets[0].count + doors[door].sets[1].count;
}

static const Message *
message_at (ProbeDoor door, guint index)
{
  const Set *sets = doors[door].sets;

  return index < sets[0].count ? &sets[0].messages[index]
                               : &sets[1].messages[index - sets[0].count];
}

const char *
probe_malformed_name (ProbeDoor door, guint index)
{
  return door == PROBE_DOOR_SESSION ? probe_malformed_session_name (index)
      : door == PROBE_DOOR_CONTROL  ? probe_malformed_control_name (index)
                                    : message_at (door, index)->name;
}

guint
probe_malformed_number (ProbeDoor door, guint index)
{
  return (guint) door * NUMBERS + index;
}

ProbeMalformedClass
probe_malformed_class (ProbeDoor door, guint index)
{
  return door == PROBE_DOOR_SESSION ? probe_malformed_session_class (index)
      : door == PROBE_DOOR_CONTROL  ? probe_malformed_control_class (index)
                                    : doors[door].class;
}

static ProbeConn *
open_door (const ProbeTarget *target, ProbeTls *client, ProbeDoor door, gint64 deadline)
{
  if (door == PROBE_DOOR_API)
    return probe_conn_open_unix (target->api_path, deadline, NULL);
  const guint16 port = door == PROBE_DOOR_HTTPS ? target->https_port
      : door == PROBE_DOOR_HTTP                 ? target->http_port
                                                : target->rtsp_port;
  ProbeConn *conn = probe_conn_open_tcp (target->host, port, deadline, NULL);
  if (conn != NULL && door == PROBE_DOOR_HTTPS && !probe_tls_handshake (client, conn, NULL))
    g_clear_pointer (&conn, probe_conn_free);
  return conn;
}

static GString *
bytes_of (const Message *message, const char *app)
{
  GString *bytes = g_string_new (message->text);

  g_string_replace (bytes, APP, app, 0);
  if (message->build != NULL)
    message->build (bytes);
  return bytes;
}

/* FALSE: the server has ended it before all was sent. */
static gboolean
pour (ProbeConn *conn)
{
  static const char chunk[64 * 1024];

  for (gsize sent = 0; sent < ENDLESS_BYTES; sent += sizeof chunk)
    if (!probe_conn_write (conn, chunk, sizeof chunk, NULL))
      return FALSE;
  return TRUE;
}

ProbeMalformedEnd
probe_malformed_send (
    const ProbeMalformed *to, ProbeDoor door, guint index, ProbeMalformedAnswer *answer)
{
  const gint64 deadline = probe_deadline_in (to->target->timeout_us);
  g_autoptr (GError) error = NULL;
  char text[256];

  *answer = (ProbeMalformedAnswer){ .line = g_strdup ("") };
  if (door == PROBE_DOOR_SESSION)
    return probe_malformed_session_send (to, index, answer);
  if (door == PROBE_DOOR_CONTROL)
    return probe_malformed_control_send (to, index, answer);
  const Message *message = message_at (door, index);
  g_autoptr (ProbeConn) conn = open_door (to->target, to->client, door, deadline);
  g_autoptr (GString) bytes = bytes_of (message, to->app ? to->app : "1");
  if (conn == NULL)
    return PROBE_MALFORMED_NOWHERE;
  /* A server may well close before it has read all of it, with or without an answer. */
  probe_conn_write (conn, bytes->str, bytes->len, NULL);
  if (message->build == endless && pour (conn))
    return PROBE_MALFORMED_SWALLOWED;
  shutdown (probe_conn_get_fd (conn), SHUT_WR);
  const gssize n = probe_conn_read (conn, text, sizeof text, &error);
  if (n > 0) {
    g_free (answer->line);
    answer->line = g_strndup (text, MIN ((gsize) n, strcspn (text, "\r\n")));
    return PROBE_MALFORMED_ANSWERED;
  }
  return g_error_matches (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT) ? PROBE_MALFORMED_SILENT
                                                                   : PROBE_MALFORMED_CLOSED;
}
