/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-limits.h: an inbox has the limits of its GstAppSrc.
 *
 * GstAppSrc tells of limits that are set as properties. It does not tell of those that are set by
 * functions, gst_app_src_set_max_buffers() and the like. Those are looked at when the element
 * starts and each time a worker delivers.
 */
#pragma once

#include "relay-inbox.h"

G_BEGIN_DECLS

/* A limit that differs from the one before counts as set. */
void relay_limits_follow (RelayInbox *inbox, GstAppSrc *src);
/* The property of that name was set; it may be none of the limits. */
void relay_limits_notice (RelayInbox *inbox, GstAppSrc *src, const gchar *property);

G_END_DECLS
