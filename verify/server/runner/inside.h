/* SPDX-License-Identifier: MIT */
/* inside.h: what a server says of itself: at its health socket, and in guard's lines of its log. */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

#define INSIDE_SOCKET "wolf-health.sock" /* in the runner's folder */

/* The document; NULL: there is none. */
JsonObject *inside_read (const Runner *runner);
/* Whether a document has, within that time, a reason of that code with `part` in its text. */
gboolean inside_has_reason (
    const Runner *runner, const gchar *code, const gchar *part, gint64 within_ms);
/* The first thread of that name that is in an operation that begins so; 0: none is, or it is not
 * known. */
pid_t inside_thread (const Runner *runner, const gchar *name, const gchar *operation);
/* Whether the loop of that name has that level, within that time. */
gboolean inside_loop_is (
    const Runner *runner, const gchar *name, const gchar *level, gint64 within_ms);
/* Threads and loops that have become slow so far; -1: it is not known. */
gint64 inside_episodes (const Runner *runner);

/* Waits for a line of guard's with each of these parts, some of which may be NULL, in it; newly
 * allocated, NULL: there is none within that time. */
gchar *inside_line (const Runner *runner, const gchar *const parts[3], gint64 within_ms);

G_END_DECLS
