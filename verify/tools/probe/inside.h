/* SPDX-License-Identifier: MIT
 *
 * inside: what a patched server says of itself, at its health socket.
 *
 * The socket sends one JSON document and closes; docs/health.md has the fields. The document is
 * checked as far as this program depends on it.
 */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

#define PROBE_INSIDE_SCHEMA 1

/* The document; the caller owns it. NULL with @error set when there is none until @deadline, or
 * none that can be used. */
JsonObject *probe_inside_read (const char *path, gint64 deadline, GError **error);

/* PROBE_EXIT_OK for "ok", PROBE_EXIT_DEGRADED, PROBE_EXIT_SILENT for "failing". */
int probe_inside_exit_status (JsonObject *document);

/* "inside: degraded: 1 of 32 pipelines in quarantine (for 12 s)"; the caller frees it. */
char *probe_inside_summary (JsonObject *document);
