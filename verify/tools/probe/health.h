/* SPDX-License-Identifier: MIT
 *
 * health: does each of the server's ports answer?
 *
 * A port is healthy when the *server* answered something on it in time. A finished TCP connect
 * proves nothing: the kernel completes it for a server that never looks. So HTTPS has to answer a
 * TLS handshake (an alert is an answer), HTTP a request, RTSP a message (an orderly close is an
 * answer), the API a request.
 *
 * All checks run at the same time, each in a thread of its own, so that a whole health check lasts
 * no longer than one timeout. Nothing is shared between them.
 */
#pragma once

#include "exchange.h"
#include "tls.h"

#include <glib.h>
#include <json-glib/json-glib.h>

typedef enum {
  PROBE_HEALTH_OK,
  PROBE_HEALTH_SLOW,       /* answered in time, but above the threshold */
  PROBE_HEALTH_UNEXPECTED, /* answered, with a status that a healthy Wolf does not give */
  PROBE_HEALTH_SILENT,     /* no answer in time, refused, cut off, or not the protocol */
} ProbeHealthState;

typedef struct {
  const char *name;  /* "http", "https", "https-request", "rtsp", "api" */
  guint16 port;      /* 0: the API's unix socket */
  gboolean required; /* its silence is worse than an optional port's */
  ProbeHealthState state;
  ProbePhase phase;
  double ms;
  int status;     /* of the HTTP or RTSP answer; 0: none */
  int unaccepted; /* connections that the server has not accepted; -1: unknown, or not asked */
  char *message;  /* one line for a person; owned */
} ProbeHealthCheck;

typedef struct {
  ProbeHealthCheck checks[5];
  guint count;
  int exit_status; /* PROBE_EXIT_* */
} ProbeHealth;

/*
 * Runs all checks. @client NULL: no request over HTTPS, only the handshake. @slow_ms is the
 * threshold for PROBE_HEALTH_SLOW. The caller clears @health.
 */
void probe_health_run (
    const ProbeTarget *target, ProbeTls *client, double slow_ms, ProbeHealth *health);

/* The HTTPS handshake alone, for those who ask often. The caller clears. */
void probe_health_run_https (const ProbeTarget *target, double slow_ms, ProbeHealth *health);

void probe_health_clear (ProbeHealth *health);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProbeHealth, probe_health_clear)

/* "ok", "slow", "unexpected", "silent"; never NULL, static. */
const char *probe_health_state_name (ProbeHealthState state);

/* One line for a monitoring system: "CRITICAL: https silent, rtsp slow". The caller frees it. */
char *probe_health_summary (const ProbeHealth *health);

/* {"event":"health", ...}; the caller owns it. */
JsonObject *probe_health_to_json (const ProbeHealth *health);
