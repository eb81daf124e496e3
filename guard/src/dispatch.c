/* SPDX-License-Identifier: MIT */
#include "dispatch-private.h"
#include "settings.h"

#define D wg_dispatch

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init (void)
{
  wg_cond_init (&D.work);
  wg_cond_init (&D.timed);
  wg_cond_init (&D.fewer);
}

WgDispatch *
wg_dispatch_get (const char *name)
{
  WgDispatch *queue = NULL;

  pthread_once (&once, init);
  pthread_mutex_lock (&D.mutex);
  for (GList *l = D.queues.head; l && !queue; l = l->next)
    if (g_str_equal (((WgDispatch *) l->data)->name, name))
      queue = l->data;
  if (!queue) {
    queue = g_new0 (WgDispatch, 1);
    queue->name = g_strdup (name);
    g_queue_init (&queue->items);
    queue->link.data = queue->ready_link.data = queue;
    g_queue_push_tail_link (&D.queues, &queue->link);
  }
  queue->refs++;
  pthread_mutex_unlock (&D.mutex);
  return queue;
}

void
wg_dispatch_unref (WgDispatch *queue)
{
  if (!queue)
    return;
  pthread_mutex_lock (&D.mutex);
  wg_queue_unref (queue);
  pthread_mutex_unlock (&D.mutex);
}

void
wg_dispatch_close (WgDispatch *queue)
{
  GQueue dropped = G_QUEUE_INIT;

  pthread_mutex_lock (&D.mutex);
  if (!queue->closed) {
    queue->closed = TRUE;
    g_queue_unlink (&D.queues, &queue->link);
    wg_items_take_out (queue, &dropped);
  }
  pthread_mutex_unlock (&D.mutex);
  wg_items_free (&dropped);
}

/* With the mutex: 0, or why the post is refused. */
static WgDispatchRefusal
enqueue (WgDispatch *queue, WgItem *item, gint64 now)
{
  if (queue->closed || D.draining)
    return WG_DISPATCH_CLOSED;
  if (queue->items.length >= WG_DISPATCH_QUEUE_MAX)
    return WG_DISPATCH_FULL;
  item->number = ++D.last_number;
  g_queue_push_tail_link (&queue->items, &item->link);
  D.status.queued++;
  if (!wg_dispatch_schedule (queue, now)) {
    wg_item_take_out (item);
    return WG_DISPATCH_NO_THREAD;
  }
  /* Without a monitor no limit is kept and no delay ends. The next post tries again. */
  if (!D.monitor_runs)
    D.monitor_runs = wg_spawn ("wg-dispatch-mon", wg_dispatch_monitor, NULL);
  if (!D.monitor_runs && item->not_before > now) {
    wg_item_take_out (item);
    return WG_DISPATCH_NO_THREAD;
  }
  wg_dispatch_look_at (item->deadline ? item->deadline : G_MAXINT64);
  wg_dispatch_look_at (item->not_before > now ? item->not_before : G_MAXINT64);
  return 0;
}

guint64
wg_dispatch_post (WgDispatch *queue, const WgTask *task, WgDispatchRefusal *why)
{
  gint64 now = wg_clock_now ();
  WgItem *item = g_new0 (WgItem, 1);
  WgDispatchRefusal refusal;
  guint64 number;

  wg_settings (); /* may log when it reads them: not below, under the mutex */
  item->task = *task;
  item->queue = queue;
  item->link.data = item;
  item->not_before = wg_ms_after (now, task->delay_ms);
  item->deadline = task->deadline_ms ? wg_ms_after (now, task->deadline_ms) : 0;
  pthread_mutex_lock (&D.mutex);
  queue->refs++;
  refusal = enqueue (queue, item, now);
  number = refusal ? 0 : item->number; /* it may be gone as soon as the mutex is */
  D.status.posted += !refusal;
  D.status.refused += refusal != 0;
  pthread_mutex_unlock (&D.mutex);
  if (refusal)
    wg_item_free (item);
  if (refusal && why)
    *why = refusal;
  return number;
}

gboolean
wg_dispatch_cancel (WgDispatch *queue, guint64 number)
{
  WgItem *found = NULL;

  pthread_mutex_lock (&D.mutex);
  for (GList *l = queue->items.head; l && !found; l = l->next)
    if (((WgItem *) l->data)->number == number)
      found = l->data;
  if (found) {
    wg_item_take_out (found);
    D.status.cancelled++;
  }
  pthread_mutex_unlock (&D.mutex);
  if (found)
    wg_item_free (found);
  return found != NULL;
}

guint
wg_dispatch_drain (guint limit_ms)
{
  gint64 now = wg_clock_now (), until = wg_ms_after (now, limit_ms);
  GQueue dropped = G_QUEUE_INIT;
  guint left;

  pthread_once (&once, init);
  pthread_mutex_lock (&D.mutex);
  D.draining = TRUE;
  for (GList *l = D.queues.head; l; l = l->next)
    wg_dispatch_schedule (l->data, now);
  while ((D.status.queued > 0 || D.status.running > 0) && wg_clock_now () < until)
    wg_cond_wait_until (&D.fewer, &D.mutex, until);
  for (GList *l = D.queues.head; l; l = l->next)
    wg_items_take_out (l->data, &dropped);
  left = dropped.length + D.status.running + D.status.lost;
  pthread_mutex_unlock (&D.mutex);
  wg_items_free (&dropped);
  return left;
}

void
wg_dispatch_get_status (WgDispatchStatus *to)
{
  guint lost_max = wg_settings ()->dispatch_lost_max;

  pthread_mutex_lock (&D.mutex);
  *to = D.status;
  pthread_mutex_unlock (&D.mutex);
  to->lost_max = lost_max;
  to->failing = to->lost > lost_max;
}
