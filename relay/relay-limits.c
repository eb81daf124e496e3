/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-limits.h"

static void
follow (RelayLimits *limits, _Atomic guint64 *limit, guint64 value, RelayLimitSet which)
{
  if (atomic_load_explicit (limit, memory_order_relaxed) == value)
    return;
  atomic_store (limit, value);
  atomic_fetch_or (&limits->set, which);
}

void
relay_limits_follow (RelayInbox *inbox, GstAppSrc *src)
{
  RelayLimits *limits = &inbox->limits;

  atomic_store_explicit (&limits->leaky, gst_app_src_get_leaky_type (src), memory_order_relaxed);
  follow (limits, &limits->max_bytes, gst_app_src_get_max_bytes (src), RELAY_LIMIT_BYTES);
  follow (limits, &limits->max_buffers, gst_app_src_get_max_buffers (src), RELAY_LIMIT_BUFFERS);
  follow (limits, &limits->max_time, gst_app_src_get_max_time (src), RELAY_LIMIT_TIME);
}

void
relay_limits_notice (RelayInbox *inbox, GstAppSrc *src, const gchar *property)
{
  static const struct {
    const gchar *name;
    RelayLimitSet limit;
  } limits[] = { { "max-bytes", RELAY_LIMIT_BYTES }, { "max-buffers", RELAY_LIMIT_BUFFERS },
    { "max-time", RELAY_LIMIT_TIME }, { "block", 0 }, { "leaky-type", 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    gboolean block;
    if (!g_str_equal (property, limits[i].name))
      continue;
    g_object_get (src, "block", &block, NULL);
    atomic_store (&inbox->limits.block, block);
    atomic_fetch_or (&inbox->limits.set, limits[i].limit);
    relay_limits_follow (inbox, src);
    relay_inbox_wake (inbox);
  }
}
