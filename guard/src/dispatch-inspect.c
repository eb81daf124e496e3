/* SPDX-License-Identifier: MIT */
#include "books.h"
#include "dispatch-private.h"
#include "settings.h"

#define D wg_dispatch

static void
read_queue (WgQueueBook *book, const WgDispatch *queue)
{
  *book = (WgQueueBook){ .length = queue->items.length, .running = queue->running };
  g_strlcpy (book->name, queue->name, sizeof book->name);
}

static void
read_task (WgTaskBook *book, const WgItem *item)
{
  *book = (WgTaskBook){ .began = item->began, .lost = item->lost };
  g_strlcpy (book->what, item->task.what, sizeof book->what);
  g_strlcpy (book->queue, item->queue->name, sizeof book->queue);
}

gboolean
wg_dispatch_read (WgQueueBook *queues, guint queues_max, WgTaskBook *tasks, guint tasks_max,
    WgDispatchCounts *counts, gint64 until)
{
  guint lost_max = wg_settings ()->dispatch_lost_max;

  if (!wg_mutex_try_until (&D.mutex, until))
    return FALSE;
  *counts = (WgDispatchCounts){ .status = D.status };
  for (GList *l = D.queues.head; l && counts->queues < queues_max; l = l->next)
    if (((WgDispatch *) l->data)->items.length > 0)
      read_queue (&queues[counts->queues++], l->data);
  for (GList *l = D.runs.head; l && counts->tasks < tasks_max; l = l->next)
    read_task (&tasks[counts->tasks++], l->data);
  pthread_mutex_unlock (&D.mutex);
  counts->status.lost_max = lost_max;
  counts->status.failing = counts->status.lost > lost_max;
  return TRUE;
}
