/* SPDX-License-Identifier: MIT
 *
 * Reads health documents as a reader does, and holds them against the table in docs/health.md.
 */
#pragma once

#include "gate.h"
#include "support.h"

#include <json-glib/json-glib.h>

/* A socket path of the test's own, in a new folder; static. */
const char *health_path (void);

/* A connected socket. */
int health_connect (void);
/* All that comes until the end of the stream; each wait is limited. Closes `fd`. */
char *health_receive (int fd);
/* Connect and receive; the document has the form that docs/health.md says. */
JsonObject *health_read (void);

/* Fails the test where `text` is no document as docs/health.md has it, with the place. Where
 * `whole`, all fields of the table must be there. */
JsonObject *health_parse (const char *text, gboolean whole);

/* The reason of that code, or NULL. */
JsonObject *health_reason (JsonObject *document, const char *code);

/* Condition: a document has that reason. */
gboolean health_says (gpointer code);
