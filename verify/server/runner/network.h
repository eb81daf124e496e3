/* SPDX-License-Identifier: MIT */
/*
 * network.h: a network namespace with loopback up and a multicast route, and nothing else. No
 * server in it can be reached or reach out.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* For the calling process and its children. */
gboolean network_enter (GError **error);
/* Kills every other process in this namespace. */
void network_clear (void);
/* Kills a scenario's process and everything in its namespace, from outside. */
void network_kill (GPid child);

G_END_DECLS
