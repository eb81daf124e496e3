/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-allocation.h: one answer to an allocation query for all who listen. */
#pragma once

#include "relay-object.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Asks what is behind each link (nullable list), with no lock held; takes as long as they take. The
 * answer: the strictest alignment, the largest prefix and padding; the largest size and number of buffers
 * of those who have the caps asked about, or none yet; those metas that all know and want without
 * parameters. FALSE, and nothing in the answer, if one declines or nobody listens. */
gboolean relay_allocation_ask (RelayList *links, GstQuery *query);

G_END_DECLS
