/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/app/gstappsrc.h>

G_BEGIN_DECLS

#define RELAY_TYPE_SRC (relay_src_get_type ())
G_DECLARE_FINAL_TYPE (RelaySrc, relay_src, RELAY, SRC, GstAppSrc)

G_END_DECLS
