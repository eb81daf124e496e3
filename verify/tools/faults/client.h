/* SPDX-License-Identifier: MIT */
/*
 * client.h: sends orders to the tracer's socket, for the command line, the tests and the runner.
 *
 * A WgfClient is one connection and belongs to one thread at a time. Every call is limited by the
 * time it is given.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgfClient WgfClient;

/* Connects; tries again until `timeout_ms` have passed, since the program may only just be
 * starting. Returns NULL and `error`. */
WgfClient *wgf_client_connect (const gchar *path, gint64 timeout_ms, GError **error);

/* Accepts NULL. */
void wgf_client_destroy (WgfClient *client);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WgfClient, wgf_client_destroy)

/* Sends one order and returns its answer, a line of JSON; NULL and `error` when none came in time.
 * An order that was refused is an answer ("ok":false). */
gchar *wgf_client_order (WgfClient *client, gint64 timeout_ms, GError **error, const gchar *format,
    ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
