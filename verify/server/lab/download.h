/* SPDX-License-Identifier: MIT
 *
 * download.h: one page of another web server. It blocks, for 10 s at most.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* NULL: there is none. `strict` refuses redirects, more than 4 MiB, what is no picture, and
 * addresses of this machine and its network unless WOLF_ICONS_PRIVATE_ADDRESSES is TRUE. */
GBytes *lab_download (const gchar *url, gboolean strict);

G_END_DECLS
