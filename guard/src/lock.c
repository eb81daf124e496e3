/* SPDX-License-Identifier: MIT
 *
 * The owner is written beside the mutex, in atomics that any thread may read. Only the owner writes
 * them, after it got the mutex and before it gives it back. A thread that finds its own id there
 * holds the lock for certain, since ids are never used twice. A dead owner's id stays until the
 * next one.
 *
 * Once pthread_mutex_unlock() has let go, another thread may free the lock. Nothing here touches it
 * after that, and neither does glibc: it wakes by address, which needs no memory. glibc's bug 14485
 * remains: a thread that is *killed* within a few instructions of the unlock leaves a mark in
 * memory that may be another's by then. It takes a signal handler that ends its thread. User space
 * cannot close it.
 */
#include "lock-private.h"
#include "robust.h"
#include "settings.h"

#include <stdatomic.h>
#include <stdlib.h>

#define LOCK_MS_DEFAULT 500 /* lock.h has the reason */
#define LOCK_MS_MAX 600000  /* ten minutes: a larger number is a mistake of the unit */
/* A wait is cut into pieces of this length, with a look at the lock in between. Seen on a busy
 * machine in 3 of 1,000 runs of 16 threads: a waiter slept to the end of its time limit, while the
 * lock changed hands 100,000 times. A wake-up that is lost costs one piece. */
#define LOOK_AGAIN_US 10000

/* The last report of a kind: the same one is not repeated. Of two threads that report at once, both
 * may do so or one. */
typedef struct {
  _Atomic guint64 id;
  _Atomic (const char *) place;
} Told;

struct WgLock {
  WgRobust robust;
  _Atomic guint64 owner;        /* WgLockSelf.id; 0: nobody, or about to be somebody */
  _Atomic (const char *) place; /* the owner's */
  _Atomic gint64 since;         /* as in WgLockOwner */
  _Atomic guint64 acquisition;  /* grows with each owner, before the rest is written */
  /* 1 + the acquisition for whose end a thread waited the whole time limit in vain. 64 bits: a
   * number that comes round to 0 would look like the 0 that means none. */
  _Atomic guint64 kept;
  atomic_uint refs; /* the hosts', one for each thread that waits, the list's */
  const char *name;
  Told told[WG_LOCK_EVENTS];
  gboolean orphan; /* written before it is in the list */
  WgLock *next;    /* in the list; written by the thread that has taken it out */
};

/* Locks that were dropped while held. Pushed one by one, taken out all at once and put back one by
 * one: no thread waits for another. A thread that ends in between takes along what it had taken
 * out. */
static _Atomic (WgLock *) dropped;
static atomic_uint orphans; /* how many there are, taken out or not */

/* Not in WgSettings: a plugin's copy of guard would warn once more of settings that it has no use
 * for. */
static gint64 timeout_ms;

static void
read_timeout (void)
{
  timeout_ms = wg_settings_parse (
      "WOLF_GUARD_LOCK_MS", getenv ("WOLF_GUARD_LOCK_MS"), 1, LOCK_MS_MAX, LOCK_MS_DEFAULT);
}

gint64
wg_lock_get_timeout_ms (void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, read_timeout);
  return timeout_ms;
}

static inline WgLockSelf *
self_get (void)
{
  WgLockSelf *self = &wg_lock_self;

  /* In a shared module finding it is a call (3 ns), which gcc, thinking it is free, makes again for
   * each use. So it may not know where the pointer came from. */
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

/* The thread that holds the lock, or died with it. Returns its id, 0 for none. */
static guint64
look (WgLock *lock, WgLockOwner *owner)
{
  guint64 acquisition, id;

  /* Each load acquires: a reader that has seen anything of the next acquisition sees its number,
   * too. The id alone would not tell, since the same thread may have come again after another. */
  do {
    acquisition = atomic_load_explicit (&lock->acquisition, memory_order_acquire);
    id = atomic_load_explicit (&lock->owner, memory_order_acquire);
    *owner = (WgLockOwner){
      .lock = lock->name,
      .tid = wg_lock_tid (id),
      .place = atomic_load_explicit (&lock->place, memory_order_acquire),
      .since = atomic_load_explicit (&lock->since, memory_order_acquire),
    };
  } while (atomic_load_explicit (&lock->acquisition, memory_order_relaxed) != acquisition);
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
  guint64 acquisition = atomic_load_explicit (&lock->acquisition, memory_order_relaxed) + 1;

  atomic_store_explicit (&lock->acquisition, acquisition, memory_order_release);
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

/* The owner is being waited for: from now on, unless that is known already. */
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

/* A thread has waited the whole time limit for the end of this very acquisition. That says nothing
 * about `owner`: one that is stuck before it has written there is waited for once, too. */
static gboolean
is_kept (WgLock *lock)
{
  return atomic_load (&lock->kept) == atomic_load (&lock->acquisition) + 1;
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
  guint64 acquisition;
  gint64 now;
  int result;

  if (atomic_load_explicit (&lock->owner, memory_order_relaxed) == self->id)
    return relock (lock, self, place);
  if (ms <= 0)
    return WG_LOCK_TIMEOUT;

  wg_lock_ref (lock); /* its owner may drop it before it comes to us */
  ms = MIN (ms, LOCK_MS_MAX);
  acquisition = atomic_load (&lock->acquisition);
  now = g_get_monotonic_time ();
  note_since (lock, now);
  result = wait_in_pieces (lock, now, now + ms * G_TIME_SPAN_MILLISECOND);
  if (result == 0) {
    hold (lock, self, place);
    outcome = WG_LOCK_OK;
  } else if (result == EOWNERDEAD) {
    outcome = recover (lock, self, place);
  } else {
    if (ms >= wg_lock_get_timeout_ms () && acquisition == atomic_load (&lock->acquisition))
      atomic_store (&lock->kept, acquisition + 1);
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
    wg_lock_count (WG_LOCK_EVENT_TIMEOUT); /* reported by the thread that waited */
    return WG_LOCK_TIMEOUT;
  }
  return acquire_contended (lock, self, place, wg_lock_get_timeout_ms ());
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
    atomic_store (&lock->kept, 0); /* or the next owner would pass for kept at first */
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

/* What else is known of a lock whose only reference is the caller's. Only its owner may still use
 * it, and take a reference, without having one. */
typedef enum { NOBODY, AN_OWNER, AN_OWNER_BEFORE } Other;

static Other
look_for_others (WgLock *lock)
{
  gboolean referred;

  if (!is_taken (wg_robust_try (&lock->robust)))
    return AN_OWNER;
  /* If it took a reference, then before it let go. Its death stays visible in `owner`: an ordinary
   * release leaves 0 there. */
  referred = atomic_load (&lock->refs) > 1;
  wg_robust_unlock (&lock->robust);
  return referred ? AN_OWNER_BEFORE : NOBODY;
}

/* No other thread knows the lock any more. */
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

/* Free the orphans that no thread holds any more. */
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

/* The last reference is not given back but used up, so that one thread decides. */
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

  wg_lock_get_timeout_ms (); /* a bad value is reported now, not under a lock */
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
