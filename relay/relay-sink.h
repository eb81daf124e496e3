/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/app/gstappsink.h>

G_BEGIN_DECLS

/* Called after its type where it has no name, and listened to under that: interpipesink0. */
#define RELAY_TYPE_SINK (relay_sink_get_type ())
G_DECLARE_FINAL_TYPE (InterPipeSink, relay_sink, RELAY, SINK, GstAppSink)

G_END_DECLS
