/* SPDX-License-Identifier: MIT */
/*
 * daemon.h: a container engine without containers (../daemon/fake-docker.c) beside a server.
 *
 * It listens on DAEMON_SOCKET in the runner's folder. A server in a folder where that is when it
 * starts runs the programs of its sessions in containers.
 */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

#define DAEMON_SOCKET "docker.sock"

/* Starts it and waits until it listens; it ends with the scenario. */
gboolean daemon_start (const gchar *dir, GError **error);
/* Whether that child of this process is it; `data` is not looked at. */
gboolean daemon_is (GPid child, gpointer data);
/* How it answers an operation from now on: "stop", "held". */
void daemon_set (const Runner *runner, const gchar *operation, const gchar *answer);
/* "running", "stops" or "held"; -1: no answer. */
gint64 daemon_count (const Runner *runner, const gchar *what);
/* Waits until that count is at least `n`. */
gboolean daemon_reaches (const Runner *runner, const gchar *what, gint64 n, gint64 within_ms);

G_END_DECLS
