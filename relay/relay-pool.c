/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-pool.h"

#include "relay-os.h"

#include <gst/gst.h>

#define MAX_QUEUES 8
GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

/* A monitor's look at queues in which work wait. */
#define LOOK_MS 100
/* What makes an work slow: that many services in a row, less one for each quick one. */
#define SLOW_STEP 3
#define SLOW_ENOUGH 12

enum { IDLE, SCHEDULED, RUNNING, RUNNING_AGAIN };

struct RelayQueue {
  RelayObject object;
  _Atomic (RelayWork *) stack; /* newest first */
  _Atomic (RelayWork *) rest;  /* oldest first */
  atomic_uint owner;           /* which worker it is */
  atomic_llong since;          /* see below; 0: it sleeps, and is not woken */
  atomic_bool asleep;
  atomic_bool closed; /* a queue of one work, which is gone */
  gboolean shared;
  sem_t wake;
};

typedef struct {
  RelayQueue *queue;
  guint number; /* of the queue's owners */
  gint64 now;   /* when it woke up, or had served one */
} Worker;

static RelayQueue queues[MAX_QUEUES];
static guint n_queues;
static struct {
  sem_t wake;
  atomic_bool kicked; /* somebody has seen a worker that stalls: it looks at once */
  atomic_bool armed;  /* work wait behind another: it looks after LOOK_MS */
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

/* ---- threads ---- */

static gboolean
start_worker (RelayQueue *queue, guint number)
{
  Worker *worker = g_new0 (Worker, 1);

  worker->queue = relay_ref (queue);
  worker->number = number;
  if (relay_thread_start (run_worker, worker, queue->shared ? "relay" : "relay-own"))
    return TRUE;
  GST_ERROR ("no thread can be started: consumers wait for those that there are");
  g_free (worker);
  relay_unref (queue);
  return FALSE;
}

static void
take_lane_over (RelayQueue *queue, guint number, gint64 since, gint64 now)
{
  guint taken = number + 1;

  atomic_store (&queue->since, -now);
  if (!atomic_compare_exchange_strong (&queue->owner, &number, taken)
      || start_worker (queue, taken))
    return;
  /* It stays with the one that stands still; the next look tries again. */
  atomic_store (&queue->since, since);
  atomic_compare_exchange_strong (&queue->owner, &taken, number);
}

static void
arm_monitor (void)
{
  if (!atomic_load_explicit (&monitor.armed, memory_order_relaxed)
      && !atomic_exchange (&monitor.armed, TRUE))
    sem_post (&monitor.wake);
}

static gboolean
has_waiting (RelayQueue *queue)
{
  return atomic_load (&queue->stack) != NULL || atomic_load (&queue->rest) != NULL;
}

static void
look_at_queues (void)
{
  const gint64 now = relay_now ();

  for (guint i = 0; i < n_queues; i++) {
    const guint number = atomic_load (&queues[i].owner);
    const gint64 since = atomic_load (&queues[i].since);

    if (since == 0 || !has_waiting (&queues[i]))
      continue;
    if (is_missing (since, now))
      take_lane_over (&queues[i], number, since, now);
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

/* ---- queues ---- */

static void
queue_free (gpointer data)
{
  RelayQueue *self = data;

  sem_destroy (&self->wake);
  g_free (self);
}

static void
queue_init (RelayQueue *self, gboolean shared)
{
  relay_object_init (self, queue_free);
  sem_init (&self->wake, 0, 0);
  self->shared = shared;
}

static void
pool_start (void)
{
  static gsize started;

  if (!g_once_init_enter (&started))
    return;
  sem_init (&monitor.wake, 0, 0);
  for (guint i = 0; i < CLAMP (g_get_num_processors (), 1, MAX_QUEUES); i++) {
    queue_init (&queues[i], TRUE);
    atomic_store (&queues[i].since, -relay_now ());
    if (!start_worker (&queues[i], 0))
      break;
    n_queues++;
  }
  relay_thread_start (watch, NULL, "relay-monitor");
  g_once_init_leave (&started, 1);
}

void
relay_pool_place (RelayWork *work, guint serial)
{
  RelayQueue *queue;

  pool_start ();
  queue = atomic_load (&work->queue);
  while (n_queues > 0 && (queue == NULL || queue->shared))
    if (atomic_compare_exchange_strong (&work->queue, &queue, &queues[serial % n_queues]))
      return;
}

void
relay_pool_forget (RelayWork *work)
{
  RelayQueue *queue = atomic_load (&work->queue);

  if (queue == NULL || queue->shared)
    return;
  atomic_store (&queue->closed, TRUE);
  sem_post (&queue->wake);
  relay_unref (queue);
}

static void
queue_push (RelayQueue *queue, RelayWork *work)
{
  RelayWork *top = atomic_load (&queue->stack);

  do {
    work->next = top;
  } while (!atomic_compare_exchange_weak (&queue->stack, &top, work));
  if (!atomic_load (&queue->asleep))
    return;
  /* First, so that the worker is missed if this thread gets no further. */
  atomic_store (&queue->since, -relay_now ());
  if (atomic_exchange (&queue->asleep, FALSE))
    sem_post (&queue->wake);
}

/* FALSE: it will be run once more anyway. */
static gboolean
becomes_scheduled (RelayWork *work)
{
  gint state = atomic_load (&work->state);

  while (state == IDLE || state == RUNNING)
    if (atomic_compare_exchange_weak (
            &work->state, &state, state == IDLE ? SCHEDULED : RUNNING_AGAIN))
      return state == IDLE;
  return FALSE;
}

void
relay_pool_schedule (RelayWork *work, gint64 now)
{
  RelayQueue *queue = atomic_load (&work->queue);
  gint64 since;

  if (queue == NULL)
    return;
  if (becomes_scheduled (work)) {
    relay_ref (work);
    queue_push (queue, work);
  }
  if (!queue->shared)
    return;
  since = atomic_load (&queue->since);
  if (since > 0)
    arm_monitor ();
  if (is_missing (since, now) && !atomic_exchange (&monitor.kicked, TRUE))
    sem_post (&monitor.wake);
}

/* ---- workers ---- */

static RelayWork *
queue_pop (RelayQueue *queue)
{
  RelayWork *chain = atomic_exchange (&queue->rest, NULL);
  RelayWork *first, *nothing = NULL;

  if (chain == NULL) {
    RelayWork *newest = atomic_exchange (&queue->stack, NULL);
    while (newest != NULL) {
      RelayWork *next = newest->next;
      newest->next = chain;
      chain = newest;
      newest = next;
    }
  }
  if (chain == NULL)
    return NULL;
  first = chain;
  chain = first->next;
  if (chain != NULL && !atomic_compare_exchange_strong (&queue->rest, &nothing, chain)) {
    /* Another worker has the queue now: these are scheduled again. */
    while (chain != NULL) {
      RelayWork *next = chain->next;
      queue_push (queue, chain);
      chain = next;
    }
  }
  return first;
}

static gboolean
is_mine (const Worker *self)
{
  return atomic_load (&self->queue->owner) == self->number;
}

static void
sleep_until_scheduled (Worker *self)
{
  RelayQueue *queue = self->queue;

  atomic_store (&queue->since, 0);
  atomic_store (&queue->asleep, TRUE);
  if (has_waiting (queue) || atomic_load (&queue->closed)) {
    /* A thread that has taken the mark away meanwhile has posted. */
    if (atomic_exchange (&queue->asleep, FALSE)) {
      atomic_store (&queue->since, self->now);
      return;
    }
  }
  relay_sem_wait (&queue->wake);
  self->now = relay_now ();
}

static gboolean
is_slow (RelayWork *work, guint done, gint64 took)
{
  const gboolean slow = took > (gint64) MAX (done, 1) * RELAY_SLOW_US * 1000;

  work->slowness = CLAMP (work->slowness + (slow ? SLOW_STEP : -1), 0, SLOW_ENOUGH);
  return work->slowness == SLOW_ENOUGH;
}

/* With a worker of its own, or with this one, which then leaves its queue. */
static void
give_own_queue (Worker *self, RelayWork *work, gboolean goes_along)
{
  RelayQueue *queue = g_new0 (RelayQueue, 1);

  queue_init (queue, FALSE);
  if (!atomic_load (&work->queue)->shared || (!goes_along && !start_worker (queue, 0))) {
    relay_unref (queue);
    return;
  }
  atomic_store (&work->queue, queue);
  if (goes_along) {
    relay_unref (self->queue);
    self->queue = relay_ref (queue);
    self->number = 0;
  }
}

static void
run (Worker *self, RelayWork *work)
{
  RelayQueue *queue = self->queue;
  const gint64 begin = self->now;
  gint running = RUNNING;
  gboolean more = FALSE;

  atomic_store (&queue->since, begin);
  if (queue->shared && has_waiting (queue))
    arm_monitor ();
  atomic_store (&work->state, RUNNING);
  const guint done = work->run (work, &more);
  self->now = relay_now ();
  if (queue->shared) {
    const gboolean lost = !is_mine (self);
    if (is_slow (work, done, self->now - begin) || lost)
      give_own_queue (self, work, lost);
  }
  if (more || !atomic_compare_exchange_strong (&work->state, &running, IDLE)) {
    atomic_store (&work->state, SCHEDULED);
    queue_push (atomic_load (&work->queue), work);
    return;
  }
  relay_unref (work);
}

static void *
run_worker (void *data)
{
  Worker *self = data;

  self->now = relay_now ();
  while (is_mine (self)) {
    RelayWork *work = queue_pop (self->queue);

    if (work != NULL)
      run (self, work);
    else if (atomic_load (&self->queue->closed))
      break;
    else
      sleep_until_scheduled (self);
  }
  /* It may have been woken instead of the worker that has the queue now. */
  sem_post (&self->queue->wake);
  relay_unref (self->queue);
  g_free (self);
  return NULL;
}
