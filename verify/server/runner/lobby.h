/* SPDX-License-Identifier: MIT */
/* lobby.h: lobbies as a client of the API sees them. */
#pragma once

#include "steps.h"

#define LOBBY_WIDTH 320
#define LOBBY_HEIGHT 180

/* One of the size above. */
Question *lobby_ask_create (const Stage *stage, gboolean stop_when_empty, gint64 patience_ms);
/* "join" or "leave". */
Question *lobby_ask_move (const Stage *stage, const gchar *verb, const gchar *lobby, guint client);
Question *lobby_ask_stop (const Stage *stage, const gchar *lobby, gint64 patience_ms);
/* The same and its answer: whether it is 200. */
gboolean lobby_moved (Stage *stage, const gchar *verb, const gchar *lobby, guint client);

/* The id of the lobby that was created last, or NULL. `count` may be NULL. */
gchar *lobby_newest (const Stage *stage, guint *count);
/* A lobby that is up, or NULL; either way it is told to the result. */
gchar *lobby_create (Stage *stage, Result *result, gboolean stop_when_empty);
gchar *lobby_create_sized (
    Stage *stage, Result *result, gboolean stop_when_empty, guint width, guint height);

/* Whether the client's interpipesrc listens to the producer of `id`, or of its own session, within the
 * time of a switch. */
gboolean lobby_watches (Stage *stage, guint client, const gchar *id);
gboolean lobby_watches_own (Stage *stage, guint client);
