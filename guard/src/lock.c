/* SPDX-License-Identifier: MIT
 *
 * Who holds a lock is beside the mutex, in atomics that anybody may read: written by the owner only,
 * after it got the mutex and before it gives it back. A thread that finds its own id there holds the
 * lock for certain, since ids are never used twice; a dead owner's stays until the next one comes.
 *
 * Once pthread_mutex_unlock() has let go, the lock may be freed by another thread. Nothing here touches
 * it after that, neither does glibc (it wakes by address, which needs no memory). What is left is
 * glibc's bug 14485: a thread that is *killed* between letting go and forgetting which mutex it was
 * about to let go leaves a mark in memory that may have been freed, if that holds the thread's id
 * there. A few instructions, only for a thread that a signal handler ends; user space cannot close it.
 */
#include <wolf-guard/lock.h>

#include "lock-private.h"
#include "robust.h"
#include "settings.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LOCK_MS_DEFAULT 500 /* lock.h has the reason */
#define LOCK_MS_MAX 600000  /* ten minutes: whoever sets more means seconds */
/* A wait is cut into pieces of this length, with a look at the lock in between. Seen on a busy machine, in
 * some 3 of 1,000 runs of 16 threads: a waiter slept to the end of its bound, the lock was free and
 * had changed hands 100,000 times meanwhile. Whoever loses wake-ups, they cost a piece. */
#define LOOK_AGAIN_US 10000

/* The last report of a kind, so that the next one is news. Of two threads with news at once both may say
 * theirs, or one of them. */
typedef struct {
  _Atomic guint64 id;
  _Atomic (const char *) place;
} Told;

struct WgLock {
  WgRobust robust;
  _Atomic guint64 owner;        /* WgLockSelf.id; 0: nobody, or about to be somebody */
  _Atomic (const char *) place; /* the owner's */
  _Atomic gint64 since;         /* as in WgLockOwner */
  _Atomic guint32 turn;         /* grows with each owner, before the rest is written */
  _Atomic guint32 kept; /* 1 + the turn for whose end somebody waited the whole bound in vain */
  atomic_uint refs;     /* the hosts', one for each thread that waits, the list's */
  const char *name;
  Told told[WG_LOCK_EVENTS];
  gboolean orphan; /* written before it is in the list */
  WgLock *next;    /* in the list; by who has taken it out */
};

/* Locks that were dropped while held. Pushed one by one, taken out all at once and put back one by one, so
 * that nobody waits for anybody, and a thread that ends in between takes along what it had taken out. */
static _Atomic (WgLock *) dropped;
static atomic_uint orphans; /* how many there are, taken out or not */

/* Not in WgSettings: a plugin's copy of guard would warn once more of settings that it has no use for. */
static gint64 bound_ms;

static void
read_bound (void)
{
  bound_ms = wg_settings_parse (
      "WOLF_GUARD_LOCK_MS", getenv ("WOLF_GUARD_LOCK_MS"), 1, LOCK_MS_MAX, LOCK_MS_DEFAULT);
}

gint64
wg_lock_bound_ms (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, read_bound);
  return bound_ms;
}

static inline WgLockSelf *
self_get (void)
{
  WgLockSelf *self = &wg_lock_self;

  /* In a shared module finding it is a call (3 ns), which gcc, thinking it is free, makes again for each
   * use. So it may not know where the pointer came from. */
  __asm__("" : "+r"(self));
  if (G_UNLIKELY (!self->id))
    wg_lock_self_init (self);
  return self;
}

static gboolean
is_taken (int result)
{
  return result == 0 || result == EOWNERDEAD;
}

/* Who holds the lock, or died with it. Returns the id, 0 for nobody. */
static guint64
look (WgLock *lock, WgLockOwner *owner)
{
  guint32 turn;
  guint64 id;

  /* Each load acquires, so who has seen anything of the next turn sees that it is the next. (The id alone
   * would not tell: the same thread may have come again after another.) */
  do {
    turn = atomic_load_explicit (&lock->turn, memory_order_acquire);
    id = atomic_load_explicit (&lock->owner, memory_order_acquire);
    *owner = (WgLockOwner){
      .lock = lock->name,
      .tid = wg_lock_tid (id),
      .place = atomic_load_explicit (&lock->place, memory_order_acquire),
      .since = atomic_load_explicit (&lock->since, memory_order_acquire),
    };
  } while (atomic_load_explicit (&lock->turn, memory_order_relaxed) != turn);
  return id;
}

static gboolean
is_news (WgLock *lock, WgLockEvent event, guint64 id, const char *place)
{
  Told *told = &lock->told[event];
  gboolean other_id = atomic_exchange (&told->id, id) != id;

  return atomic_exchange (&told->place, place) != place || other_id;
}

/* The mutex has just become the calling thread's, and `owner` is 0. */
static inline void
hold (WgLock *lock, WgLockSelf *self, const char *place)
{
  guint32 turn = atomic_load_explicit (&lock->turn, memory_order_relaxed) + 1;

  atomic_store_explicit (&lock->turn, turn, memory_order_release);
  atomic_store_explicit (&lock->place, place, memory_order_release);
  atomic_store_explicit (&lock->since, 0, memory_order_release);
  atomic_store_explicit (&lock->owner, self->id, memory_order_release);
  self->held++;
}

static WgLockResult
recover (WgLock *lock, WgLockSelf *self, const char *place)
{
  WgLockReport report = {
    .event = WG_LOCK_EVENT_RECOVERED,
    .tid = wg_lock_tid (self->id),
    .place = place,
  };

  look (lock, &report.owner);
  atomic_store_explicit (&lock->owner, 0, memory_order_release); /* the dead one's */
  hold (lock, self, place);
  wg_lock_count (report.event);
  wg_lock_report (&report);
  return WG_LOCK_RECOVERED;
}

static WgLockResult
relock (WgLock *lock, WgLockSelf *self, const char *place)
{
  WgLockReport report = {
    .event = WG_LOCK_EVENT_RELOCK,
    .tid = wg_lock_tid (self->id),
    .place = place,
  };

  look (lock, &report.owner);
  wg_lock_count (report.event);
  if (is_news (lock, report.event, self->id, place))
    wg_lock_report (&report);
  return WG_LOCK_RELOCK;
}

/* Somebody is being waited for: from now on, unless that is known already. */
static void
note_since (WgLock *lock, gint64 now)
{
  gint64 unknown = 0;

  atomic_compare_exchange_strong (&lock->since, &unknown, now);
}

static WgLockResult
give_up (WgLock *lock, WgLockSelf *self, const char *place, gint64 ms)
{
  WgLockReport report = {
    .event = WG_LOCK_EVENT_TIMEOUT,
    .tid = wg_lock_tid (self->id),
    .place = place,
    .ms = ms,
  };
  guint64 id = look (lock, &report.owner);

  note_since (lock, g_get_monotonic_time ()); /* this owner may be another than at first */
  wg_lock_count (report.event);
  if (is_news (lock, report.event, id, report.owner.place))
    wg_lock_report (&report);
  return WG_LOCK_TIMEOUT;
}

/* Somebody has waited for the end of this very turn, and the bound was over first. Nothing is said about
 * `owner`: one that is stuck before it has written there is waited for once, too. */
static gboolean
is_kept (WgLock *lock)
{
  return atomic_load (&lock->kept) == atomic_load (&lock->turn) + 1;
}

static int
wait_in_pieces (WgLock *lock, gint64 now, gint64 until)
{
  int result;

  do {
    result = wg_robust_wait (&lock->robust, MIN (until, now + LOOK_AGAIN_US));
    if (is_taken (result))
      return result;
    result = wg_robust_try_to_wait (&lock->robust);
    now = g_get_monotonic_time ();
  } while (!is_taken (result) && now < until);
  return result;
}

/* The first try failed. */
static WgLockResult
acquire_contended (WgLock *lock, WgLockSelf *self, const char *place, gint64 ms)
{
  WgLockResult outcome;
  guint32 turn;
  gint64 now;
  int result;

  if (atomic_load_explicit (&lock->owner, memory_order_relaxed) == self->id)
    return relock (lock, self, place);
  if (ms <= 0)
    return WG_LOCK_TIMEOUT;

  wg_lock_ref (lock); /* whoever holds it may drop it before it comes to us */
  ms = MIN (ms, LOCK_MS_MAX);
  turn = atomic_load (&lock->turn);
  now = g_get_monotonic_time ();
  note_since (lock, now);
  result = wait_in_pieces (lock, now, now + ms * G_TIME_SPAN_MILLISECOND);
  if (result == 0) {
    hold (lock, self, place);
    outcome = WG_LOCK_OK;
  } else if (result == EOWNERDEAD) {
    outcome = recover (lock, self, place);
  } else {
    if (ms >= wg_lock_bound_ms () && turn == atomic_load (&lock->turn))
      atomic_store (&lock->kept, turn + 1);
    outcome = give_up (lock, self, place, ms);
  }
  wg_lock_unref (lock);
  return outcome;
}

WgLockResult
wg_lock_acquire (WgLock *lock, const gchar *place)
{
  WgLockSelf *self = self_get ();
  int result = wg_robust_try_to_wait (&lock->robust);

  if (G_LIKELY (result == 0)) {
    hold (lock, self, place);
    return WG_LOCK_OK;
  }
  if (result == EOWNERDEAD)
    return recover (lock, self, place);
  if (is_kept (lock) && atomic_load (&lock->owner) != self->id) {
    wg_lock_count (WG_LOCK_EVENT_TIMEOUT); /* who waited has reported it */
    return WG_LOCK_TIMEOUT;
  }
  return acquire_contended (lock, self, place, wg_lock_bound_ms ());
}

WgLockResult
wg_lock_acquire_within (WgLock *lock, const gchar *place, gint64 ms)
{
  WgLockSelf *self = self_get ();
  int result = ms > 0 ? wg_robust_try_to_wait (&lock->robust) : wg_robust_try (&lock->robust);

  if (G_LIKELY (result == 0)) {
    hold (lock, self, place);
    return WG_LOCK_OK;
  }
  if (result == EOWNERDEAD)
    return recover (lock, self, place);
  return acquire_contended (lock, self, place, ms);
}

static gboolean
release_foreign (WgLock *lock, WgLockSelf *self)
{
  WgLockReport report = {
    .event = WG_LOCK_EVENT_FOREIGN,
    .tid = wg_lock_tid (self->id),
  };

  look (lock, &report.owner);
  wg_lock_count (report.event);
  if (is_news (lock, report.event, self->id, report.owner.place))
    wg_lock_report (&report);
  return FALSE;
}

gboolean
wg_lock_release (WgLock *lock)
{
  WgLockSelf *self = self_get ();

  if (G_UNLIKELY (atomic_load_explicit (&lock->owner, memory_order_relaxed) != self->id))
    return release_foreign (lock, self);
  if (G_UNLIKELY (atomic_load_explicit (&lock->kept, memory_order_relaxed)))
    atomic_store (&lock->kept, 0); /* or the next owner would pass for kept until it has its turn */
  atomic_store_explicit (&lock->owner, 0, memory_order_relaxed);
  wg_robust_unlock (&lock->robust); /* cannot fail: the mutex is ours */
  if (--self->held == 0 && G_UNLIKELY (self->reports > 0))
    wg_lock_flush_reports ();
  return TRUE;
}

gboolean
wg_lock_get_owner (WgLock *lock, WgLockOwner *owner)
{
  return look (lock, owner) != 0;
}

/* Who else has to do with a lock whose only reference is the caller's. No more than its owner can: nobody
 * but who holds a lock may use it, and take a reference, without having one. */
typedef enum { NOBODY, AN_OWNER, AN_OWNER_BEFORE } Other;

static Other
look_for_others (WgLock *lock)
{
  gboolean referred;

  if (!is_taken (wg_robust_try (&lock->robust)))
    return AN_OWNER;
  /* If it took a reference, then before it let go. Its death stays visible in `owner`: who lets go in the
   * ordinary way leaves 0. */
  referred = atomic_load (&lock->refs) > 1;
  wg_robust_unlock (&lock->robust);
  return referred ? AN_OWNER_BEFORE : NOBODY;
}

/* Nobody else knows the lock any more. */
static void
lock_free (WgLock *lock, WgLockSelf *self)
{
  WgLockReport report = { .tid = wg_lock_tid (self->id) };

  if (look (lock, &report.owner)) {
    report.event = WG_LOCK_EVENT_RECOVERED;
    wg_lock_count (report.event);
    wg_lock_report (&report);
  }
  if (lock->orphan) {
    report.event = WG_LOCK_EVENT_RECLAIMED;
    wg_lock_count (report.event);
    wg_lock_report (&report);
  }
  wg_robust_finish (&lock->robust);
  g_free (lock);
}

/* The caller's reference becomes the list's. */
static void
push_dropped (WgLock *lock)
{
  lock->next = atomic_load (&dropped);
  while (!atomic_compare_exchange_weak (&dropped, &lock->next, lock))
    ;
}

static void
make_orphan (WgLock *lock, WgLockSelf *self)
{
  WgLockReport report = {
    .event = WG_LOCK_EVENT_ORPHANED,
    .tid = wg_lock_tid (self->id),
  };

  look (lock, &report.owner);
  lock->orphan = TRUE;
  wg_lock_count (report.event);
  atomic_fetch_add (&orphans, 1);
  push_dropped (lock);
  wg_lock_report (&report);
}

/* Free the orphans that nobody holds any more. */
static void
reap (WgLockSelf *self)
{
  WgLock *lock = atomic_exchange (&dropped, NULL), *next, *unheld = NULL;

  for (; lock; lock = next) {
    next = lock->next;
    if (look_for_others (lock) == NOBODY) {
      lock->next = unheld;
      unheld = lock;
      atomic_fetch_sub (&orphans, 1);
    } else {
      push_dropped (lock);
    }
  }
  for (; unheld; unheld = next) {
    next = unheld->next;
    lock_free (unheld, self);
  }
}

/* The last reference is not given back but used up, so that there is one who decides. */
static void
drop (WgLock *lock, WgLockSelf *self)
{
  unsigned refs = atomic_load (&lock->refs);

  for (;;) {
    if (refs > 1) {
      if (atomic_compare_exchange_weak (&lock->refs, &refs, refs - 1))
        return;
      continue;
    }
    switch (look_for_others (lock)) {
    case NOBODY:
      lock_free (lock, self);
      return;
    case AN_OWNER:
      make_orphan (lock, self);
      return;
    case AN_OWNER_BEFORE:
      refs = atomic_load (&lock->refs);
    }
  }
}

WgLock *
wg_lock_new (const gchar *name)
{
  WgLock *lock = g_new0 (WgLock, 1);

  wg_lock_bound_ms (); /* a bad value is reported now, not under somebody's lock */
  lock->name = name;
  atomic_init (&lock->refs, 1);
  wg_robust_init (&lock->robust);
  if (atomic_load (&orphans) > 0)
    reap (self_get ());
  return lock;
}

WgLock *
wg_lock_ref (WgLock *lock)
{
  atomic_fetch_add (&lock->refs, 1);
  return lock;
}

void
wg_lock_unref (WgLock *lock)
{
  WgLockSelf *self = self_get ();

  if (lock)
    drop (lock, self);
  if (atomic_load (&orphans) > 0)
    reap (self);
}
