/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-inbox.h: what waits for one consumer.
 *
 * Producers put entries in. One worker at a time takes them out and delivers them (relay-pool.h).
 * The inbox outlives its interpipesrc for as long as somebody may still put something in. A worker
 * looks at the element only while the inbox is open. The element closes it, and makes sure that no
 * worker is inside, before it goes.
 *
 * The queue is a linked list with a holder's mark instead of a mutex. It is held for some dozen
 * instructions in which nothing is called, allocated, freed or logged. A producer that cannot get
 * it for RELAY_PATIENCE_MS drops what it has, and counts that. A producer waits for room only
 * where the application said block=true: until there is room, or the consumer listens elsewhere or
 * stops.
 *
 * Limits. max-bytes, max-buffers and max-time limit the queue if somebody has set them. With block
 * or leaky-type all three do, as GstAppSrc has them. `backlog` always does. What is in the queue
 * when a buffer comes decides: with a limit of 3 there are never more than 3.
 *
 * Limits are for buffers. RELAY_EVENTS events may wait. One more is dropped and counted if it is
 * dispensable (relay-item.h). EOS and SEGMENT_DONE always find room; they come once, at the end.
 * The same number may wait in the stream for a buffer to go with (relay-stream.h).
 */
#pragma once

#include "relay-item.h"
#include "relay-pool.h"
#include "relay-topic.h"

#include <gst/app/gstappsrc.h>
#include <semaphore.h>

G_BEGIN_DECLS

/* A holder that was taken off its core comes back within this even on a machine that is
 * overloaded, and with a low priority; 250 ms were not enough for that. */
#define RELAY_PATIENCE_MS 1000
/* For EOS and SEGMENT_DONE, which are not to be lost, even where it gets no core for longer. */
#define RELAY_PATIENCE_FOR_ENDS_MS 5000
#define RELAY_BACKLOG_DEFAULT (G_GUINT64_CONSTANT (256) << 20)
/* A burst of 20,000, without a buffer between them, has to come through (verify/plugin,
 * pending-events). Some 600 bytes each, 19 MiB in all, if they are small ones. */
#define RELAY_EVENTS 32768

typedef enum {
  RELAY_LIMIT_BYTES = 1 << 0,
  RELAY_LIMIT_BUFFERS = 1 << 1,
  RELAY_LIMIT_TIME = 1 << 2,
  RELAY_LIMIT_ALL = 7,
} RelayLimitSet;

typedef struct {
  _Atomic guint64 max_bytes, max_buffers, max_time, backlog;
  atomic_uint set; /* RelayLimitSet that somebody has set */
  atomic_int leaky;
  atomic_bool block;
} RelayLimits;

typedef enum {
  RELAY_DROP_FULL,   /* a limit, or leaky-type=upstream */
  RELAY_DROP_LEAKY,  /* leaky-type=downstream: an older one */
  RELAY_DROP_CAPS,   /* caps that cannot be taken */
  RELAY_DROP_STALE,  /* of a node that is not listened to any more */
  RELAY_DROP_SYNC,   /* compensate-ts before PLAYING, or before its time */
  RELAY_DROP_STATE,  /* not started, flushed, stopped, waiting for a key frame */
  RELAY_DROP_HELD,   /* the queue's holder was away for too long */
  RELAY_DROP_EVENTS, /* the only one that counts events: too many wait, or held */
  RELAY_DROPS
} RelayDrop;

typedef struct {
  _Atomic guint64 delivered, dropped[RELAY_DROPS], switches;
  atomic_llong last_switch; /* relay_now(); 0: none */
} RelayStats;

/* Delivers some of what waits, in a worker. Returns: how many; *@more: there is more to deliver */
typedef guint (*RelayDeliver) (RelayInbox *inbox, gpointer user_data, gboolean *more);

struct RelayInbox {
  RelayWork work; /* the pool's; it begins with the RelayObject */
  GstPad *pad;    /* the interpipesrc's; ours, too */
  RelayDeliver deliver;
  gpointer user_data; /* valid while open */
  RelayLimits limits;
  RelayStats stats;

  atomic_bool accept_events, accept_eos, renegotiates, switch_on_keyframe;
  atomic_bool accepting; /* started, and not at its end */
  atomic_bool open;      /* a worker may deliver */
  atomic_bool flushing;  /* nobody waits for room */

  /* with `held` */
  atomic_bool held;
  RelayEntry *first, *last;
  _Atomic guint64 bytes, buffers;
  guint events; /* dispensable ones */
  GstClockTime newest;
  gboolean gap; /* the next that comes is after what was dropped */

  atomic_int waiting; /* for room */
  sem_t room;
};

RelayInbox *relay_inbox_new (GstPad *pad, RelayDeliver deliver, gpointer user_data);

/* @entry: of a item that the caller keeps; a reference goes with it if it is put. Waits for room
 * if
 * @may_wait. FALSE: not put; *@full says that there was no room and that the consumer wants it
 * waited for. */
gboolean relay_inbox_put (RelayInbox *inbox, RelayEntry *entry, gboolean may_wait, gboolean *full);
/* The oldest, or NULL. Its item is the caller's to give back. */
RelayEntry *relay_inbox_take (RelayInbox *inbox);
gboolean relay_inbox_is_empty (RelayInbox *inbox);
/* From the oldest that waits to the newest. */
guint64 relay_inbox_get_time (RelayInbox *inbox);
/* What the consumer can take. Asks what is behind it. (transfer full)(nullable) */
GstCaps *relay_inbox_get_caps (RelayInbox *inbox);
/* Throws away what waits. */
void relay_inbox_clear (RelayInbox *inbox);
void relay_inbox_drop (RelayInbox *inbox, RelayDrop why, guint64 n);

/* Whoever waits for room looks again. */
void relay_inbox_wake (RelayInbox *inbox);
/* Has a worker come. */
void relay_inbox_schedule (RelayInbox *inbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayInbox, relay_unref)

G_END_DECLS
