/* SPDX-License-Identifier: MIT
 *
 * What went wrong with locks: numbers at once, lines as soon as the calling thread holds no lock.
 */
#include <wolf-guard/log.h>

#include "lock-private.h"
#include "portable.h"

#include <stdatomic.h>

#define PENDING_MAX                                                                                \
  8 /* reports; more than one or two under a single lock are one mistake repeated */

typedef struct {
  WgLockReport reports[PENDING_MAX]; /* the first wg_lock_self.reports of them */
  guint dropped;                     /* for lack of room */
  gboolean flushing;                 /* the host's log function is on the stack */
} Pending;

_Thread_local WgLockSelf wg_lock_self;
static _Thread_local Pending pending;
static atomic_ullong counts[WG_LOCK_EVENTS];

void
wg_lock_self_init (WgLockSelf *self)
{
  static atomic_uint serial;

  self->id = (guint64) (atomic_fetch_add (&serial, 1) + 1) << 32 | (guint32) wg_gettid ();
}

void
wg_lock_count (WgLockEvent event)
{
  atomic_fetch_add_explicit (&counts[event], 1, memory_order_relaxed);
}

void
wg_lock_get_counts (WgLockCounts *to)
{
  unsigned long long reclaimed = atomic_load (&counts[WG_LOCK_EVENT_RECLAIMED]);
  /* In this order, or one that is orphaned and reclaimed meanwhile would make them negative. */
  unsigned long long orphaned = atomic_load (&counts[WG_LOCK_EVENT_ORPHANED]);

  *to = (WgLockCounts){
    .recovered = atomic_load (&counts[WG_LOCK_EVENT_RECOVERED]),
    .timeouts = atomic_load (&counts[WG_LOCK_EVENT_TIMEOUT]),
    .relocks = atomic_load (&counts[WG_LOCK_EVENT_RELOCK]),
    .foreign = atomic_load (&counts[WG_LOCK_EVENT_FOREIGN]),
    .orphaned = orphaned,
    .orphans = (guint) (orphaned - reclaimed),
  };
}

/* "thread 4711 at 'nodes: add'", as far as it is known. */
static char *
owner_text (const WgLockOwner *owner)
{
  if (!owner->tid)
    return g_strdup ("an unknown thread");
  return g_strdup_printf ("thread %d at '%s'", (int) owner->tid, owner->place);
}

static void
say (const WgLockReport *report)
{
  const char *lock = report->owner.lock, *place = report->place;
  int tid = (int) report->tid;
  g_autofree char *owner = owner_text (&report->owner);
  g_autofree char *waited = NULL;

  switch (report->event) {
  case WG_LOCK_EVENT_RECOVERED:
    wg_log (WG_LOG_ERROR, "lock '%s': its owner died with it, %s; taken over by thread %d%s%s%s",
        lock, owner, tid, place ? " at '" : "", place ? place : " to be freed", place ? "'" : "");
    return;
  case WG_LOCK_EVENT_TIMEOUT:
    if (report->owner.since)
      waited = g_strdup_printf (", waited for since %" G_GINT64_FORMAT " ms",
          (g_get_monotonic_time () - report->owner.since) / G_TIME_SPAN_MILLISECOND);
    wg_log (WG_LOG_WARNING,
        "lock '%s': thread %d at '%s' gave up after %" G_GINT64_FORMAT " ms; held by %s%s", lock,
        tid, place, report->ms, owner, waited ? waited : "");
    return;
  case WG_LOCK_EVENT_RELOCK:
    wg_log (WG_LOG_ERROR, "lock '%s': asked for at '%s' by its owner, %s", lock, place, owner);
    return;
  case WG_LOCK_EVENT_FOREIGN:
    wg_log (WG_LOG_ERROR, "lock '%s': thread %d released what it does not hold; held by %s", lock,
        tid, report->owner.tid ? owner : "nobody");
    return;
  case WG_LOCK_EVENT_ORPHANED:
    wg_log (WG_LOG_ERROR,
        "lock '%s': thread %d dropped the last reference while it is held by %s; its memory is "
        "kept "
        "until it is free",
        lock, tid, owner);
    return;
  case WG_LOCK_EVENT_RECLAIMED:
    wg_log (WG_LOG_INFO, "lock '%s': the orphan is free, its memory given back", lock);
    return;
  case WG_LOCK_EVENTS:
    break;
  }
}

void
wg_lock_flush_reports (void)
{
  Pending *mine = &pending;
  WgLockSelf *self = &wg_lock_self;
  guint dropped;

  if (mine->flushing)
    return; /* the log function uses locks of its own: the loop below goes on with what it adds */
  mine->flushing = TRUE;
  while (self->reports > 0) {
    WgLockReport first = mine->reports[0];

    self->reports--;
    for (guint i = 0; i < self->reports; i++)
      mine->reports[i] = mine->reports[i + 1];
    say (&first);
  }
  dropped = mine->dropped;
  mine->dropped = 0;
  mine->flushing = FALSE;
  if (dropped)
    wg_log (WG_LOG_WARNING, "locks: %u more reports of thread %d had no room", dropped,
        (int) wg_lock_tid (self->id));
}

void
wg_lock_report (const WgLockReport *report)
{
  WgLockSelf *self = &wg_lock_self;

  if (self->reports < PENDING_MAX)
    pending.reports[self->reports++] = *report;
  else
    pending.dropped++;
  if (self->held == 0)
    wg_lock_flush_reports ();
}
