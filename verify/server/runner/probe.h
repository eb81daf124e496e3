/* SPDX-License-Identifier: MIT */
/* probe.h: processes of wolf-probe: a client that streams, and commands that run to their end. */
#pragma once

#include "runner.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Streams as one client, and takes commands on its standard input. */
typedef struct Client Client;

/* Starts it; `stop_after` as wolf-probe names phases, NULL: stream. Does not wait. */
Client *client_start (
    const Runner *runner, guint number, const gchar *stop_after, gint64 patience_ms);
/* The next report named `event`; NULL when it does not come in time or the process ended. A report
 * of any phase that says ok=false is returned, too. */
JsonObject *client_report (Client *client, const gchar *event, gint64 within_ms);
gboolean client_command (Client *client, const gchar *command);
/* Whether video arrives within `within_ms` of the start. */
gboolean client_streams (Client *client, gint64 within_ms);
/* Whether it gets as far as pinging, be there an answer or not. */
gboolean client_pings (Client *client, gint64 within_ms);
/* Counts packets for a time. */
void client_count (Client *client, gint64 for_ms, gint64 *video, gint64 *audio);
/* Kills the process if it does not quit; the session is not cancelled. Accepts NULL. */
void client_end (Client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_end)

/* Runs wolf-probe; `report` is called for each of its lines, and ends it by FALSE. */
typedef gboolean (*ProbeReport) (JsonObject *report, gpointer data);
void probe_each (const Runner *runner, gint64 within_ms, const gchar *command,
    const gchar *const *words, ProbeReport report, gpointer data);
/* To its end; returns the last report, or NULL when there was none. Takes words up to NULL. */
JsonObject *probe_last (
    const Runner *runner, gint64 within_ms, const gchar *command, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
