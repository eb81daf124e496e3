/* SPDX-License-Identifier: MIT */
/* processes.h: a process's children, and their end. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of GPid; those that other threads started are among them. */
GArray *process_children (GPid pid);
/* Waits until it has none; returns how many are left. */
guint process_children_left (GPid pid, gint64 within_ms);
/* From now on what our children leave behind is reparented to us. */
void process_adopt (void);
/* Kills and reaps our children, and what they leave, but for those to `keep` (NULL: none). */
void process_end_children (gboolean (*keep) (GPid child, gpointer data), gpointer data);

G_END_DECLS
