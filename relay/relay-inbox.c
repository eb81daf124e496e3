/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-inbox.h"

#include "relay-os.h"

/* How often a leaky producer tries to find something to drop, while others have it in their
 * hands. */
#define LEAK_TRIES 100
/* How many events it looks past for a buffer. */
#define LEAK_LOOKS 256

static void
inbox_free (gpointer data)
{
  RelayInbox *self = data;

  relay_inbox_clear (self);
  relay_work_clear (&self->work);
  gst_object_unref (self->pad);
  sem_destroy (&self->room);
  g_free (self);
}

static guint
run (RelayWork *work, gboolean *more)
{
  RelayInbox *self = (RelayInbox *) work;

  return self->deliver (self, self->user_data, more);
}

static void
leave_worker (RelayWork *work)
{
  RelayInbox *self = (RelayInbox *) work;

  self->go_alone (self);
}

RelayInbox *
relay_inbox_new (
    GstPad *pad, RelayDeliver deliver, void (*go_alone) (RelayInbox *inbox), gpointer user_data)
{
  RelayInbox *self = g_new0 (RelayInbox, 1);

  relay_object_init (self, inbox_free);
  relay_work_init (&self->work, run, go_alone != NULL ? leave_worker : NULL);
  self->pad = gst_object_ref (pad);
  self->deliver = deliver;
  self->go_alone = go_alone;
  self->user_data = user_data;
  atomic_init (&self->limits.backlog, RELAY_BACKLOG_DEFAULT);
  atomic_init (&self->oldest, GST_CLOCK_TIME_NONE);
  atomic_init (&self->newest, GST_CLOCK_TIME_NONE);
  sem_init (&self->room, 0, 0);
  return self;
}

/* ---- the two lists ---- */

static void
push (RelayInbox *self, RelayEntry *entry)
{
  RelayEntry *top = atomic_load (&self->stack);

  do
    entry->next = top;
  while (!atomic_compare_exchange_weak (&self->stack, &top, entry));
}

/* What was on the stack, the oldest first. */
static RelayEntry *
take_stack (RelayInbox *self)
{
  RelayEntry *newest = atomic_exchange (&self->stack, NULL);
  RelayEntry *chain = NULL;

  while (newest != NULL) {
    RelayEntry *entry = newest, **at = &chain;

    newest = entry->next;
    /* Producers draw a number first and push then: two at once may have changed places. */
    while (*at != NULL && (*at)->number < entry->number)
      at = &(*at)->next;
    entry->next = *at;
    *at = entry;
  }
  return chain;
}

static RelayEntry *
merge (RelayEntry *one, RelayEntry *other)
{
  RelayEntry *chain = NULL, **at = &chain;

  while (one != NULL && other != NULL) {
    RelayEntry **older = one->number < other->number ? &one : &other;
    *at = *older;
    *older = (*older)->next;
    at = &(*at)->next;
  }
  *at = one != NULL ? one : other;
  return chain;
}

static void
give_back (RelayInbox *self, RelayEntry *chain)
{
  RelayEntry *nothing = NULL;

  while (chain != NULL && !atomic_compare_exchange_strong (&self->rest, &nothing, chain)) {
    chain = merge (chain, atomic_exchange (&self->rest, NULL));
    nothing = NULL;
  }
}

gboolean
relay_inbox_is_empty (RelayInbox *self)
{
  return atomic_load (&self->rest) == NULL && atomic_load (&self->stack) == NULL;
}

/* ---- levels and limits ---- */

static void
account (RelayInbox *self, const RelayItem *item, gint64 sign)
{
  if (item->kind == RELAY_DATA) {
    atomic_fetch_add (&self->bytes, (guint64) (sign * (gint64) item->bytes));
    atomic_fetch_add (&self->buffers, (guint64) (sign * item->buffers));
  } else if (relay_item_is_dispensable (item)) {
    atomic_fetch_add (&self->events, (guint64) sign);
  }
}

guint64
relay_inbox_get_time (RelayInbox *self)
{
  const GstClockTime oldest = atomic_load (&self->oldest), newest = atomic_load (&self->newest);

  return GST_CLOCK_TIME_IS_VALID (oldest) && GST_CLOCK_TIME_IS_VALID (newest) && newest > oldest
      ? newest - oldest
      : 0;
}

/* @next: (nullable): the oldest that waits. Without a timestamp it leaves the one before it. */
static void
follow_oldest (RelayInbox *self, const RelayEntry *next)
{
  if (next == NULL)
    atomic_store (&self->oldest, GST_CLOCK_TIME_NONE);
  else if (GST_CLOCK_TIME_IS_VALID (next->item->time))
    atomic_store (&self->oldest, next->item->time);
}

static gboolean
is_over (guint64 level, _Atomic guint64 *limit)
{
  const guint64 max = atomic_load_explicit (limit, memory_order_relaxed);

  return max != 0 && level >= max;
}

static gboolean
is_full (RelayInbox *self, RelayLimitSet set)
{
  RelayLimits *limits = &self->limits;
  const guint64 bytes = atomic_load (&self->bytes), buffers = atomic_load (&self->buffers);

  return (set & RELAY_LIMIT_BYTES && is_over (bytes, &limits->max_bytes))
      || (set & RELAY_LIMIT_BUFFERS && is_over (buffers, &limits->max_buffers))
      || (set & RELAY_LIMIT_TIME && is_over (relay_inbox_get_time (self), &limits->max_time))
      || is_over (bytes + buffers * RELAY_OVERHEAD, &limits->backlog);
}

static void
free_leaked (RelayInbox *self, RelayEntry *leaked)
{
  while (leaked != NULL) {
    RelayEntry *entry = leaked;
    leaked = entry->next;
    relay_inbox_drop (self, RELAY_DROP_LEAKY, entry->item->buffers);
    relay_unref (entry->item);
  }
}

/* Drops the oldest buffers until there is room. FALSE: there are none at hand. */
static gboolean
leak (RelayInbox *self, RelayLimitSet set)
{
  RelayEntry *chain = atomic_exchange (&self->rest, NULL), *leaked = NULL;
  RelayEntry **at = &chain;
  guint looks = 0;

  while (is_full (self, set) && looks < LEAK_LOOKS) {
    RelayEntry *oldest = *at;

    if (oldest == NULL) {
      oldest = *at = take_stack (self);
      if (oldest == NULL)
        break;
    }
    if (oldest->item->kind != RELAY_DATA) {
      at = &oldest->next;
      looks++;
      continue;
    }
    *at = oldest->next;
    oldest->next = leaked;
    leaked = oldest;
    account (self, oldest->item, -1);
    follow_oldest (self, *at);
  }
  give_back (self, chain);
  free_leaked (self, leaked);
  return !is_full (self, set);
}

static gboolean
leak_patiently (RelayInbox *self, RelayLimitSet set)
{
  for (guint i = 0; i < LEAK_TRIES; i++)
    if (leak (self, set))
      return TRUE;
  return FALSE;
}

/* ---- putting ---- */

typedef enum { PUT, DROP_STATE, DROP_STALE, DROP_FULL, DROP_EVENTS, NO_ROOM } Outcome;

static Outcome
find_room (RelayInbox *self)
{
  const gint leaky = atomic_load (&self->limits.leaky);
  const gboolean block = atomic_load (&self->limits.block);
  const RelayLimitSet set =
      leaky != GST_APP_LEAKY_TYPE_NONE || block ? RELAY_LIMIT_ALL : atomic_load (&self->limits.set);

  if (!is_full (self, set))
    return PUT;
  if (leaky == GST_APP_LEAKY_TYPE_DOWNSTREAM)
    return leak_patiently (self, set) ? PUT : DROP_FULL;
  return leaky == GST_APP_LEAKY_TYPE_NONE && block ? NO_ROOM : DROP_FULL;
}

static Outcome
try_to_put (RelayInbox *self, RelayEntry *entry)
{
  RelayItem *const item = entry->item;
  const RelayLink *const link = entry->link;
  GstClockTime none = GST_CLOCK_TIME_NONE;
  Outcome outcome = PUT;

  if (!atomic_load (&self->accepting))
    return DROP_STATE;
  if (link != NULL && atomic_load (&link->ended))
    return DROP_STALE;
  if (relay_item_is_dispensable (item) && atomic_load (&self->events) >= RELAY_EVENTS)
    return DROP_EVENTS;
  if (entry->number == 0)
    entry->number = atomic_fetch_add (&self->numbers, 1) + 1;
  if (item->kind == RELAY_DATA)
    outcome = find_room (self);
  if (outcome != PUT)
    return outcome;
  relay_ref (item);
  account (self, item, 1);
  if (GST_CLOCK_TIME_IS_VALID (item->end))
    atomic_store (&self->newest, item->end);
  push (self, entry);
  /* After the push: a taker that finds nothing more looks at the stack after it has said so. */
  if (GST_CLOCK_TIME_IS_VALID (item->time) && atomic_load (&self->oldest) == none)
    atomic_compare_exchange_strong (&self->oldest, &none, item->time);
  return PUT;
}

void
relay_waiter_give_up (RelayWaiter *waiter)
{
  g_autoptr (RelayInbox) inbox = NULL;

  atomic_store (&waiter->gives_up, TRUE);
  inbox = relay_slot_get (&waiter->inbox);
  if (inbox != NULL)
    relay_inbox_wake (inbox);
}

static void
wait_for_room (RelayInbox *self, RelayEntry *entry, RelayWaiter *waiter)
{
  const RelayLink *link = entry->link;

  relay_unref (relay_slot_swap (&waiter->inbox, relay_ref (self)));
  /* Raised before all that ends the wait is looked at. What ends the wait looks at it afterwards.
   * So no post is missed, and one too many only makes a producer look again. */
  atomic_fetch_add (&self->waiting, 1);
  if (is_full (self, RELAY_LIMIT_ALL) && atomic_load (&self->limits.block)
      && !atomic_load (&self->flushing) && !atomic_load (&waiter->gives_up)
      && (link == NULL || !atomic_load (&link->ended)))
    relay_sem_wait (&self->room);
  atomic_fetch_sub (&self->waiting, 1);
  relay_unref (relay_slot_swap (&waiter->inbox, NULL));
}

static void
count_drop (RelayInbox *self, const RelayItem *item, Outcome outcome)
{
  static const RelayDrop drops[] = {
    [DROP_STATE] = RELAY_DROP_STATE,
    [DROP_STALE] = RELAY_DROP_STALE,
    [DROP_FULL] = RELAY_DROP_FULL,
    [DROP_EVENTS] = RELAY_DROP_EVENTS,
    [NO_ROOM] = RELAY_DROP_FULL,
  };

  if (item->kind == RELAY_DATA)
    relay_inbox_drop (self, drops[outcome], item->buffers);
  else if (outcome == DROP_EVENTS)
    relay_inbox_drop (self, RELAY_DROP_EVENTS, 1);
}

RelayPut
relay_inbox_put (RelayInbox *self, RelayEntry *entry, RelayWaiter *waiter)
{
  Outcome outcome;

  while ((outcome = try_to_put (self, entry)) == NO_ROOM) {
    if (atomic_load (&self->flushing)) {
      outcome = DROP_STATE;
      break;
    }
    if (waiter == NULL || atomic_load (&waiter->gives_up))
      return RELAY_NO_ROOM;
    wait_for_room (self, entry, waiter);
  }
  if (outcome != PUT) {
    count_drop (self, entry->item, outcome);
    return RELAY_DROPPED;
  }
  if (entry->item->kind != RELAY_EVENT)
    relay_inbox_schedule (self);
  return RELAY_PUT;
}

/* ---- taking ---- */

RelayEntry *
relay_inbox_take (RelayInbox *self)
{
  RelayEntry *entry = NULL, *next;

  if (atomic_load (&self->rest) != NULL)
    entry = atomic_exchange (&self->rest, NULL);
  if (entry == NULL && atomic_load (&self->stack) != NULL)
    entry = take_stack (self);
  if (entry == NULL)
    return NULL;
  next = entry->next;
  follow_oldest (self, next);
  if (next == NULL && atomic_load (&self->stack) != NULL) {
    next = take_stack (self);
    follow_oldest (self, next);
  }
  give_back (self, next);
  account (self, entry->item, -1);
  relay_inbox_wake (self);
  return entry;
}

GstCaps *
relay_inbox_get_caps (RelayInbox *self)
{
  GstCaps *caps = NULL;

  if (!atomic_load (&self->renegotiates))
    caps = gst_pad_get_current_caps (self->pad);
  return caps != NULL ? caps : gst_pad_peer_query_caps (self->pad, NULL);
}

void
relay_inbox_clear (RelayInbox *self)
{
  RelayEntry *entry;

  while ((entry = relay_inbox_take (self)) != NULL) {
    if (entry->item->kind == RELAY_DATA)
      relay_inbox_drop (self, RELAY_DROP_STATE, entry->item->buffers);
    relay_unref (entry->item);
  }
}

void
relay_inbox_drop (RelayInbox *self, RelayDrop why, guint64 n)
{
  atomic_fetch_add_explicit (&self->stats.dropped[why], n, memory_order_relaxed);
}

void
relay_inbox_wake (RelayInbox *self)
{
  gint waiting = atomic_load (&self->waiting);

  while (waiting-- > 0)
    sem_post (&self->room);
}

void
relay_inbox_schedule (RelayInbox *self)
{
  if (atomic_load (&self->open))
    relay_pool_schedule (&self->work);
}
