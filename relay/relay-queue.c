/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-queue.h"

#include "relay-os.h"

#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

/* The monitor's look at queues in which work waits. */
#define LOOK_MS 50
struct RelayQueue {
  RelayObject object;
  _Atomic (RelayTask *) stack; /* newest first */
  _Atomic (RelayTask *) rest;  /* oldest first */
  atomic_uint owner;           /* which worker has it */
  atomic_llong since;          /* see below */
  atomic_bool asleep;
  atomic_int users; /* 0: its worker ends */
  atomic_bool started;
  sem_t wake;
};

struct RelayWorker {
  RelayQueue *queue;
  guint number; /* of the queue's owners */
  gint64 now;   /* when it woke up, or had run something */
};

static RelaySlot queues; /* those that have a worker */
static struct {
  sem_t wake;
  atomic_bool started;
  atomic_bool kicked; /* a worker stalls: it looks at once */
  atomic_bool armed;  /* work waits behind other work: it looks after LOOK_MS */
} monitor;

static void *run_worker (void *data);

/* ---- what a worker is at ----
 *
 * `since` is the time at which the worker began its run. It stays so until the next run or until
 * the worker sleeps, so there is no call in between in which the worker could stay away unnoticed.
 * Less than 0: it was woken then, and has not come yet. 0: it sleeps, and nothing has woken it. */

static gboolean
is_missing (gint64 since, gint64 now)
{
  if (since < 0)
    return now + since > RELAY_LATE_MS * GST_MSECOND;
  return since > 0 && now - since > RELAY_STALL_MS * GST_MSECOND;
}

static gboolean
has_waiting (RelayQueue *queue)
{
  return atomic_load (&queue->stack) != NULL || atomic_load (&queue->rest) != NULL;
}

/* ---- workers come and go ---- */

static gboolean
start_worker (RelayQueue *queue, guint number)
{
  RelayWorker *worker = g_new0 (RelayWorker, 1);

  worker->queue = relay_ref (queue);
  worker->number = number;
  if (relay_thread_start (run_worker, worker, "relay"))
    return TRUE;
  GST_ERROR ("no thread can be started: consumers wait for those that there are");
  g_free (worker);
  relay_unref (queue);
  return FALSE;
}

static void
take_queue_over (RelayQueue *queue, guint number, gint64 since, gint64 now)
{
  guint taken = number + 1;

  atomic_store (&queue->since, -now);
  if (!atomic_compare_exchange_strong (&queue->owner, &number, taken)
      || start_worker (queue, taken))
    return;
  /* It stays with the worker that stands still; the next look tries again. */
  atomic_store (&queue->since, since);
  atomic_compare_exchange_strong (&queue->owner, &taken, number);
}

/* ---- the monitor ---- */

static void
arm_monitor (void)
{
  if (!atomic_load_explicit (&monitor.armed, memory_order_relaxed)
      && !atomic_exchange (&monitor.armed, TRUE))
    sem_post (&monitor.wake);
}

static void
look_at_queues (void)
{
  const gint64 now = relay_now ();
  g_autoptr (RelayList) list = relay_slot_get (&queues);

  for (guint i = 0; list != NULL && i < list->len; i++) {
    RelayQueue *queue = list->members[i];
    const guint number = atomic_load (&queue->owner);
    const gint64 since = atomic_load (&queue->since);

    if (since == 0 || !has_waiting (queue))
      continue;
    if (is_missing (since, now))
      take_queue_over (queue, number, since, now);
    else
      atomic_store (&monitor.armed, TRUE);
  }
}

static void *
watch (void *unused)
{
  (void) unused;
  for (;;) {
    relay_sem_wait (&monitor.wake);
    do {
      if (!atomic_load (&monitor.kicked))
        relay_sem_wait_for (&monitor.wake, LOOK_MS);
      atomic_store (&monitor.kicked, FALSE);
      /* In this order: what comes to wait after the look arms it anew. */
      atomic_store (&monitor.armed, FALSE);
      look_at_queues ();
    } while (atomic_load (&monitor.armed));
  }
  return NULL;
}

void
relay_queue_check (RelayQueue *queue, gint64 now)
{
  if (is_missing (atomic_load (&queue->since), now) && has_waiting (queue)
      && !atomic_exchange (&monitor.kicked, TRUE))
    sem_post (&monitor.wake);
}

/* ---- queues ---- */

static void
queue_free (gpointer data)
{
  RelayQueue *self = data;

  sem_destroy (&self->wake);
  g_free (self);
}

RelayQueue *
relay_queue_new (void)
{
  RelayQueue *self = g_new0 (RelayQueue, 1);

  relay_object_init (self, queue_free);
  atomic_init (&self->users, 1);
  sem_init (&self->wake, 0, 0);
  return self;
}

/* Without it no worker may begin: one that stalls would keep its queue. */
static gboolean
start_monitor (void)
{
  static gsize prepared;

  if (g_once_init_enter (&prepared)) {
    sem_init (&monitor.wake, 0, 0);
    g_once_init_leave (&prepared, 1);
  }
  if (atomic_exchange (&monitor.started, TRUE) || relay_thread_start (watch, NULL, "relay-monitor"))
    return TRUE;
  atomic_store (&monitor.started, FALSE);
  return FALSE;
}

static gboolean
is_same (gpointer member, gconstpointer data)
{
  return member == data;
}

void
relay_queue_leave (RelayQueue *self)
{
  if (self == NULL)
    return;
  if (atomic_fetch_sub (&self->users, 1) == 1) {
    relay_list_change (&queues, is_same, self, NULL);
    sem_post (&self->wake);
  }
  relay_unref (self);
}

gboolean
relay_queue_join (RelayQueue *self)
{
  gint users = atomic_load (&self->users);

  do
    if (users == 0)
      return FALSE;
  while (!atomic_compare_exchange_weak (&self->users, &users, users + 1));
  relay_ref (self);
  if (atomic_load (&self->started) || atomic_exchange (&self->started, TRUE))
    return TRUE;
  atomic_store (&self->since, -relay_now ());
  relay_list_change (&queues, NULL, NULL, self);
  if (start_monitor () && start_worker (self, 0))
    return TRUE;
  atomic_store (&self->started, FALSE);
  relay_list_change (&queues, is_same, self, NULL);
  relay_queue_leave (self);
  return FALSE;
}

static void
push (RelayQueue *self, RelayTask *task)
{
  RelayTask *top = atomic_load (&self->stack);

  do
    task->next = top;
  while (!atomic_compare_exchange_weak (&self->stack, &top, task));
  if (!atomic_load (&self->asleep)) {
    if (atomic_load (&self->since) > 0)
      arm_monitor ();
    return;
  }
  /* First, so that the worker is missed if this thread gets no further. */
  atomic_store (&self->since, -relay_now ());
  if (atomic_exchange (&self->asleep, FALSE))
    sem_post (&self->wake);
}

void
relay_queue_push (RelayQueue *self, RelayTask *task)
{
  relay_ref (task);
  /* Once it is there, its worker may have it leave the queue, and the queue may end. */
  relay_ref (self);
  push (self, task);
  relay_unref (self);
}

static RelayTask *
pop (RelayQueue *self)
{
  RelayTask *chain = atomic_exchange (&self->rest, NULL);
  RelayTask *first, *nothing = NULL;

  if (chain == NULL) {
    RelayTask *newest = atomic_exchange (&self->stack, NULL);
    while (newest != NULL) {
      RelayTask *next = newest->next;
      newest->next = chain;
      chain = newest;
      newest = next;
    }
  }
  if (chain == NULL)
    return NULL;
  first = chain;
  chain = first->next;
  if (chain != NULL && !atomic_compare_exchange_strong (&self->rest, &nothing, chain)) {
    /* Another worker has the queue now: these are scheduled again. */
    while (chain != NULL) {
      RelayTask *next = chain->next;
      push (self, chain);
      chain = next;
    }
  }
  return first;
}

/* ---- workers ---- */

gboolean
relay_worker_has_queue (const RelayWorker *self)
{
  return atomic_load (&self->queue->owner) == self->number;
}

gint64
relay_worker_began (const RelayWorker *self)
{
  return self->now;
}

gint64
relay_worker_look (RelayWorker *self)
{
  self->now = relay_now ();
  return self->now;
}

static gboolean
has_ended (const RelayWorker *self)
{
  return atomic_load (&self->queue->users) == 0;
}

static void
sleep_until_scheduled (RelayWorker *self)
{
  RelayQueue *queue = self->queue;

  atomic_store (&queue->since, 0);
  atomic_store (&queue->asleep, TRUE);
  if (has_waiting (queue) || has_ended (self)) {
    /* A thread that has taken the mark away meanwhile has posted. */
    if (atomic_exchange (&queue->asleep, FALSE)) {
      atomic_store (&queue->since, self->now);
      return;
    }
  }
  relay_sem_wait (&queue->wake);
  self->now = relay_now ();
}

static void *
run_worker (void *data)
{
  RelayWorker *self = data;

  self->now = relay_now ();
  while (relay_worker_has_queue (self)) {
    RelayTask *task = pop (self->queue);

    if (task != NULL) {
      atomic_store (&self->queue->since, self->now);
      if (has_waiting (self->queue))
        arm_monitor ();
      task->run (task, self);
      relay_unref (task);
    } else if (has_ended (self)) {
      break;
    } else {
      sleep_until_scheduled (self);
    }
  }
  /* It may have been woken instead of the worker that has the queue now. */
  sem_post (&self->queue->wake);
  relay_unref (self->queue);
  g_free (self);
  return NULL;
}
