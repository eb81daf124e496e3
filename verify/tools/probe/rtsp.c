/* SPDX-License-Identifier: MIT */
#include "rtsp.h"

#include "deadline.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_MS 50 /* all pieces of a message need far less than the 2.5 s that it has */
#define ANSWER_MAX (256 * 1024) /* far above anything Wolf sends */

void
probe_rtsp_reply_clear (ProbeRtspReply *reply)
{
  g_clear_pointer (&reply->headers, g_hash_table_unref);
  g_clear_pointer (&reply->body, g_free);
  memset (reply, 0, sizeof *reply);
}

gboolean
probe_rtsp_reply_parse (const char *text, ProbeRtspReply *reply, GError **error)
{
  const char *head_end = strstr (text, "\r\n\r\n");
  g_autofree char *head =
      g_strndup (text, head_end != NULL ? (gsize) (head_end - text) : strlen (text));
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);

  if (!g_str_has_prefix (text, "RTSP/1.0 ") || head_end == NULL) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "answer is not RTSP");
    return FALSE;
  }
  reply->status = atoi (text + strlen ("RTSP/1.0 "));
  reply->headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (guint i = 1; lines[i] != NULL; i++) {
    /* At the first colon only: a ping payload may be made of any printable characters. */
    const char *colon = strchr (lines[i], ':');

    if (colon == NULL)
      continue;
    g_hash_table_insert (reply->headers, g_ascii_strdown (lines[i], colon - lines[i]),
        g_strstrip (g_strdup (colon + 1)));
  }
  reply->body = g_strdup (head_end + 4);
  return TRUE;
}

static char *
format_request (const ProbeRtspRequest *request)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text,
      "%s %s RTSP/1.0\r\nCSeq: %u\r\nX-GS-ClientVersion: 14\r\nHost: %s\r\n", request->method,
      request->uri, request->sequence, request->host);
  if (strcmp (request->method, "SETUP") == 0)
    g_string_append (text, "Transport: unicast;X-GS-ClientPort=50000-50001\r\n");
  if (request->body != NULL)
    g_string_append_printf (text,
        "Session: DEADBEEFCAFE\r\nContent-type: application/sdp\r\n"
        "Content-length: %" G_GSIZE_FORMAT "\r\n",
        strlen (request->body));
  g_string_append (text, "\r\n");
  if (request->body != NULL)
    g_string_append (text, request->body);
  return g_string_free (text, FALSE);
}

/* The header of the body's length comes in pieces. Between two of them the server has time to take
 * the first by itself; where it does not, the check is only weaker. It ends early when the server
 * has answered a piece. */
static gboolean
write_pieces (ProbeConn *conn, const char *text, GError **error)
{
  static const char length[] = "Content-length: ";
  static const gsize cuts[] = { 9, 2, 5, 1, 4, 1, 1, 1 }; /* "Content-l" "en" … "\r" "\n" "\r" */
  const char *header = strstr (text, length);
  struct pollfd answered = { .fd = probe_conn_get_fd (conn), .events = POLLIN };

  if (header == NULL)
    return probe_conn_write (conn, text, strlen (text), error);
  for (guint i = 0; i < G_N_ELEMENTS (cuts) && strlen (header) > cuts[i]; i++) {
    header += cuts[i];
    if (!probe_conn_write (conn, text, (gsize) (header - text), error))
      return FALSE;
    text = header;
    if (poll (&answered, 1, PIECE_MS) != 0)
      return TRUE;
  }
  return probe_conn_write (conn, text, strlen (text), error);
}

/* Reads to the end of the stream. FALSE with @error set. */
static gboolean
read_all (ProbeConn *conn, GString *answer, GError **error)
{
  char chunk[4096];
  gssize count;

  while ((count = probe_conn_read (conn, chunk, sizeof chunk, error)) > 0) {
    g_string_append_len (answer, chunk, count);
    if (answer->len > ANSWER_MAX) {
      g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "endless RTSP answer");
      return FALSE;
    }
  }
  return count == 0;
}

gboolean
probe_rtsp_call (const char *host, guint16 port, const ProbeRtspRequest *request, gint64 deadline,
    ProbeRtspReply *reply, GError **error)
{
  g_autoptr (ProbeConn) conn = NULL;
  g_autoptr (GString) answer = g_string_new (NULL);
  g_autofree char *text = format_request (request);
  gint64 start = g_get_monotonic_time ();
  gboolean ok = FALSE;

  memset (reply, 0, sizeof *reply);
  reply->phase = PROBE_PHASE_CONNECT;
  conn = probe_conn_open_tcp (host, port, deadline, error);
  if (conn == NULL)
    goto out;
  reply->phase = PROBE_PHASE_REQUEST;
  if (request->pieces ? !write_pieces (conn, text, error)
                      : !probe_conn_write (conn, text, strlen (text), error))
    goto out;
  reply->phase = PROBE_PHASE_RESPONSE;
  if (!read_all (conn, answer, error))
    goto out;
  if (answer->len > 0 && !probe_rtsp_reply_parse (answer->str, reply, error))
    goto out;
  reply->phase = PROBE_PHASE_DONE;
  ok = TRUE;
out:
  reply->ms = probe_ms_since (start);
  return ok;
}

const char *
probe_rtsp_reply_header (const ProbeRtspReply *reply, const char *name)
{
  return reply->headers != NULL ? g_hash_table_lookup (reply->headers, name) : NULL;
}

guint16
probe_rtsp_reply_server_port (const ProbeRtspReply *reply)
{
  const char *transport = probe_rtsp_reply_header (reply, "transport");
  const char *port = transport != NULL ? strstr (transport, "server_port=") : NULL;

  return port != NULL ? (guint16) g_ascii_strtoull (port + strlen ("server_port="), NULL, 10) : 0;
}
