/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-debug.c: the debug categories; the elements' classes register them. */
#include <gst/gst.h>

extern GstDebugCategory *relay_src_debug, *relay_sink_debug;

GST_DEBUG_CATEGORY (relay_src_debug);
GST_DEBUG_CATEGORY (relay_sink_debug);
