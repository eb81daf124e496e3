/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-agreement.h"

#include "relay-inbox.h"

GstCaps *
relay_agreement_on_caps (RelayList *links)
{
  GstCaps *common = NULL;

  for (guint i = 0; i < links->len; i++) {
    const RelayLink *link = links->members[i];
    g_autoptr (GstCaps) its = NULL;

    if (atomic_load (&link->ended))
      continue;
    its = relay_inbox_get_caps (link->inbox);
    if (its != NULL && common == NULL)
      common = gst_caps_ref (its);
    else if (its != NULL)
      gst_caps_take (&common, gst_caps_intersect (common, its));
  }
  return common;
}

/* ---- allocation ---- */

typedef struct {
  GstAllocationParams params;
  guint size, min;
  guint answers;
} Needs;

static void
add_params (Needs *needs, GstQuery *answer)
{
  for (guint i = 0; i < gst_query_get_n_allocation_params (answer); i++) {
    GstAllocationParams params;
    gst_query_parse_nth_allocation_param (answer, i, NULL, &params);
    needs->params.align = MAX (needs->params.align, params.align);
    needs->params.prefix = MAX (needs->params.prefix, params.prefix);
    needs->params.padding = MAX (needs->params.padding, params.padding);
  }
}

/* New caps have not come as far as a consumer when its pad has others. What is behind it may
 * answer by what it handles now (x264enc does): the size of other buffers. */
static gboolean
knows_caps (GstPad *pad, GstCaps *caps)
{
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (pad);

  return current == NULL || caps == NULL || gst_caps_is_equal (current, caps);
}

/* How large and how many buffers the first pool wants; the others are alternatives to it. */
static void
add_pool (Needs *needs, GstQuery *answer)
{
  guint size, min;

  if (gst_query_get_n_allocation_pools (answer) == 0)
    return;
  gst_query_parse_nth_allocation_pool (answer, 0, NULL, &size, &min, NULL);
  needs->size = MAX (needs->size, size);
  needs->min = MAX (needs->min, min);
}

static void
take_metas (GstQuery *query, GstQuery *answer)
{
  for (guint i = 0; i < gst_query_get_n_allocation_metas (answer); i++) {
    const GstStructure *params;
    const GType api = gst_query_parse_nth_allocation_meta (answer, i, &params);
    gst_query_add_allocation_meta (query, api, params);
  }
}

static gboolean
wants_plain (GstQuery *answer, GType api, const GstStructure *params)
{
  const GstStructure *its;
  guint at;

  if (!gst_query_find_allocation_meta (answer, api, &at))
    return FALSE;
  gst_query_parse_nth_allocation_meta (answer, at, &its);
  return params == NULL && its == NULL;
}

static void
keep_common_metas (GstQuery *query, GstQuery *answer)
{
  for (guint i = gst_query_get_n_allocation_metas (query); i > 0; i--) {
    const GstStructure *params;
    const GType api = gst_query_parse_nth_allocation_meta (query, i - 1, &params);
    if (!wants_plain (answer, api, params))
      gst_query_remove_nth_allocation_meta (query, i - 1);
  }
}

static gboolean
ask_one (Needs *needs, GstPad *pad, GstQuery *query)
{
  g_autoptr (GstQuery) answer = NULL;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  answer = gst_query_new_allocation (caps, FALSE);
  if (!gst_pad_peer_query (pad, answer))
    return FALSE;
  add_params (needs, answer);
  if (knows_caps (pad, caps))
    add_pool (needs, answer);
  if (needs->answers++ == 0)
    take_metas (query, answer);
  else
    keep_common_metas (query, answer);
  return TRUE;
}

gboolean
relay_agreement_on_allocation (RelayList *links, GstQuery *query)
{
  Needs needs = { 0 };
  gboolean agreed = TRUE;

  gst_allocation_params_init (&needs.params);
  for (guint i = 0; agreed && links != NULL && i < links->len; i++) {
    const RelayLink *link = links->members[i];
    if (!atomic_load (&link->ended))
      agreed = ask_one (&needs, link->inbox->pad, query);
  }
  if (!agreed || needs.answers == 0) {
    while (gst_query_get_n_allocation_metas (query) > 0)
      gst_query_remove_nth_allocation_meta (query, 0);
    return FALSE;
  }
  if (needs.params.align || needs.params.prefix || needs.params.padding)
    gst_query_add_allocation_param (query, NULL, &needs.params);
  /* One more where several hold on to buffers at once. */
  if (needs.size > 0)
    gst_query_add_allocation_pool (
        query, NULL, needs.size, needs.min + (needs.answers > 1 ? 1 : 0), 0);
  return TRUE;
}
