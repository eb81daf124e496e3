/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-plugin.c: a plugin that takes gst-interpipe's place. Its name and its elements are the
 * same. Its file has a name of its own, libgstrelay.so, so that a package can bring it beside the
 * other; the plugin path decides which of the two is used (docs/relay.md). GStreamer looks for a
 * description by the file's name, so there are two ways to the one.
 */
#include "relay-object.h"
#include "relay-sink.h"
#include "relay-src.h"

GST_DEBUG_CATEGORY_STATIC (relay_debug);
#define GST_CAT_DEFAULT relay_debug

static gboolean
plugin_init (GstPlugin *plugin)
{
  GST_DEBUG_CATEGORY_INIT (relay_debug, "interpipe", 0, "interpipeline base");
  if (!relay_slot_is_usable ()) {
    GST_ERROR ("addresses here have more than 48 bits; use gst-interpipe instead");
    return FALSE;
  }
  return gst_element_register (plugin, "interpipesrc", GST_RANK_NONE, RELAY_TYPE_SRC)
      && gst_element_register (plugin, "interpipesink", GST_RANK_NONE, RELAY_TYPE_SINK);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, interpipe,
    "Hands buffers from pipeline to pipeline, without process-wide locks", plugin_init, VERSION,
    "LGPL", "wolf-guard", "https://github.com/games-on-whales/wolf")

GST_PLUGIN_EXPORT const GstPluginDesc *gst_plugin_relay_get_desc (void);

const GstPluginDesc *
gst_plugin_relay_get_desc (void)
{
  return gst_plugin_interpipe_get_desc ();
}
