/* SPDX-License-Identifier: MIT */
#include "dispatch-private.h"
#include "settings.h"

#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>
#include <wolf-guard/watch.h>

#define D wg_dispatch

WgDispatchState wg_dispatch = { .mutex = PTHREAD_MUTEX_INITIALIZER };

gint64
wg_ms_after (gint64 time, guint ms)
{
  return time + (gint64) ms * G_TIME_SPAN_MILLISECOND;
}

/* With the mutex: have the monitor look at `at`. */
void
wg_dispatch_look_at (gint64 at)
{
  if (at >= D.monitor_until)
    return;
  D.monitor_until = at;
  pthread_cond_signal (&D.timed);
}

/* --- items and queues */

/* With the mutex. */
void
wg_queue_unref (WgDispatch *queue)
{
  if (--queue->refs)
    return;
  if (queue->is_ready)
    g_queue_unlink (&D.ready, &queue->ready_link);
  if (!queue->closed)
    g_queue_unlink (&D.queues, &queue->link);
  g_free (queue->name);
  g_free (queue);
}

/* Without the mutex. */
void
wg_item_free (WgItem *item)
{
  if (item->task.notify)
    item->task.notify (item->task.data);
  pthread_mutex_lock (&D.mutex);
  wg_queue_unref (item->queue);
  pthread_mutex_unlock (&D.mutex);
  g_free (item);
}

/* Without the mutex. */
void
wg_items_free (GQueue *items)
{
  GList *link;

  while ((link = g_queue_pop_head_link (items)))
    wg_item_free (link->data);
}

/* With the mutex. */
void
wg_item_take_out (WgItem *item)
{
  g_queue_unlink (&item->queue->items, &item->link);
  D.status.queued--;
  pthread_cond_broadcast (&D.fewer);
}

/* With the mutex: take all items of `queue` out, to the end of `dropped`. */
void
wg_items_take_out (WgDispatch *queue, GQueue *dropped)
{
  while (!g_queue_is_empty (&queue->items)) {
    WgItem *item = queue->items.head->data;

    wg_item_take_out (item);
    D.status.dropped_closed++;
    g_queue_push_tail_link (dropped, &item->link);
  }
}

/* With the mutex. An item past its deadline is the monitor's to drop. */
static gboolean
may_begin (const WgItem *item, gint64 now)
{
  return (D.draining || item->not_before <= now) && (!item->deadline || item->deadline > now);
}

/* With the mutex: the first item that may begin now. */
static WgItem *
first_due (WgDispatch *queue, gint64 now)
{
  for (GList *l = queue->items.head; l; l = l->next)
    if (may_begin (l->data, now))
      return l->data;
  return NULL;
}

static void *pool_thread (void *unused);

/* With the mutex: wake or make a thread, if a queue waits for one. FALSE: there is none at all. */
static gboolean
ensure_thread (void)
{
  const WgSettings *settings = wg_settings ();
  guint not_replaced = D.status.lost - MIN (D.status.lost, settings->dispatch_lost_max);

  if (D.status.idle < D.ready.length && D.status.threads + not_replaced < settings->dispatch_threads
      && wg_spawn ("wg-dispatch", pool_thread, NULL))
    D.status.threads++;
  pthread_cond_signal (&D.work);
  return D.status.threads > 0;
}

/* With the mutex: put the queue where the pool finds it, if it has something to do. FALSE: it has,
 * and there is no thread. */
gboolean
wg_dispatch_schedule (WgDispatch *queue, gint64 now)
{
  if (!queue->is_ready && !queue->running && first_due (queue, now)) {
    queue->is_ready = TRUE;
    g_queue_push_tail_link (&D.ready, &queue->ready_link);
  }
  return !queue->is_ready || ensure_thread ();
}

/* --- threads of the pool */

gint64
wg_item_limit (const WgItem *item)
{
  return wg_ms_after (
      item->began, item->task.limit_ms ? item->task.limit_ms : WG_DISPATCH_LIMIT_MS);
}

/* With the mutex: mark the queue's first item as running. */
static WgItem *
begin (WgDispatch *queue)
{
  gint64 now = wg_clock_now ();
  WgItem *item = first_due (queue, now);

  if (!item) /* cancelled, closed or dropped meanwhile */
    return NULL;
  wg_item_take_out (item);
  item->began = now;
  queue->running = TRUE;
  D.status.running++;
  g_queue_push_tail_link (&D.runs, &item->link);
  wg_dispatch_look_at (wg_item_limit (item));
  return item;
}

/* Without the mutex. FALSE: this thread has been written off meanwhile. */
static gboolean
run (WgItem *item)
{
  gboolean lost;
  gint64 now;

  /* The dispatcher itself looks after the limit. */
  wg_watch_begin_allowing (item->task.what, (guint) (wg_item_limit (item) - item->began) / 1000);
  item->task.func (item->task.data);
  wg_watch_end ();

  now = wg_clock_now ();
  pthread_mutex_lock (&D.mutex);
  g_queue_unlink (&D.runs, &item->link);
  lost = item->lost;
  D.status.ran++;
  if (lost) {
    D.status.lost--;
    D.status.recovered++;
  } else {
    D.status.running--;
    item->queue->running = FALSE;
    wg_dispatch_schedule (item->queue, now);
  }
  pthread_cond_broadcast (&D.fewer);
  pthread_mutex_unlock (&D.mutex);
  if (lost)
    wg_log (WG_LOG_INFO,
        "dispatch: '%s' of queue '%s' returned after " WG_SECONDS_FORMAT
        " s; its thread was written off and ends",
        item->task.what, item->queue->name, WG_SECONDS (now - item->began));
  wg_item_free (item);
  return !lost;
}

static void *
pool_thread (void *unused)
{
  gint64 until = wg_ms_after (wg_clock_now (), WG_DISPATCH_IDLE_MS);
  gboolean mine = TRUE;

  wg_thread_enter ("dispatch", "", "");
  pthread_mutex_lock (&D.mutex);
  while (mine) {
    GList *link = g_queue_pop_head_link (&D.ready);

    if (link) {
      WgDispatch *queue = link->data;
      WgItem *item;

      queue->is_ready = FALSE;
      item = begin (queue);
      if (item) {
        pthread_mutex_unlock (&D.mutex);
        mine = run (item);
        pthread_mutex_lock (&D.mutex);
      }
      until = wg_ms_after (wg_clock_now (), WG_DISPATCH_IDLE_MS);
    } else if (wg_clock_now () < until) {
      D.status.idle++;
      wg_cond_wait_until (&D.work, &D.mutex, until);
      D.status.idle--;
    } else {
      break;
    }
  }
  D.status.threads -= mine; /* else the monitor took it off */
  pthread_mutex_unlock (&D.mutex);
  wg_thread_leave ();
  return unused;
}
