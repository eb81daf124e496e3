/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "relay-pool.h"

#include <errno.h>
#include <gst/gst.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define MAX_LANES 8
GST_DEBUG_CATEGORY_EXTERN (relay_src_debug);
#define GST_CAT_DEFAULT relay_src_debug

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

static gboolean
start_thread (void *(*run) (void *), void *data, const char *name)
{
  pthread_attr_t attributes;
  pthread_t thread;
  gboolean started;

  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  started = pthread_create (&thread, &attributes, run, data) == 0;
  pthread_attr_destroy (&attributes);
  if (started)
    pthread_setname_np (thread, name);
  else
    GST_ERROR ("no thread can be started: consumers wait for those that there are");
  return started;
}

static gboolean
start_worker (RelayLane *lane, guint number)
{
  Worker *worker = g_new0 (Worker, 1);

  worker->lane = relay_ref (lane);
  worker->number = number;
  if (start_thread (work, worker, lane->shared ? "relay" : "relay-own"))
    return TRUE;
  g_free (worker);
  relay_unref (lane);
  return FALSE;
}

static void
take_lane_over (RelayLane *lane, guint number, gint64 since)
{
  guint taken = number + 1;

  atomic_store (&lane->since, 0);
  if (!atomic_compare_exchange_strong (&lane->owner, &number, taken) || start_worker (lane, taken))
    return;
  /* It stays with the one that stands still; the next look tries again. */
  atomic_store (&lane->since, since);
  atomic_compare_exchange_strong (&lane->owner, &taken, number);
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
      take_lane_over (&lanes[i], number, since);
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
  sem_init (&keeper.wake, 0, 0);
  for (guint i = 0; i < CLAMP (g_get_num_processors (), 1, MAX_LANES); i++) {
    lane_init (&lanes[i], TRUE);
    if (!start_worker (&lanes[i], 0))
      break;
    n_lanes++;
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
  while (n_lanes > 0 && (lane == NULL || lane->shared))
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

/* Returns it if the worker is to go on with it itself: (transfer full)(nullable) */
static RelayLane *
give_own_lane (RelayInbox *inbox, gboolean with_worker)
{
  RelayLane *lane = g_new0 (RelayLane, 1);

  lane_init (lane, FALSE);
  if (!atomic_load (&inbox->lane)->shared || (!with_worker && !start_worker (lane, 0))) {
    relay_unref (lane);
    return NULL;
  }
  atomic_store (&inbox->lane, lane);
  return with_worker ? relay_ref (lane) : NULL;
}

/* Serves one. Returns the lane that the worker has to go on with, which is not its own if it has lost
 * that: (transfer full)(nullable) */
static RelayLane *
serve (RelayLane *lane, guint *number, RelayInbox *inbox)
{
  const guint64 before = atomic_load (&inbox->stats.delivered);
  const gint64 begin = relay_now ();
  RelayLane *next = NULL;
  gboolean more, lost;

  atomic_store (&lane->since, begin);
  if (lane->shared && has_waiting (lane))
    arm_keeper ();
  more = inbox->serve (inbox, inbox->user_data);
  lost = !is_mine (lane, *number);
  if (!lost)
    atomic_store (&lane->since, 0);
  if (lane->shared
      && (is_slow (inbox, atomic_load (&inbox->stats.delivered) - before, relay_now () - begin)
          || lost))
    next = give_own_lane (inbox, lost);
  if (next != NULL)
    *number = 0;
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
