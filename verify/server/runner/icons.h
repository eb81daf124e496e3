/* SPDX-License-Identifier: MIT */
/*
 * icons.h: a web server of icons beside a server, and apps whose icons are there.
 *
 * It runs in threads of this process and answers as the path says: /good an icon, /silent nothing,
 * /slow a byte now and then, /redirect to /target, /big more than an icon has, /text no picture.
 * What follows in the path makes several icons of a kind.
 */
#pragma once

#include "ask.h"

G_BEGIN_DECLS

/* Names of apps, and the paths of their icons; ends with NULL. */
extern const gchar *const icon_names[];

/* Starts it. A server whose configuration is written later has the apps. */
gboolean icons_start (GError **error);
/* 0: it was not started. */
guint icons_port (void);
/* Requests whose path begins with `kind`, so far. */
gint icons_asked (const gchar *kind);
/* Waits until there are as many; FALSE: not within that time. */
gboolean icons_reach (const gchar *kind, gint n, gint64 within_ms);
/* A question for the icon of the app with that name. */
Question *icons_ask (Runner *runner, const gchar *name, guint number, gint64 patience_ms);

G_END_DECLS
