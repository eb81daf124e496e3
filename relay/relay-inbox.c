/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-inbox.h"

#include "relay-os.h"

#include <sched.h>

/* How often to try before the core is given up each time. */
#define SPINS 200

static void
inbox_free (gpointer data)
{
  RelayInbox *self = data;

  relay_inbox_clear (self);
  relay_pool_forget (&self->work);
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

RelayInbox *
relay_inbox_new (GstPad *pad, RelayDeliver deliver, gpointer user_data)
{
  RelayInbox *self = g_new0 (RelayInbox, 1);

  relay_object_init (self, inbox_free);
  self->work.run = run;
  self->pad = gst_object_ref (pad);
  self->deliver = deliver;
  self->user_data = user_data;
  atomic_init (&self->limits.backlog, RELAY_BACKLOG_DEFAULT);
  sem_init (&self->room, 0, 0);
  return self;
}

/* ---- holding ---- */

static gboolean
hold_for (RelayInbox *self, gint patience_ms)
{
  gint64 until = 0;

  while (atomic_exchange_explicit (&self->held, TRUE, memory_order_acquire)) {
    for (guint i = 0; i < SPINS; i++)
      if (!atomic_load_explicit (&self->held, memory_order_relaxed))
        break;
    if (!atomic_load_explicit (&self->held, memory_order_relaxed))
      continue;
    if (until == 0)
      until = relay_now () + patience_ms * GST_MSECOND;
    else if (relay_now () > until)
      return FALSE;
    sched_yield ();
  }
  return TRUE;
}

static gboolean
hold (RelayInbox *self)
{
  return hold_for (self, RELAY_PATIENCE_MS);
}

static void
let_go (RelayInbox *self)
{
  atomic_store_explicit (&self->held, FALSE, memory_order_release);
}

/* ---- levels and limits: while held ---- */

/* From the oldest to the newest. Walks over what has no timestamps. */
static GstClockTime
time_level (const RelayInbox *self)
{
  for (const RelayEntry *entry = self->first; entry != NULL; entry = entry->next) {
    const GstClockTime oldest = entry->item->time;
    if (GST_CLOCK_TIME_IS_VALID (oldest))
      return GST_CLOCK_TIME_IS_VALID (self->newest) && self->newest > oldest ? self->newest - oldest
                                                                             : 0;
  }
  return 0;
}

static void
account (RelayInbox *self, const RelayItem *item, gint sign)
{
  if (relay_item_is_dispensable (item))
    self->events += (guint) sign;
  if (item->kind != RELAY_DATA)
    return;
  atomic_store_explicit (&self->bytes,
      atomic_load_explicit (&self->bytes, memory_order_relaxed) + (guint64) sign * item->bytes,
      memory_order_relaxed);
  atomic_store_explicit (&self->buffers,
      atomic_load_explicit (&self->buffers, memory_order_relaxed)
          + (guint64) ((gint64) sign * item->buffers),
      memory_order_relaxed);
  if (sign > 0 && GST_CLOCK_TIME_IS_VALID (item->end))
    self->newest = item->end;
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

  return (set & RELAY_LIMIT_BYTES && is_over (self->bytes, &limits->max_bytes))
      || (set & RELAY_LIMIT_BUFFERS && is_over (self->buffers, &limits->max_buffers))
      || (set & RELAY_LIMIT_TIME && limits->max_time != 0
          && is_over (time_level (self), &limits->max_time))
      || is_over (self->bytes, &limits->backlog);
}

static void
append (RelayInbox *self, RelayEntry *entry)
{
  entry->next = NULL;
  entry->discont = self->gap;
  if (entry->item->kind == RELAY_DATA)
    self->gap = FALSE;
  if (self->last != NULL)
    self->last->next = entry;
  else
    self->first = entry;
  self->last = entry;
  account (self, entry->item, 1);
}

/* Takes out the oldest that is data, or that is anything. */
static RelayEntry *
unlink_oldest (RelayInbox *self, gboolean data)
{
  RelayEntry *before = NULL, *entry = self->first;

  while (entry != NULL && data && entry->item->kind != RELAY_DATA) {
    before = entry;
    entry = entry->next;
  }
  if (entry == NULL)
    return NULL;
  if (before != NULL)
    before->next = entry->next;
  else
    self->first = entry->next;
  if (self->last == entry)
    self->last = before;
  account (self, entry->item, -1);
  return entry;
}

/* The oldest that is data goes; what comes after it says so. NULL: there is none. */
static RelayEntry *
leak_oldest (RelayInbox *self)
{
  RelayEntry *oldest = unlink_oldest (self, TRUE);
  RelayEntry *next = self->first;

  while (next != NULL && next->item->kind != RELAY_DATA)
    next = next->next;
  if (next != NULL)
    next->discont = TRUE;
  else
    self->gap = TRUE;
  return oldest;
}

static void
schedule (RelayInbox *self, gint64 now)
{
  if (atomic_load (&self->open))
    relay_pool_schedule (&self->work, now);
}

/* ---- putting ---- */

typedef enum { PUT, DROP_STATE, DROP_STALE, DROP_FULL, DROP_EVENTS, DROP_HELD, NO_ROOM } Outcome;

/* Nothing makes up for one that is lost. */
static gboolean
is_end (const RelayItem *item)
{
  return item->kind != RELAY_DATA && !relay_item_is_dispensable (item);
}

static Outcome
try_to_put (RelayInbox *self, RelayEntry *entry, RelayEntry **leaked)
{
  const gint leaky = atomic_load (&self->limits.leaky);
  const gboolean block = atomic_load (&self->limits.block);
  const RelayLimitSet set =
      leaky != GST_APP_LEAKY_TYPE_NONE || block ? RELAY_LIMIT_ALL : atomic_load (&self->limits.set);
  const RelayLink *link = entry->link;
  Outcome outcome = PUT;

  if (!hold_for (self, is_end (entry->item) ? RELAY_PATIENCE_FOR_ENDS_MS : RELAY_PATIENCE_MS))
    return DROP_HELD;
  if (!atomic_load (&self->accepting)) {
    outcome = DROP_STATE;
  } else if (link != NULL && atomic_load (&link->ended)) {
    outcome = DROP_STALE;
  } else if (self->events >= RELAY_EVENTS && relay_item_is_dispensable (entry->item)) {
    outcome = DROP_EVENTS;
  } else if (entry->item->kind == RELAY_DATA && is_full (self, set)) {
    if (leaky == GST_APP_LEAKY_TYPE_DOWNSTREAM) {
      while (is_full (self, set)) {
        RelayEntry *oldest = leak_oldest (self);
        if (oldest == NULL)
          break;
        oldest->next = *leaked;
        *leaked = oldest;
      }
    } else {
      outcome = leaky == GST_APP_LEAKY_TYPE_NONE && block ? NO_ROOM : DROP_FULL;
      self->gap = self->gap || outcome == DROP_FULL;
    }
  }
  if (outcome == PUT) {
    relay_ref (entry->item);
    append (self, entry);
  }
  let_go (self);
  return outcome;
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

static gboolean
has_no_room (RelayInbox *self)
{
  gboolean full;

  if (!hold (self))
    return FALSE;
  full = is_full (self, RELAY_LIMIT_ALL);
  let_go (self);
  return full;
}

static void
wait_for_room (RelayInbox *self, RelayEntry *entry)
{
  const RelayLink *link = entry->link;

  /* Raised before the level is looked at, and looked at after it has sunk: no post is missed, and
   * one too many only makes a waiter look again. */
  atomic_fetch_add (&self->waiting, 1);
  if (has_no_room (self) && atomic_load (&self->limits.block) && !atomic_load (&self->flushing)
      && (link == NULL || !atomic_load (&link->ended)))
    relay_sem_wait (&self->room);
  atomic_fetch_sub (&self->waiting, 1);
}

gboolean
relay_inbox_put (RelayInbox *self, RelayEntry *entry, gboolean may_wait, gboolean *full)
{
  static const RelayDrop drops[] = { [DROP_STATE] = RELAY_DROP_STATE,
    [DROP_STALE] = RELAY_DROP_STALE,
    [DROP_FULL] = RELAY_DROP_FULL,
    [DROP_HELD] = RELAY_DROP_HELD };
  RelayEntry *leaked = NULL;
  Outcome outcome;

  while ((outcome = try_to_put (self, entry, &leaked)) == NO_ROOM) {
    if (!may_wait) {
      *full = TRUE;
      return FALSE;
    }
    if (atomic_load (&self->flushing)) {
      outcome = DROP_STATE;
      break;
    }
    wait_for_room (self, entry);
  }
  free_leaked (self, leaked);
  if (outcome != PUT) {
    if (entry->item->kind == RELAY_DATA)
      relay_inbox_drop (self, drops[outcome], entry->item->buffers);
    else if (outcome == DROP_EVENTS || outcome == DROP_HELD)
      relay_inbox_drop (self, RELAY_DROP_EVENTS, 1);
    return FALSE;
  }
  if (entry->item->kind != RELAY_EVENT)
    schedule (self, entry->item->at);
  return TRUE;
}

/* ---- taking ---- */

RelayEntry *
relay_inbox_take (RelayInbox *self)
{
  RelayEntry *entry;

  if (!hold (self))
    return NULL;
  entry = unlink_oldest (self, FALSE);
  let_go (self);
  if (entry != NULL)
    relay_inbox_wake (self);
  return entry;
}

gboolean
relay_inbox_is_empty (RelayInbox *self)
{
  gboolean empty;

  if (!hold (self))
    return TRUE;
  empty = self->first == NULL;
  let_go (self);
  return empty;
}

guint64
relay_inbox_get_time (RelayInbox *self)
{
  guint64 time;

  if (!hold (self))
    return 0;
  time = time_level (self);
  let_go (self);
  return time;
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
  schedule (self, relay_now ());
}
