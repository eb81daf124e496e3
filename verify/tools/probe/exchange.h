/* SPDX-License-Identifier: MIT
 *
 * exchange: one timed question to a server, from connect to the end of the answer.
 *
 * What health, latency and session have in common. An exchange blocks until it is done or the
 * target's timeout has passed, counted once over all of its phases. It never fails as a function:
 * what went wrong is in the result.
 */
#pragma once

#include "conn.h"
#include "http.h"
#include "tls.h"

#include <glib.h>

/* Where the server is. Strings belong to the caller and outlive the exchange. */
typedef struct {
  const char *host; /* numeric */
  guint16 http_port;
  guint16 https_port;
  guint16 rtsp_port;
  guint16 video_port;
  guint16 audio_port;
  guint16 control_port;
  const char *api_path; /* NULL: no API to ask */
  gint64 timeout_us;    /* for each exchange as a whole */
} ProbeTarget;

typedef struct {
  gboolean ok;         /* the whole of what was asked for was done in time */
  ProbePhase phase;    /* DONE, or the one that did not end */
  double ms;           /* from before connect() to the end */
  double handshake_ms; /* from before connect() to the end of the TLS handshake; -1 without one */
  gboolean alert;      /* the server answered with a TLS alert */
  gboolean connected;  /* a new connection was made for it */
  ProbeHttpResponse response; /* filled if phase is DONE and something was asked */
  GError *error;              /* set unless ok; owned */
} ProbeExchange;

void probe_exchange_clear (ProbeExchange *exchange);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProbeExchange, probe_exchange_clear)

/* Over a new TLS connection to the HTTPS port. @path NULL: the handshake is all. */
void probe_exchange_https (
    const ProbeTarget *target, ProbeTls *tls, const char *path, ProbeExchange *exchange);

/* Over a new TCP connection to the HTTP port. */
void probe_exchange_http (const ProbeTarget *target, const char *path, ProbeExchange *exchange);

/* Over a new connection to the API's unix socket, which must not be NULL. */
void probe_exchange_api (const ProbeTarget *target, const char *path, ProbeExchange *exchange);

/*
 * Over *@conn if that is not NULL, else over a new TLS connection, which is left in *@conn for the
 * next time if the server agrees. A server may close an idle connection at any time: if it did, the
 * request is made again over a new one. The caller frees *@conn in the end.
 */
void probe_exchange_https_kept (const ProbeTarget *target, ProbeTls *tls, const char *path,
    ProbeConn **conn, ProbeExchange *exchange);
