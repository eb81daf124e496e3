/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-properties.h"

enum {
  PROP_0,
  PROP_LISTEN_TO,
  PROP_BLOCK_SWITCH,
  PROP_ALLOW_RENEGOTIATION,
  PROP_STREAM_SYNC,
  PROP_ACCEPT_EVENTS,
  PROP_ACCEPT_EOS_EVENT,
  PROP_SWITCH_ON_KEYFRAME,
  PROP_BACKLOG,
  PROP_STATS,
  PROP_LEVEL_BYTES,
  PROP_LEVEL_BUFFERS,
  PROP_LEVEL_TIME
};

static GType
stream_sync_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = { { RELAY_RESTART_TS, "Restart Timestamp", "restart-ts" },
    { RELAY_PASSTHROUGH_TS, "Passthrough Timestamp", "passthrough-ts" },
    { RELAY_COMPENSATE_TS, "Compensate Timestamp", "compensate-ts" }, { 0, NULL, NULL } };

  if (g_once_init_enter (&type)) {
    GType made = g_type_from_name ("GstInterPipeSrcStreamSync");
    if (made == 0)
      made = g_enum_register_static ("GstInterPipeSrcStreamSync", values);
    g_once_init_leave (&type, made);
  }
  return type;
}

/* ---- values ---- */

static GstStructure *
make_stats (RelayInbox *inbox)
{
  static const gchar *const drops[RELAY_DROPS] = { [RELAY_DROP_FULL] = "dropped-full",
    [RELAY_DROP_LEAKY] = "dropped-leaky",
    [RELAY_DROP_CAPS] = "dropped-caps",
    [RELAY_DROP_STALE] = "dropped-stale",
    [RELAY_DROP_SYNC] = "dropped-sync",
    [RELAY_DROP_STATE] = "dropped-state",
    [RELAY_DROP_EVENTS] = "dropped-events" };
  const gint64 last = atomic_load (&inbox->stats.last_switch);
  GstStructure *stats = gst_structure_new ("interpipesrc-stats", "delivered", G_TYPE_UINT64,
      atomic_load (&inbox->stats.delivered), "queued-buffers", G_TYPE_UINT64,
      atomic_load (&inbox->buffers), "queued-bytes", G_TYPE_UINT64, atomic_load (&inbox->bytes),
      "queued-time", G_TYPE_UINT64, relay_inbox_get_time (inbox), "switches", G_TYPE_UINT64,
      atomic_load (&inbox->stats.switches), "last-switch-time", G_TYPE_UINT64,
      last == 0 ? GST_CLOCK_TIME_NONE : (guint64) last, NULL);

  for (guint i = 0; i < RELAY_DROPS; i++)
    gst_structure_set (
        stats, drops[i], G_TYPE_UINT64, atomic_load (&inbox->stats.dropped[i]), NULL);
  return stats;
}

gboolean
relay_properties_set (InterPipeSrc *self, guint id, const GValue *value)
{
  RelayInbox *const inbox = self->inbox;

  switch (id) {
  case PROP_LISTEN_TO:
    relay_subscriber_listen (&self->subscriber, g_value_get_string (value));
    break;
  case PROP_BLOCK_SWITCH:
    atomic_store (&self->subscriber.block_switch, g_value_get_boolean (value));
    break;
  case PROP_ALLOW_RENEGOTIATION:
    atomic_store (&inbox->renegotiates, g_value_get_boolean (value));
    break;
  case PROP_STREAM_SYNC:
    atomic_store (&self->stream.times.sync, g_value_get_enum (value));
    break;
  case PROP_ACCEPT_EVENTS:
    atomic_store (&inbox->accept_events, g_value_get_boolean (value));
    break;
  case PROP_ACCEPT_EOS_EVENT:
    atomic_store (&inbox->accept_eos, g_value_get_boolean (value));
    break;
  case PROP_SWITCH_ON_KEYFRAME:
    atomic_store (&inbox->switch_on_keyframe, g_value_get_boolean (value));
    break;
  case PROP_BACKLOG:
    atomic_store (&inbox->limits.backlog, g_value_get_uint64 (value));
    break;
  default:
    return FALSE;
  }
  return TRUE;
}

gboolean
relay_properties_get (InterPipeSrc *self, guint id, GValue *value)
{
  RelayInbox *const inbox = self->inbox;

  switch (id) {
  case PROP_LISTEN_TO:
    g_value_take_string (value, relay_subscriber_get_name (&self->subscriber));
    break;
  case PROP_SWITCH_ON_KEYFRAME:
    g_value_set_boolean (value, atomic_load (&inbox->switch_on_keyframe));
    break;
  case PROP_BACKLOG:
    g_value_set_uint64 (value, atomic_load (&inbox->limits.backlog));
    break;
  case PROP_STATS:
    g_value_take_boxed (value, make_stats (inbox));
    break;
  case PROP_LEVEL_BYTES:
    g_value_set_uint64 (value, atomic_load (&inbox->bytes));
    break;
  case PROP_LEVEL_BUFFERS:
    g_value_set_uint64 (value, atomic_load (&inbox->buffers));
    break;
  case PROP_LEVEL_TIME:
    g_value_set_uint64 (value, relay_inbox_get_time (inbox));
    break;
  default:
    return FALSE;
  }
  return TRUE;
}

/* ---- the class ---- */

void
relay_properties_install (GObjectClass *class)
{
  const GParamFlags written = G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags both = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  g_object_class_install_property (class, PROP_LISTEN_TO,
      g_param_spec_string (
          "listen-to", "Listen To", "The name of the interpipesink to listen to", NULL, both));
  g_object_class_install_property (class, PROP_BLOCK_SWITCH,
      g_param_spec_boolean ("block-switch", "Block Switch",
          "Stay with the first interpipesink that it listens to", FALSE, written));
  g_object_class_install_property (class, PROP_ALLOW_RENEGOTIATION,
      g_param_spec_boolean ("allow-renegotiation", "Allow Renegotiation",
          "Take other caps than the first ones", TRUE, written));
  g_object_class_install_property (class, PROP_STREAM_SYNC,
      g_param_spec_enum ("stream-sync", "Stream Synchronization",
          "What becomes of the timestamps of the other pipeline", stream_sync_get_type (),
          RELAY_PASSTHROUGH_TS, written));
  g_object_class_install_property (class, PROP_ACCEPT_EVENTS,
      g_param_spec_boolean ("accept-events", "Accept Events",
          "Take events, but for EOS, from the interpipesink", TRUE, written));
  g_object_class_install_property (class, PROP_ACCEPT_EOS_EVENT,
      g_param_spec_boolean ("accept-eos-event", "Accept EOS Events",
          "Take EOS from the interpipesink", TRUE, written));
  g_object_class_install_property (class, PROP_SWITCH_ON_KEYFRAME,
      g_param_spec_boolean ("switch-on-keyframe", "Switch On Key Frame",
          "After a switch, begin with a key frame, and ask the producer for one", FALSE, both));
  g_object_class_install_property (class, PROP_BACKLOG,
      g_param_spec_uint64 ("backlog", "Backlog",
          "Bytes that may wait where no limit is set (0: no limit)", 0, G_MAXUINT64,
          RELAY_BACKLOG_DEFAULT, both));
  g_object_class_install_property (class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "What was delivered, dropped and why, what waits, and switches", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_override_property (class, PROP_LEVEL_BYTES, "current-level-bytes");
  g_object_class_override_property (class, PROP_LEVEL_BUFFERS, "current-level-buffers");
  g_object_class_override_property (class, PROP_LEVEL_TIME, "current-level-time");
}
