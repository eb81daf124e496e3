/* SPDX-License-Identifier: MIT
 *
 * port.h: sockets, on loopback only.
 *
 * With --inherit=yes they have no close-on-exec, like Boost.Asio's: a child that is started gets
 * them all.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

/* A client has connected. In the thread that serves the listener. */
typedef void (*LabAccept) (GSocketConnection *connection, gpointer data);

/* Listens on 127.0.0.1, port `wanted` or, if that is 0, a free one, which `port` tells. Accepts in
 * the thread-default context. FALSE with `error` set. */
gboolean lab_port_listen (const Lab *lab, guint16 wanted, guint16 *port, LabAccept accepted,
    gpointer data, GError **error);

/* The same on a unix socket. What lies at `path` from before is removed. */
gboolean lab_port_listen_unix (
    const Lab *lab, const gchar *path, LabAccept accepted, gpointer data, GError **error);

/* A UDP socket, likewise. NULL with `error` set. */
GSocket *lab_port_bind (const Lab *lab, guint16 wanted, guint16 *port, GError **error);

G_END_DECLS
