/* SPDX-License-Identifier: MIT */
#include "exchange.h"

#include "deadline.h"

#include <string.h>

void
probe_exchange_clear (ProbeExchange *exchange)
{
  probe_http_response_clear (&exchange->response);
  g_clear_error (&exchange->error);
  memset (exchange, 0, sizeof *exchange);
}

static gint64
begin (const ProbeTarget *target, ProbeExchange *exchange, gint64 *deadline)
{
  gint64 start = g_get_monotonic_time ();

  memset (exchange, 0, sizeof *exchange);
  exchange->handshake_ms = -1;
  *deadline = start + target->timeout_us;
  return start;
}

/* Closes the account: a phase of DONE is success, everything else came with an error. */
static void
finish (ProbeExchange *exchange, gint64 start)
{
  exchange->ms = probe_ms_since (start);
  exchange->ok = exchange->phase == PROBE_PHASE_DONE;
  exchange->alert = g_error_matches (exchange->error, PROBE_ERROR, PROBE_ERROR_ALERT);
}

/* Request and response; leaves the phase where it stopped. */
static void
ask (ProbeConn *conn, const char *host, const char *path, gboolean keep_alive,
    ProbeExchange *exchange)
{
  exchange->phase = PROBE_PHASE_REQUEST;
  if (!probe_http_send_get (conn, host, path, keep_alive, &exchange->error))
    return;
  exchange->phase = PROBE_PHASE_RESPONSE;
  if (!probe_http_receive (conn, &exchange->response, &exchange->error))
    return;
  exchange->phase = PROBE_PHASE_DONE;
}

/* Connect and handshake; NULL when that failed, with phase and error set. */
static ProbeConn *
open_tls (const ProbeTarget *target, ProbeTls *tls, gint64 start, gint64 deadline,
    ProbeExchange *exchange)
{
  g_autoptr (ProbeConn) conn = NULL;

  exchange->phase = PROBE_PHASE_CONNECT;
  conn = probe_conn_open_tcp (target->host, target->https_port, deadline, &exchange->error);
  if (conn == NULL)
    return NULL;
  exchange->phase = PROBE_PHASE_HANDSHAKE;
  if (!probe_tls_handshake (tls, conn, &exchange->error))
    return NULL;
  exchange->handshake_ms = probe_ms_since (start);
  exchange->connected = TRUE;
  return g_steal_pointer (&conn);
}

void
probe_exchange_https (
    const ProbeTarget *target, ProbeTls *tls, const char *path, ProbeExchange *exchange)
{
  gint64 deadline;
  gint64 start = begin (target, exchange, &deadline);
  g_autoptr (ProbeConn) conn = open_tls (target, tls, start, deadline, exchange);

  if (conn != NULL && path != NULL)
    ask (conn, target->host, path, FALSE, exchange);
  else if (conn != NULL)
    exchange->phase = PROBE_PHASE_DONE;
  finish (exchange, start);
}

void
probe_exchange_https_kept (const ProbeTarget *target, ProbeTls *tls, const char *path,
    ProbeConn **conn, ProbeExchange *exchange)
{
  gint64 deadline;
  gint64 start = begin (target, exchange, &deadline);

  if (*conn != NULL) {
    probe_conn_set_deadline (*conn, deadline);
    ask (*conn, target->host, path, TRUE, exchange);
    if (g_error_matches (exchange->error, PROBE_ERROR, PROBE_ERROR_CLOSED)
        || g_error_matches (exchange->error, PROBE_ERROR, PROBE_ERROR_RESET)) {
      g_clear_error (&exchange->error);
      g_clear_pointer (conn, probe_conn_free);
    }
  }
  if (*conn == NULL) {
    *conn = open_tls (target, tls, start, deadline, exchange);
    if (*conn != NULL)
      ask (*conn, target->host, path, TRUE, exchange);
  }
  finish (exchange, start);
  if (!exchange->ok || !exchange->response.keep_alive)
    g_clear_pointer (conn, probe_conn_free);
}

void
probe_exchange_http (const ProbeTarget *target, const char *path, ProbeExchange *exchange)
{
  gint64 deadline;
  gint64 start = begin (target, exchange, &deadline);
  g_autoptr (ProbeConn) conn = NULL;

  conn = probe_conn_open_tcp (target->host, target->http_port, deadline, &exchange->error);
  if (conn != NULL)
    ask (conn, target->host, path, FALSE, exchange);
  finish (exchange, start);
}

void
probe_exchange_api (const ProbeTarget *target, const char *path, ProbeExchange *exchange)
{
  gint64 deadline;
  gint64 start = begin (target, exchange, &deadline);
  g_autoptr (ProbeConn) conn = NULL;

  conn = probe_conn_open_unix (target->api_path, deadline, &exchange->error);
  if (conn != NULL)
    ask (conn, "localhost", path, FALSE, exchange);
  finish (exchange, start);
}
