/* SPDX-License-Identifier: MIT
 *
 * One writer a slot, its thread; any reader. The writer makes `sequence` odd, writes the scope and
 * makes it even again. All its stores release, so that none is seen before `sequence` was odd; all
 * loads of a reader acquire, so that it sees a changed `sequence` after anything that is newer.
 */
#include "watch-private.h"

#include "portable.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

/* A thread that a signal handler keeps in the middle of a begin must not keep the reader. */
#define LOOKS_BUSY 100
#define LOOKS_MAX 1000

typedef struct {
  _Atomic (const char *) operation;
  _Atomic gint64 since; /* µs of the coarse clock; 0: idle */
  atomic_uint allowed;  /* ms */
} Scope;

typedef struct {
  atomic_int tid; /* 0: free */
  atomic_uint sequence, depth;
  Scope scopes[WG_WATCH_DEPTH];
} Slot;

static Slot slots[WG_WATCH_SLOTS]; /* never freed, only handed on */
static atomic_uint used;           /* the first so many have been taken once */
static atomic_ullong too_deep, without_slot;

static _Thread_local Slot *mine;
static _Thread_local gboolean refused; /* there was no slot */

static void
give_back (gpointer slot)
{
  mine = NULL;
  atomic_store_explicit (&((Slot *) slot)->depth, 0, memory_order_release);
  atomic_store_explicit (&((Slot *) slot)->tid, 0, memory_order_release);
}

static GPrivate at_end = G_PRIVATE_INIT (give_back);

static Slot *
take (void)
{
  int tid = wg_gettid ();

  for (guint i = 0; i < WG_WATCH_SLOTS && !refused; i++) {
    int unused = 0;
    guint n = atomic_load (&used);

    if (!atomic_compare_exchange_strong (&slots[i].tid, &unused, tid))
      continue;
    while (n <= i && !atomic_compare_exchange_weak (&used, &n, i + 1))
      ;
    atomic_store (&slots[i].depth, 0); /* a thread that vanished may have left its own */
    g_private_set (&at_end, &slots[i]);
    return mine = &slots[i];
  }
  if (!refused)
    atomic_fetch_add (&without_slot, 1);
  refused = TRUE;
  return NULL;
}

static inline gint64
coarse_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC_COARSE, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static inline void
begin (const char *operation, gint64 since, guint allowed)
{
  Slot *slot = G_LIKELY (mine) ? mine : take ();
  guint depth, sequence;
  Scope *scope;

  if (!slot)
    return;
  depth = atomic_load_explicit (&slot->depth, memory_order_relaxed);
  if (G_UNLIKELY (depth >= WG_WATCH_DEPTH)) {
    atomic_store_explicit (&slot->depth, depth + 1, memory_order_release);
    atomic_fetch_add_explicit (&too_deep, 1, memory_order_relaxed);
    return;
  }
  scope = &slot->scopes[depth];
  sequence = atomic_load_explicit (&slot->sequence, memory_order_relaxed);
  atomic_store_explicit (&slot->sequence, sequence + 1, memory_order_release);
  atomic_store_explicit (&scope->operation, operation, memory_order_release);
  atomic_store_explicit (&scope->since, since, memory_order_release);
  atomic_store_explicit (&scope->allowed, allowed, memory_order_release);
  atomic_store_explicit (&slot->depth, depth + 1, memory_order_release);
  atomic_store_explicit (&slot->sequence, sequence + 2, memory_order_release);
}

void
wg_watch_begin (const char *operation)
{
  begin (operation, coarse_now (), 0);
}

void
wg_watch_begin_allowing (const char *operation, guint ms)
{
  begin (operation, coarse_now (), ms);
}

void
wg_watch_begin_idle (const char *operation)
{
  begin (operation, 0, 0);
}

void
wg_watch_end (void)
{
  guint depth;

  if (G_UNLIKELY (!mine))
    return;
  depth = atomic_load_explicit (&mine->depth, memory_order_relaxed);
  if (depth > 0)
    atomic_store_explicit (&mine->depth, depth - 1, memory_order_release);
}

gboolean
wg_watch_look (guint index, WgWatchThread *thread, guint *allowed)
{
  Slot *slot = &slots[index];
  guint before, after;

  for (guint tries = 0;; tries++) {
    guint depth;

    *thread = (WgWatchThread){ .tid = atomic_load_explicit (&slot->tid, memory_order_acquire) };
    if (!thread->tid)
      return FALSE;
    before = atomic_load_explicit (&slot->sequence, memory_order_acquire);
    depth = MIN (atomic_load_explicit (&slot->depth, memory_order_acquire), WG_WATCH_DEPTH);
    thread->depth = depth;
    for (guint i = 0; i < depth; i++)
      thread->operations[i] =
          atomic_load_explicit (&slot->scopes[i].operation, memory_order_acquire);
    *allowed = 0;
    if (depth > 0) {
      thread->since = atomic_load_explicit (&slot->scopes[depth - 1].since, memory_order_acquire);
      *allowed = atomic_load_explicit (&slot->scopes[depth - 1].allowed, memory_order_acquire);
    }
    after = atomic_load_explicit (&slot->sequence, memory_order_relaxed);
    if (before % 2 == 0 && before == after)
      return TRUE;
    if (tries == LOOKS_MAX) {
      *thread = (WgWatchThread){ .tid = thread->tid };
      *allowed = 0;
      return TRUE;
    }
    if (tries >= LOOKS_BUSY)
      sched_yield (); /* the writer may wait for this very processor */
  }
}

guint
wg_watch_slots_used (void)
{
  return atomic_load (&used);
}

void
wg_watch_reclaim (guint index, pid_t tid)
{
  int expected = tid;

  if (wg_thread_signal (tid, 0) < 0 && errno == ESRCH)
    atomic_compare_exchange_strong (&slots[index].tid, &expected, 0);
}

void
wg_watch_add_counts (WgWatchStatus *status)
{
  WgWatchThread thread;
  guint allowed;

  status->too_deep = atomic_load (&too_deep);
  status->without_slot = atomic_load (&without_slot);
  for (guint i = 0; i < wg_watch_slots_used (); i++)
    status->threads += wg_watch_look (i, &thread, &allowed);
}
