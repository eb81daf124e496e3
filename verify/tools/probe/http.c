/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX (64 * 1024)     /* far above anything Wolf sends */
#define BODY_MAX (4 * 1024 * 1024) /* the largest answer asked for here is an XML page */
#define READ_CHUNK 4096

void
probe_http_response_clear (ProbeHttpResponse *response)
{
  g_clear_pointer (&response->body, g_free);
  memset (response, 0, sizeof *response);
}

gboolean
probe_http_send_get (
    ProbeConn *conn, const char *host, const char *target, gboolean keep_alive, GError **error)
{
  g_autofree char *request = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: wolf-probe\r\nConnection: %s\r\n\r\n", target,
      host, keep_alive ? "keep-alive" : "close");

  return probe_conn_write (conn, request, strlen (request), error);
}

static gboolean
protocol_error (GError **error, const char *what)
{
  g_set_error (error, PROBE_ERROR, PROBE_ERROR_PROTOCOL, "answer is not HTTP: %s", what);
  return FALSE;
}

/* Appends what comes next to @bytes. 1: something came; 0: end of stream; -1: @error set. */
static int
read_more (ProbeConn *conn, GString *bytes, GError **error)
{
  char chunk[READ_CHUNK];
  gssize count = probe_conn_read (conn, chunk, sizeof chunk, error);

  if (count > 0)
    g_string_append_len (bytes, chunk, count);
  return count > 0 ? 1 : (int) count;
}

/* The same where the end of the stream is too early. */
static gboolean
need_more (ProbeConn *conn, GString *bytes, GError **error)
{
  int result = read_more (conn, bytes, error);

  if (result == 0)
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_CLOSED, "closed %s",
        bytes->len == 0 ? "without an answer" : "in the middle of the answer");
  return result > 0;
}

/* The value of header @name in @head (lines after the first), newly allocated, or NULL. */
static char *
find_header (const char *head, const char *name)
{
  gsize name_length = strlen (name);

  for (const char *line = strstr (head, "\r\n"); line != NULL; line = strstr (line, "\r\n")) {
    line += 2;
    if (g_ascii_strncasecmp (line, name, name_length) == 0 && line[name_length] == ':') {
      const char *end = strstr (line, "\r\n");
      const char *value = line + name_length + 1;

      return g_strstrip (end != NULL ? g_strndup (value, (gsize) (end - value)) : g_strdup (value));
    }
  }
  return NULL;
}

/* Reads a chunked body that starts at @bytes[*position] into @body. */
static gboolean
read_chunked (ProbeConn *conn, GString *bytes, gsize position, GString *body, GError **error)
{
  for (;;) {
    char *line_end;
    char *digits_end;
    guint64 size;
    gsize data;

    while ((line_end = strstr (bytes->str + position, "\r\n")) == NULL) {
      if (bytes->len - position > HEADER_MAX)
        return protocol_error (error, "endless chunk header");
      if (!need_more (conn, bytes, error))
        return FALSE;
    }
    size = g_ascii_strtoull (bytes->str + position, &digits_end, 16);
    if (digits_end == bytes->str + position || size > BODY_MAX || body->len + size > BODY_MAX)
      return protocol_error (error, "bad chunk size");
    data = (gsize) (line_end - bytes->str) + 2;
    while (bytes->len < data + size + 2) {
      if (!need_more (conn, bytes, error))
        return FALSE;
    }
    if (size == 0)
      return TRUE;
    g_string_append_len (body, bytes->str + data, (gssize) size);
    position = data + (gsize) size + 2;
  }
}

gboolean
probe_http_receive (ProbeConn *conn, ProbeHttpResponse *response, GError **error)
{
  g_autoptr (GString) bytes = g_string_new (NULL);
  g_autoptr (GString) body = g_string_new (NULL);
  g_autofree char *head = NULL;
  g_autofree char *length_text = NULL;
  g_autofree char *encoding = NULL;
  g_autofree char *connection = NULL;
  gboolean until_close = FALSE;
  char *head_end;
  gsize body_start;

  probe_http_response_clear (response);
  while ((head_end = strstr (bytes->str, "\r\n\r\n")) == NULL) {
    if (bytes->len > HEADER_MAX)
      return protocol_error (error, "endless header");
    if (!need_more (conn, bytes, error))
      return FALSE;
    if (bytes->len >= 5 && strncmp (bytes->str, "HTTP/", 5) != 0)
      return protocol_error (error, "no HTTP/ at its start");
  }
  body_start = (gsize) (head_end - bytes->str) + 4;
  head = g_strndup (bytes->str, body_start - 2);
  if (strlen (head) < strlen ("HTTP/1.1 200") || !g_str_has_prefix (head, "HTTP/1."))
    return protocol_error (error, "short status line");
  response->status = atoi (head + strlen ("HTTP/1.1 "));
  if (response->status < 100 || response->status > 599) {
    response->status = 0;
    return protocol_error (error, "no status code");
  }

  length_text = find_header (head, "Content-Length");
  encoding = find_header (head, "Transfer-Encoding");
  connection = find_header (head, "Connection");
  if (encoding != NULL && g_ascii_strcasecmp (encoding, "chunked") == 0) {
    if (!read_chunked (conn, bytes, body_start, body, error))
      goto failed;
  } else if (length_text != NULL) {
    guint64 length = g_ascii_strtoull (length_text, NULL, 10);

    if (length > BODY_MAX) {
      protocol_error (error, "too long");
      goto failed;
    }
    while (bytes->len - body_start < length) {
      if (!need_more (conn, bytes, error))
        goto failed;
    }
    g_string_append_len (body, bytes->str + body_start, (gssize) length);
  } else {
    int result;

    until_close = TRUE;
    while ((result = read_more (conn, bytes, error)) > 0) {
      if (bytes->len > BODY_MAX) {
        protocol_error (error, "too long");
        goto failed;
      }
    }
    if (result < 0)
      goto failed;
    g_string_append_len (body, bytes->str + body_start, (gssize) (bytes->len - body_start));
  }
  response->keep_alive = !until_close && g_str_has_prefix (head, "HTTP/1.1")
      && (connection == NULL || g_ascii_strcasecmp (connection, "close") != 0);
  response->body_size = body->len;
  response->body = g_string_free (g_steal_pointer (&body), FALSE);
  return TRUE;

failed:
  probe_http_response_clear (response);
  return FALSE;
}
