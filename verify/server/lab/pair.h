/* SPDX-License-Identifier: MIT
 *
 * pair.h: the first phase of pairing, which waits for a PIN. There are no others: nobody pairs with
 * the lab, its certificates are put into its folder.
 */
#pragma once

#include "lab.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* In the HTTP thread: before the first request. */
void lab_pair_begin (void);
/* The socket of a client that is told apart by `remote`, which its messages have. */
void lab_pair_remember (GSocketAddress *remote, GSocket *socket);
/* /pair, in the HTTP thread. */
void lab_pair_ask (const Lab *lab, SoupServerMessage *message, GHashTable *query);
/* Those that wait, as objects of an array. In any thread, as is the next. */
void lab_pair_list (JsonBuilder *answer);
/* FALSE: nobody waits with that secret. */
gboolean lab_pair_enter (const gchar *secret);

G_END_DECLS
