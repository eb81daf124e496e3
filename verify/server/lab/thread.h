/* SPDX-License-Identifier: MIT
 *
 * thread.h: the lab's threads; with --threads=named their starts and ends are recorded by guard.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

typedef void (*LabThreadFunc) (gpointer data);

/* Starts a thread that nobody waits for. `session` is the id of the session that it works for, or
 * NULL. Aborts when there can be no thread, as upstream would. */
void lab_thread_start (
    const Lab *lab, const gchar *name, const gchar *session, LabThreadFunc func, gpointer data);

/* Opens a server's sockets and sources, in the calling thread with the server's own GMainContext as
 * default. FALSE with `error` set. */
typedef gboolean (*LabSetup) (Lab *lab, GError **error);

/* Has `setup` run, and then one thread serve that context for good. */
gboolean lab_thread_serve (Lab *lab, const gchar *name, LabSetup setup, GError **error);

G_END_DECLS
