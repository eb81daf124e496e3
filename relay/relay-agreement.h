/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* relay-agreement.h: what all those who listen to a name can do with. */
#pragma once

#include "relay-object.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* The caps that all of @links can take. Asks what is behind each, with no lock held.
 * Returns: (transfer full)(nullable): NULL if nobody listens */
GstCaps *relay_agreement_on_caps (RelayList *links);

/* All together have this long to answer an allocation query. A consumer that works takes less than
 * one; one that is paused or stuck costs its producer no more than this each time the caps
 * change. */
#define RELAY_ASK_MS 100

/* Asks what is behind each of @links (nullable), with no lock held. No answer in time counts as a
 * refusal. The answer has:
 * - the strictest alignment, the largest prefix and padding;
 * - the largest size and number of buffers of those who have the caps asked about, or none yet;
 * - the metas that all know and want without parameters.
 * Returns: FALSE, and nothing in the answer, if one declines or nobody listens */
gboolean relay_agreement_on_allocation (RelayList *links, GstQuery *query);

G_END_DECLS
