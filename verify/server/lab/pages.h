/* SPDX-License-Identifier: MIT
 *
 * pages.h: the XML that a Moonlight client reads, for HTTP and HTTPS alike.
 */
#pragma once

#include "lab.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Answers with the elements in `inner` (NULL: none) within a root that carries `status`. */
void lab_page_answer (SoupServerMessage *message, guint status, const gchar *inner);

/* /serverinfo. `game` is the id of the app that the asking client runs; "0": none, or not known. */
void lab_page_serverinfo (
    const Lab *lab, SoupServerMessage *message, gboolean paired, const gchar *game);

/* What is served at no other path. */
void lab_page_not_found (SoupServer *soup, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data);

/* The address of the client, newly allocated. */
gchar *lab_page_client_ip (SoupServerMessage *message);

/* With --malformed=close a request whose body is above 64 KiB ends with its connection. */
void lab_page_limit_bodies (const Lab *lab, SoupServer *soup);

/* Whether it is a GET; anything else is answered here, with 404 as Wolf does. */
gboolean lab_page_is_get (SoupServerMessage *message);

/* What a server has: a handler runs within a scope of that operation. The table is static. */
typedef struct {
  const char *path, *operation;
  SoupServerCallback handler;
} LabPage;

/* Up to one without a path. What is not there is answered with 404. */
void lab_page_serve (Lab *lab, SoupServer *soup, const LabPage *pages);

G_END_DECLS
