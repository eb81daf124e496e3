/* SPDX-License-Identifier: MIT
 *
 * http: just enough of HTTP/1.1 to ask a server something and read the whole answer.
 *
 * Works over any connection (TCP, TLS, unix). Waits until the connection's deadline. An answer's
 * size is limited; what is longer is a protocol error. Knows Content-Length, chunked and
 * until-close bodies.
 */
#pragma once

#include "conn.h"

#include <glib.h>

typedef struct {
  int status; /* 200, 401, ... */
  char *body; /* owned, NUL-terminated after @body_size bytes; NULL before an answer was read */
  gsize body_size;
  gboolean keep_alive; /* the connection can take another request */
} ProbeHttpResponse;

/* Frees what is inside; accepts an all-zero response. */
void probe_http_response_clear (ProbeHttpResponse *response);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProbeHttpResponse, probe_http_response_clear)

/*
 * Sends "GET @target". @host goes into the Host header; @keep_alive asks the server to leave the
 * connection open.
 */
gboolean probe_http_send_get (
    ProbeConn *conn, const char *host, const char *target, gboolean keep_alive, GError **error);

/* Reads one whole answer into @response (cleared first). FALSE with @error set; @response is empty
 * then. */
gboolean probe_http_receive (ProbeConn *conn, ProbeHttpResponse *response, GError **error);
