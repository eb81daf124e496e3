/* SPDX-License-Identifier: MIT */
/* lobby.h: lobbies as a client of the API sees them. */
#pragma once

#include "steps.h"

#define LOBBY_WIDTH 320
#define LOBBY_HEIGHT 180

/* One of the size above. */
Question *lobby_ask_create (const Runner *runner, gboolean stop_when_empty, gint64 patience_ms);
/* "join" or "leave". */
Question *lobby_ask_move (
    const Runner *runner, const gchar *action, const gchar *lobby, guint number);
Question *lobby_ask_stop (const Runner *runner, const gchar *lobby, gint64 patience_ms);
/* The same and its answer: whether it is 200. */
gboolean lobby_moved (Runner *runner, const gchar *action, const gchar *lobby, guint number);

/* The id of the lobby that was created last, or NULL. `count` may be NULL. */
gchar *lobby_newest (const Runner *runner, guint *count);
/* A lobby that is up, or NULL; either way it is told to the result. */
gchar *lobby_create (Runner *runner, Result *result, gboolean stop_when_empty);
gchar *lobby_create_sized (
    Runner *runner, Result *result, gboolean stop_when_empty, guint width, guint height);

/* Whether the client's interpipesrc listens to the producer of `id`, or of its own session, within
 * the time of a switch. */
gboolean lobby_watches (Runner *runner, guint number, const gchar *id);
gboolean lobby_watches_own (Runner *runner, guint number);
