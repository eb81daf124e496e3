/* SPDX-License-Identifier: MIT */
#include "dispatch-private.h"
#include "settings.h"

#include <wolf-guard/log.h>

#define RETRY_MS 1000 /* for a thread, when the system had none to give */
#define D wg_dispatch

static void
report_loss (const char *what, const char *queue, gint64 age, guint lost)
{
  guint max = wg_settings ()->dispatch_lost_max;

  wg_log (WG_LOG_ERROR,
      "dispatch: '%s' of queue '%s' runs for " WG_SECONDS_FORMAT
      " s; its thread is written off (%u of %u)",
      what, queue, WG_SECONDS (age), lost, max);
  if (lost > max)
    wg_log (WG_LOG_ERROR,
        "FAILING: %u threads of the dispatcher are lost, WOLF_GUARD_DISPATCH_LOST_MAX is %u; "
        "restart this process when its players allow",
        lost, max);
}

/* With the mutex: the first task that is over its limit; lowers `next` to when one will be. */
static WgItem *
find_overdue (gint64 now, gint64 *next)
{
  for (GList *l = D.runs.head; l; l = l->next) {
    WgItem *item = l->data;

    if (item->lost)
      continue;
    if (wg_item_limit (item) <= now)
      return item;
    *next = MIN (*next, wg_item_limit (item));
  }
  return NULL;
}

/* With the mutex, which is given up meanwhile. */
static void
write_off (WgItem *item, gint64 now)
{
  g_autofree char *queue = g_strdup (item->queue->name);
  const char *what = item->task.what;
  gint64 age = now - item->began;
  guint lost;

  item->lost = TRUE;
  item->queue->running = FALSE;
  D.status.threads--;
  D.status.running--;
  D.status.written_off++;
  lost = ++D.status.lost;
  wg_dispatch_schedule (item->queue, now);
  pthread_cond_broadcast (&D.fewer);
  pthread_mutex_unlock (&D.mutex);
  report_loss (what, queue, age, lost);
  pthread_mutex_lock (&D.mutex);
}

/* With the mutex: move items past their deadline to `late`, make the queue ready when a delay is
 * over. */
static void
look_at_items (WgDispatch *queue, gint64 now, gint64 *next, GQueue *late)
{
  for (GList *l = queue->items.head, *following; l; l = following) {
    WgItem *item = l->data;

    following = l->next;
    if (item->deadline && item->deadline <= now) {
      wg_item_take_out (item);
      D.status.dropped_late++;
      g_queue_push_tail_link (late, &item->link);
      continue;
    }
    if (item->deadline)
      *next = MIN (*next, item->deadline);
    if (item->not_before > now)
      *next = MIN (*next, item->not_before);
  }
  if (!wg_dispatch_schedule (queue, now))
    *next = MIN (*next, wg_ms_after (now, RETRY_MS));
}

/* With the mutex, which may be given up meanwhile. Returns when to look again. */
static gint64
do_what_is_due (gint64 now)
{
  gint64 next = G_MAXINT64;
  GQueue late = G_QUEUE_INIT;
  WgItem *overdue = find_overdue (now, &next);

  if (overdue) {
    write_off (overdue, now);
    return now;
  }
  for (GList *l = D.queues.head; l; l = l->next)
    look_at_items (l->data, now, &next, &late);
  if (g_queue_is_empty (&late))
    return next;
  pthread_mutex_unlock (&D.mutex);
  wg_items_free (&late);
  pthread_mutex_lock (&D.mutex);
  return now;
}

void *
wg_dispatch_monitor (void *unused)
{
  gint64 idle_until = wg_ms_after (wg_clock_now (), WG_DISPATCH_IDLE_MS);

  pthread_mutex_lock (&D.mutex);
  for (;;) {
    gint64 now = wg_clock_now (), next;

    D.monitor_until = G_MAXINT64;
    next = do_what_is_due (now);
    if (D.status.queued > 0 || D.status.running > 0)
      idle_until = wg_ms_after (now, WG_DISPATCH_IDLE_MS);
    else if (now >= idle_until)
      break;
    else
      next = MIN (next, idle_until);
    D.monitor_until = MIN (D.monitor_until, next);
    if (D.monitor_until > now)
      wg_cond_wait_until (&D.timed, &D.mutex, D.monitor_until);
  }
  D.monitor_runs = FALSE;
  pthread_mutex_unlock (&D.mutex);
  return unused;
}
