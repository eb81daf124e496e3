/* SPDX-License-Identifier: MIT */
/* metrics.h: what /proc and the tracer tell of a server. */
#pragma once

#include "result.h" /* verify/report/result */
#include "runner.h"

G_BEGIN_DECLS

typedef struct {
  guint threads, descriptors, rss_kb, pipelines, stalled;
} Metrics;

void metrics_read (Runner *runner, Metrics *metrics);
/* Waits until no pipeline is alive in the server, and its threads are at most `threads`. */
gboolean metrics_wait_empty (Runner *runner, guint threads, gint64 within_ms, Metrics *metrics);
/* Descriptors of a process: all, and those that are sockets. */
void metrics_descriptors (GPid pid, guint *all, guint *sockets);
void result_metrics (Result *result, const gchar *name, const Metrics *metrics);

typedef struct {
  guint close_wait;  /* accepted or not */
  guint unaccepted;  /* complete, but nobody has called accept() */
  guint established; /* accepted ones */
} Sockets;

/* The server's end of all connections to a port. */
void sockets_read (guint port, Sockets *sockets);
/* Waits until none is in CLOSE_WAIT. */
gboolean sockets_wait_no_close_wait (guint port, gint64 within_ms, Sockets *sockets);

G_END_DECLS
