/* SPDX-License-Identifier: MIT */
/*
 * runner.h: a server, alone, with faults at hand.
 *
 * What it is for: scenarios that measure what a client or an operator sees of a server: a real
 * Wolf, or wolf-lab, before the series or after it (server.h). The runner knows no difference but
 * the label.
 *
 * Life: the program forks once per scenario, some at a time. The child enters a network namespace
 * with nothing but loopback in it if the server's ports are fixed ones. It opens a Runner
 * (temporary folder, configuration, server started and listening), runs the scenario and ends;
 * every process that came of it is killed. The parent limits its time.
 *
 * Threads: a Runner belongs to the thread that opened it. Every call that blocks takes or names its
 * limit.
 */
#pragma once

#include "client.h" /* verify/tools/faults: orders to the tracer */
#include "machine.h"
#include "server.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct Runner {
  const RunnerOptions *options;
  const Server *server;
  gchar *dir;
  const gchar *more; /* one more argument, or NULL */
  ServerPorts ports;
  GPid pid; /* 0: not running */
  gint wait_status;
  guint crashed_starts; /* before the one that counts */
  guint restarts;
  gint log_to; /* where a server that is started logs; 0: its file, else whose it is fills that */
  gint64 start_ms; /* how long a start may take */
  gboolean told_to_end;
  gboolean private_icons; /* a server that is started may download from this machine */
  gchar *app_id;
  gchar **session_ids; /* one per client: the server derives it from the certificate */
  guint n_clients;
  WgfClient *faults;
  Machine *machine; /* the scenario's, of its first runner alone */
  gint64 begun;
  gdouble cost; /* of a request, when nothing is stuck: in exchanges of the machine's, at least 1 */
};

/* `more` is one more argument for the server, static, or NULL. */
Runner *runner_open (const RunnerOptions *options, const gchar *dir, guint n_clients,
    const gchar *more, GError **error);
/* Kills the server; what it had started is ended with the scenario. Accepts NULL. */
void runner_close (Runner *runner);
/* Makes certificates for n clients in options->scratch, once per run of the program. */
gboolean runner_make_certificates (const RunnerOptions *options, guint n, GError **error);
/* Sends a signal and waits; FALSE when the server is still there after `within_ms`. */
gboolean runner_signal (Runner *runner, gint signal, gint64 within_ms, gdouble *took_ms);
/* FALSE once the server has ended by itself; runner->wait_status then says how. */
gboolean runner_is_alive (Runner *runner);
/* The same, waited for. */
gboolean runner_has_ended (Runner *runner, gint64 within_ms);
/* Another server in its place; it is killed if need be, with what it has left behind. Its log is
 * put aside as LOG.N. Sessions and faults are gone. */
gboolean runner_restart (Runner *runner, GError **error);
/* The id of the app with that title, newly allocated; NULL: there is none. */
gchar *runner_app_called (const Runner *runner, const gchar *title);

/* Gives an order to the tracer in the server; the answer must be "ok". NULL when the tracer is
 * gone. */
JsonObject *runner_order (Runner *runner, const gchar *format, ...) G_GNUC_PRINTF (2, 3);
/* The same, and whether a `wait` was reached. */
gboolean runner_order_reached (Runner *runner, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
