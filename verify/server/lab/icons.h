/* SPDX-License-Identifier: MIT
 *
 * icons.h: /appasset: icons of apps, which other web servers have.
 *
 * An icon is an app of its own: DIR/icons has a line "NAME URL" for each, and NAME is the app's
 * title and id.
 */
#pragma once

#include "lab.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* URLs by name; none without the file. */
GHashTable *lab_icons_read (const gchar *dir);
/* In the HTTPS thread: answers with the icon of that app, now or later. */
void lab_icons_answer (const Lab *lab, SoupServerMessage *message, const gchar *name);

G_END_DECLS
