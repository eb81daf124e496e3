/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * relay-inbox.h: what waits for one consumer.
 *
 * Producers put entries in. One worker at a time takes them out and delivers them (relay-pool.h).
 * The inbox outlives its interpipesrc for as long as somebody may still put something in. A worker
 * looks at the element only while the inbox is open. The element closes it, and makes sure that no
 * worker is inside, before it goes.
 *
 * Nobody holds the queue. It has two lists:
 * - `stack`: producers push here, the newest first;
 * - `rest`: what a taker has left of an earlier stack, the oldest first. Takers are the worker, a
 *   producer with leaky-type=downstream, and a stop or flush. Both lists are taken whole, by
 *   exchange. What a taker does not need it gives back to `rest`.
 *
 * Invariants: 1. An entry is in one place: a producer's hands, the stack, a taker's hands, `rest`.
 * 2. No thread waits for another. Each loop goes round again only if another thread got further.
 * 3. Entries have numbers, drawn once by their producer. A chain is sorted by number when it is
 * taken
 * from the stack. Two chains that meet in `rest` are merged by number. So what one producer puts
 * stays in its order. 4. A taker that is away keeps nobody from newer entries. What it gives back
 * then is late: the
 * stream drops late buffers and counts them as leaky (relay-stream.h). Only a leaky producer can
 * cause that. 5. Levels rise before an entry is pushed and fall after it is taken. They are never
 * below what
 * waits. Producers that put at the same time may exceed a limit by one buffer each.
 *
 * A thread that ends with a chain in its hands takes those entries along; the levels keep them.
 * All others go on. Between taking and giving back nothing is called that can end a thread.
 *
 * A producer waits for room only where the application said block=true: until there is room, the
 * producer gives up, or the consumer listens elsewhere, flushes or stops.
 *
 * Limits. max-bytes, max-buffers and max-time limit the queue if somebody has set them. With block
 * or leaky-type all three do, as GstAppSrc has them. `backlog` always does, and counts
 * RELAY_OVERHEAD for each buffer. What is in the queue when a buffer comes decides: with a limit
 * of 3 there are never more than 3.
 *
 * Limits are for buffers. RELAY_EVENTS events may wait. One more is dropped and counted if it is
 * dispensable (relay-item.h). EOS and SEGMENT_DONE always find room; they come once, at the end.
 * The same number may wait in the stream for a buffer to go with.
 */
#pragma once

#include "relay-item.h"
#include "relay-pool.h"
#include "relay-topic.h"

#include <gst/app/gstappsrc.h>
#include <semaphore.h>

G_BEGIN_DECLS

#define RELAY_BACKLOG_DEFAULT (G_GUINT64_CONSTANT (256) << 20)
/* A buffer, its memory and its item take so much beside its bytes (measured: 460 to 700). */
#define RELAY_OVERHEAD 640
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
  RELAY_DROP_EVENTS, /* the only one that counts events: too many wait */
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
  void (*go_alone) (RelayInbox *inbox); /* has relay_pool_run_alone() called */
  gpointer user_data;                   /* valid while open */
  RelayLimits limits;
  RelayStats stats;

  atomic_bool accept_events, accept_eos, renegotiates, switch_on_keyframe;
  atomic_bool accepting; /* started, and not at its end */
  atomic_bool open;      /* a worker may deliver */
  atomic_bool flushing;  /* nobody waits for room */
  atomic_bool is_asked;  /* how to allocate, and has not answered yet */

  _Atomic (RelayEntry *) stack, rest;
  _Atomic guint64 numbers; /* the last one drawn */
  _Atomic guint64 bytes, buffers;
  _Atomic guint64 events;         /* dispensable ones */
  _Atomic guint64 oldest, newest; /* timestamps of what waits; NONE: not known */

  atomic_int waiting; /* for room */
  sem_t room;
};

/* A producer that may wait for room. It stands at one inbox at a time. */
typedef struct {
  atomic_bool gives_up;
  RelaySlot inbox;
} RelayWaiter;

/* Until gives_up is FALSE again, it waits for no room. From any thread. */
void relay_waiter_give_up (RelayWaiter *waiter);

typedef enum {
  RELAY_PUT,
  RELAY_DROPPED, /* and counted */
  RELAY_NO_ROOM, /* the consumer wants it to be waited for */
} RelayPut;

/* @go_alone: (nullable): there is no thread of the inbox's own */
RelayInbox *relay_inbox_new (
    GstPad *pad, RelayDeliver deliver, void (*go_alone) (RelayInbox *inbox), gpointer user_data);

/* @entry: of an item that the caller keeps; a reference goes with it if it is put
 * @waiter: (nullable): it waits for room until it gives up; NULL: it does not wait */
RelayPut relay_inbox_put (RelayInbox *inbox, RelayEntry *entry, RelayWaiter *waiter);
/* The oldest, or NULL. Its item is the caller's to give back. */
RelayEntry *relay_inbox_take (RelayInbox *inbox);
gboolean relay_inbox_is_empty (RelayInbox *inbox);
/* From the oldest buffer that waits to the newest. */
guint64 relay_inbox_get_time (RelayInbox *inbox);
/* What the consumer can take. Asks what is behind it. (transfer full)(nullable) */
GstCaps *relay_inbox_get_caps (RelayInbox *inbox);
/* Throws away what waits. */
void relay_inbox_clear (RelayInbox *inbox);
void relay_inbox_drop (RelayInbox *inbox, RelayDrop why, guint64 n);

/* Producers that wait for room look again. */
void relay_inbox_wake (RelayInbox *inbox);
/* Has a worker come. */
void relay_inbox_schedule (RelayInbox *inbox);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RelayInbox, relay_unref)

G_END_DECLS
