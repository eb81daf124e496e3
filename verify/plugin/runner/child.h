/* SPDX-License-Identifier: MIT */
/*
 * child.h: a process of its own for whatever may crash or hang.
 *
 * The parent never touches GStreamer, so forking is sound. A child that is late is killed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum { ENDED_WELL, ENDED_BADLY, ENDED_NEVER } Ending;
typedef void (*Body) (gconstpointer data);
/* Runs body (data) in the child; `how` says in words how it ended, unless it ended well. It hangs
 * if no phase() comes for limit_ms, however busy the machine is. */
Ending run_child (Body body, gconstpointer data, guint limit_ms, gchar **how);

G_END_DECLS
