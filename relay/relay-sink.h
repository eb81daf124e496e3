/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/app/gstappsink.h>

G_BEGIN_DECLS

#define RELAY_TYPE_SINK (relay_sink_get_type ())
G_DECLARE_FINAL_TYPE (RelaySink, relay_sink, RELAY, SINK, GstAppSink)

G_END_DECLS
