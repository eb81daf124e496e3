/* SPDX-License-Identifier: MIT */
#include "http.h"

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

/* Reads on up to the end of the head, and takes the status from it. NULL with @error set. */
static char *
read_head (ProbeConn *conn, GString *bytes, int *status, GError **error)
{
  char *end;

  while ((end = strstr (bytes->str, "\r\n\r\n")) == NULL) {
    if (bytes->len > HEADER_MAX) {
      protocol_error (error, "endless header");
      return NULL;
    }
    if (!need_more (conn, bytes, error))
      return NULL;
    if (bytes->len >= 5 && strncmp (bytes->str, "HTTP/", 5) != 0) {
      protocol_error (error, "no HTTP/ at its start");
      return NULL;
    }
  }
  g_autofree char *head = g_strndup (bytes->str, (gsize) (end - bytes->str) + 2);
  if (strlen (head) < strlen ("HTTP/1.1 200") || !g_str_has_prefix (head, "HTTP/1.")) {
    protocol_error (error, "short status line");
    return NULL;
  }
  *status = (int) MIN (g_ascii_strtoull (head + strlen ("HTTP/1.1 "), NULL, 10), 1000);
  if (*status < 100 || *status > 599) {
    protocol_error (error, "no status code");
    return NULL;
  }
  return g_steal_pointer (&head);
}

/* A body of @length bytes that starts at @bytes[@start]; or up to the end of the stream. */
static gboolean
read_plain (
    ProbeConn *conn, GString *bytes, gsize start, const char *length, GString *body, GError **error)
{
  const guint64 size = length != NULL ? g_ascii_strtoull (length, NULL, 10) : 0;
  int result = 1;

  if (size > BODY_MAX)
    return protocol_error (error, "too long");
  while (length != NULL && bytes->len - start < size)
    if (!need_more (conn, bytes, error))
      return FALSE;
  while (length == NULL && (result = read_more (conn, bytes, error)) > 0)
    if (bytes->len > BODY_MAX)
      return protocol_error (error, "too long");
  if (result < 0)
    return FALSE;
  g_string_append_len (
      body, bytes->str + start, (gssize) (length != NULL ? (gsize) size : bytes->len - start));
  return TRUE;
}

gboolean
probe_http_receive (ProbeConn *conn, ProbeHttpResponse *response, GError **error)
{
  g_autoptr (GString) bytes = g_string_new (NULL);
  g_autoptr (GString) body = g_string_new (NULL);
  int status = 0;

  probe_http_response_clear (response);
  g_autofree char *head = read_head (conn, bytes, &status, error);
  if (head == NULL)
    return FALSE;
  g_autofree char *length = find_header (head, "Content-Length");
  g_autofree char *encoding = find_header (head, "Transfer-Encoding");
  g_autofree char *connection = find_header (head, "Connection");
  const gboolean chunked = encoding != NULL && g_ascii_strcasecmp (encoding, "chunked") == 0;
  const gsize start = strlen (head) + strlen ("\r\n");
  if (chunked ? !read_chunked (conn, bytes, start, body, error)
              : !read_plain (conn, bytes, start, length, body, error))
    return FALSE;
  response->status = status;
  response->keep_alive = (chunked || length != NULL) && g_str_has_prefix (head, "HTTP/1.1")
      && (connection == NULL || g_ascii_strcasecmp (connection, "close") != 0);
  response->body_size = body->len;
  response->body = g_string_free (g_steal_pointer (&body), FALSE);
  return TRUE;
}
