/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/app/gstappsrc.h>

G_BEGIN_DECLS

/* Elements without a name are called after their type, so that is interpipesrc0, as with gst-interpipe;
 * whose own type is GstInterPipeSrc. */
#define RELAY_TYPE_SRC (relay_src_get_type ())
G_DECLARE_FINAL_TYPE (InterPipeSrc, relay_src, RELAY, SRC, GstAppSrc)

G_END_DECLS
