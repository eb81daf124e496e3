/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "relay-pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define MAX_LANES 8
/* A keeper's look at lanes in which inboxes wait. */
#define LOOK_MS 100
/* What makes an inbox slow: that many services in a row, less one for each quick one. */
#define SLOW_STEP 3
#define SLOW_ENOUGH 12

struct RelayLane {
  RelayObject object;
  _Atomic (RelayInbox *) stack; /* newest first */
  _Atomic (RelayInbox *) rest;  /* oldest first */
  atomic_uint owner;            /* which worker it is */
  atomic_llong since;           /* the worker serves an inbox since; 0: none */
  atomic_bool asleep;
  atomic_bool closed; /* a lane of one inbox, which is gone */
  gboolean shared;
  sem_t wake;
};

typedef struct {
  RelayLane *lane;
  guint number;
} Worker;

static RelayLane lanes[MAX_LANES];
static guint n_lanes;
static struct {
  sem_t wake;
  atomic_bool kicked; /* somebody has seen a worker that stalls */
  atomic_bool armed;  /* inboxes wait behind another */
} keeper;

static void *work (void *data);

/* ---- threads ---- */

static void
start_thread (void *(*run) (void *), void *data, const char *name)
{
  pthread_attr_t attributes;
  pthread_t thread;

  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  /* No thread: whoever waits, waits for the next attempt. There is nothing better to be done. */
  if (pthread_create (&thread, &attributes, run, data) == 0)
    pthread_setname_np (thread, name);
  pthread_attr_destroy (&attributes);
}

static void
start_worker (RelayLane *lane, guint number)
{
  Worker *worker = g_new0 (Worker, 1);

  worker->lane = relay_ref (lane);
  worker->number = number;
  start_thread (work, worker, lane->shared ? "relay" : "relay-own");
}

static void
take_lane_over (RelayLane *lane, guint number)
{
  atomic_store (&lane->since, 0);
  if (atomic_compare_exchange_strong (&lane->owner, &number, number + 1))
    start_worker (lane, number + 1);
}

static void
arm_keeper (void)
{
  if (!atomic_load_explicit (&keeper.armed, memory_order_relaxed)
      && !atomic_exchange (&keeper.armed, TRUE))
    sem_post (&keeper.wake);
}

static gboolean
has_waiting (RelayLane *lane)
{
  return atomic_load (&lane->stack) != NULL || atomic_load (&lane->rest) != NULL;
}

static void
look_at_lanes (void)
{
  const gint64 now = relay_now ();

  for (guint i = 0; i < n_lanes; i++) {
    const guint number = atomic_load (&lanes[i].owner);
    const gint64 since = atomic_load (&lanes[i].since);

    if (since == 0 || !has_waiting (&lanes[i]))
      continue;
    if (now - since > RELAY_STALL_MS * GST_MSECOND)
      take_lane_over (&lanes[i], number);
    else
      atomic_store (&keeper.armed, TRUE);
  }
}

static void *
keep (void *unused)
{
  (void) unused;
  for (;;) {
    struct timespec until;

    clock_gettime (CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    if (atomic_exchange (&keeper.armed, FALSE))
      sem_clockwait (&keeper.wake, CLOCK_MONOTONIC, &until);
    else
      sem_wait (&keeper.wake);
    atomic_store (&keeper.kicked, FALSE);
    look_at_lanes ();
  }
  return NULL;
}

/* ---- lanes ---- */

static void
lane_free (gpointer data)
{
  RelayLane *self = data;

  sem_destroy (&self->wake);
  g_free (self);
}

static void
lane_init (RelayLane *self, gboolean shared)
{
  relay_object_init (self, lane_free);
  sem_init (&self->wake, 0, 0);
  self->shared = shared;
}

static void
pool_start (void)
{
  static gsize started;

  if (!g_once_init_enter (&started))
    return;
  n_lanes = CLAMP (g_get_num_processors (), 1, MAX_LANES);
  sem_init (&keeper.wake, 0, 0);
  for (guint i = 0; i < n_lanes; i++) {
    lane_init (&lanes[i], TRUE);
    start_worker (&lanes[i], 0);
  }
  start_thread (keep, NULL, "relay-keeper");
  g_once_init_leave (&started, 1);
}

void
relay_pool_place (RelayInbox *inbox, guint serial)
{
  RelayLane *lane;

  pool_start ();
  lane = atomic_load (&inbox->lane);
  while (lane == NULL || lane->shared)
    if (atomic_compare_exchange_strong (&inbox->lane, &lane, &lanes[serial % n_lanes]))
      return;
}

void
relay_pool_forget (RelayInbox *inbox)
{
  RelayLane *lane = atomic_load (&inbox->lane);

  if (lane == NULL || lane->shared)
    return;
  atomic_store (&lane->closed, TRUE);
  sem_post (&lane->wake);
  relay_unref (lane);
}

static void
lane_push (RelayLane *lane, RelayInbox *inbox)
{
  RelayInbox *top = atomic_load (&lane->stack);

  do {
    inbox->next = top;
  } while (!atomic_compare_exchange_weak (&lane->stack, &top, inbox));
  if (atomic_load (&lane->asleep) && atomic_exchange (&lane->asleep, FALSE))
    sem_post (&lane->wake);
}

void
relay_pool_call (RelayInbox *inbox, gint64 now)
{
  RelayLane *lane = atomic_load (&inbox->lane);
  gint64 since;

  if (lane == NULL || !atomic_load (&inbox->open))
    return;
  if (!atomic_load (&inbox->due) && !atomic_exchange (&inbox->due, TRUE)) {
    relay_ref (inbox);
    lane_push (lane, inbox);
  }
  if (!lane->shared)
    return;
  since = atomic_load (&lane->since);
  if (since == 0)
    return;
  arm_keeper ();
  if (now - since > RELAY_STALL_MS * GST_MSECOND && !atomic_exchange (&keeper.kicked, TRUE))
    sem_post (&keeper.wake);
}

/* ---- workers ---- */

static RelayInbox *
lane_pop (RelayLane *lane)
{
  RelayInbox *chain = atomic_exchange (&lane->rest, NULL);
  RelayInbox *first, *nothing = NULL;

  if (chain == NULL) {
    RelayInbox *newest = atomic_exchange (&lane->stack, NULL);
    while (newest != NULL) {
      RelayInbox *next = newest->next;
      newest->next = chain;
      chain = newest;
      newest = next;
    }
  }
  if (chain == NULL)
    return NULL;
  first = chain;
  chain = first->next;
  if (chain != NULL && !atomic_compare_exchange_strong (&lane->rest, &nothing, chain)) {
    /* Another worker has the lane now: these are as good as called again. */
    while (chain != NULL) {
      RelayInbox *next = chain->next;
      lane_push (lane, chain);
      chain = next;
    }
  }
  return first;
}

static gboolean
is_mine (RelayLane *lane, guint number)
{
  return atomic_load (&lane->owner) == number;
}

static void
sleep_until_called (RelayLane *lane)
{
  atomic_store (&lane->asleep, TRUE);
  if (has_waiting (lane) || atomic_load (&lane->closed)) {
    /* Who has taken the mark away meanwhile has posted. */
    if (atomic_exchange (&lane->asleep, FALSE))
      return;
  }
  while (sem_wait (&lane->wake) == -1 && errno == EINTR)
    ;
}

static gboolean
is_slow (RelayInbox *inbox, guint64 delivered, gint64 took)
{
  const gboolean slow = took > (gint64) MAX (delivered, 1) * RELAY_SLOW_US * 1000;

  inbox->slowness = CLAMP (inbox->slowness + (slow ? SLOW_STEP : -1), 0, SLOW_ENOUGH);
  return inbox->slowness == SLOW_ENOUGH;
}

/* Serves one. Returns the lane that the worker has to go on with, which is not its own if it has lost
 * that: (transfer full)(nullable) */
static RelayLane *
serve (RelayLane *lane, guint *number, RelayInbox *inbox)
{
  const guint64 before = atomic_load (&inbox->stats.delivered);
  const gint64 begin = relay_now ();
  RelayLane *next = NULL;
  gboolean more, own, lost;

  atomic_store (&lane->since, begin);
  if (lane->shared && has_waiting (lane))
    arm_keeper ();
  more = inbox->serve (inbox, inbox->user_data);
  lost = !is_mine (lane, *number);
  if (!lost)
    atomic_store (&lane->since, 0);
  own = lane->shared
      && (is_slow (inbox, atomic_load (&inbox->stats.delivered) - before, relay_now () - begin)
          || lost);
  if (own && atomic_load (&inbox->lane)->shared) {
    RelayLane *its = g_new0 (RelayLane, 1);
    lane_init (its, FALSE);
    relay_ref (its);
    atomic_store (&inbox->lane, its);
    if (lost) {
      next = its;
      *number = 0;
    } else {
      start_worker (its, 0);
      relay_unref (its);
    }
  }
  if (more) {
    lane_push (atomic_load (&inbox->lane), inbox);
    return next;
  }
  atomic_store (&inbox->due, FALSE);
  if (!relay_inbox_is_empty (inbox))
    relay_inbox_call (inbox);
  relay_unref (inbox);
  return next;
}

static void *
work (void *data)
{
  Worker *worker = data;
  RelayLane *lane = worker->lane;
  guint number = worker->number;

  g_free (worker);
  while (is_mine (lane, number)) {
    RelayInbox *inbox = lane_pop (lane);

    if (inbox != NULL) {
      RelayLane *next = serve (lane, &number, inbox);
      if (next != NULL) {
        relay_unref (lane);
        lane = next;
      }
    } else if (atomic_load (&lane->closed)) {
      break;
    } else {
      sleep_until_called (lane);
    }
  }
  relay_unref (lane);
  return NULL;
}
