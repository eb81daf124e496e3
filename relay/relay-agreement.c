/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-agreement.h"

#include "relay-inbox.h"
#include "relay-os.h"

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

enum { AGREES = TRUE, WAITS = -1 };

/* One question to what is behind one link, in a thread of its own: the query is serialized, and
 * waits for a consumer that is paused or stuck for as long as that is so. */
typedef struct {
  RelayObject object;
  RelayInbox *inbox;
  GstQuery *query;
  atomic_int answer; /* the query's result; WAITS: none yet */
  sem_t answered;
} Ask;

static void
ask_free (gpointer data)
{
  Ask *self = data;

  gst_query_unref (self->query);
  relay_unref (self->inbox);
  sem_destroy (&self->answered);
  g_free (self);
}

static void *
answer (void *data)
{
  Ask *self = data;

  atomic_store (&self->answer, gst_pad_peer_query (self->inbox->pad, self->query));
  atomic_store (&self->inbox->is_asked, FALSE);
  sem_post (&self->answered);
  relay_unref (self);
  return NULL;
}

/* Returns: (transfer full)(nullable): NULL if there is no answer to the last question yet */
static Ask *
ask (RelayInbox *inbox, GstCaps *caps)
{
  Ask *self;

  if (atomic_exchange (&inbox->is_asked, TRUE))
    return NULL;
  self = g_new0 (Ask, 1);
  relay_object_init (self, ask_free);
  self->inbox = relay_ref (inbox);
  self->query = gst_query_new_allocation (caps, FALSE);
  atomic_init (&self->answer, WAITS);
  sem_init (&self->answered, 0, 0);
  relay_ref (self);
  if (relay_thread_start (answer, self, "relay-ask"))
    return self;
  atomic_store (&inbox->is_asked, FALSE);
  relay_unref (self);
  relay_unref (self);
  return NULL;
}

/* By @until, relay_now(). */
static gboolean
has_agreed (Ask *self, gint64 until)
{
  const gint64 left = MAX (until - relay_now (), 0);

  relay_sem_wait_for (&self->answered, (gint) (left / GST_MSECOND));
  return atomic_load (&self->answer) == AGREES;
}

static void
add_answer (Needs *needs, Ask *self, GstQuery *query)
{
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  add_params (needs, self->query);
  if (knows_caps (self->inbox->pad, caps))
    add_pool (needs, self->query);
  if (needs->answers++ == 0)
    take_metas (query, self->query);
  else
    keep_common_metas (query, self->query);
}

static gboolean
ask_all (Needs *needs, RelayList *links, GstQuery *query)
{
  const gint64 until = relay_now () + RELAY_ASK_MS * GST_MSECOND;
  g_autoptr (GPtrArray) asks = g_ptr_array_new_with_free_func (relay_unref);
  gboolean agreed = TRUE;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  for (guint i = 0; agreed && i < links->len; i++) {
    const RelayLink *link = links->members[i];
    Ask *one = atomic_load (&link->ended) ? NULL : ask (link->inbox, caps);
    if (one != NULL)
      g_ptr_array_add (asks, one);
    else
      agreed = atomic_load (&link->ended);
  }
  for (guint i = 0; agreed && i < asks->len; i++) {
    agreed = has_agreed (asks->pdata[i], until);
    if (agreed)
      add_answer (needs, asks->pdata[i], query);
  }
  return agreed;
}

gboolean
relay_agreement_on_allocation (RelayList *links, GstQuery *query)
{
  Needs needs = { 0 };

  gst_allocation_params_init (&needs.params);
  if (links == NULL || !ask_all (&needs, links, query) || needs.answers == 0) {
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
