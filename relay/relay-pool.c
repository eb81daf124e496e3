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
  atomic_llong since;           /* see below; 0: it sleeps, and is not called */
  atomic_bool asleep;
  atomic_bool closed; /* a lane of one inbox, which is gone */
  gboolean shared;
  sem_t wake;
};

typedef struct {
  RelayLane *lane;
  guint number; /* of the lane's owners */
  gint64 now;   /* when it woke up, or had served one */
} Worker;

static RelayLane lanes[MAX_LANES];
static guint n_lanes;
static struct {
  sem_t wake;
  atomic_bool kicked; /* somebody has seen a worker that stalls: it looks at once */
  atomic_bool armed;  /* inboxes wait behind another: it looks after LOOK_MS */
} keeper;

static void *work (void *data);

/* ---- what a worker is at ----
 *
 * `since` is when it began with the inbox that it serves, and stays so until it begins with the next one or sleeps: so
 * it calls nothing in which it could stay away unnoticed. Less than 0: it was called then, and has not come yet. 0:
 * it sleeps, and nobody has called it. */

static gboolean
is_missing (gint64 since, gint64 now)
{
  if (since < 0)
    return now + since > RELAY_LATE_MS * GST_MSECOND;
  return since > 0 && now - since > RELAY_STALL_MS * GST_MSECOND;
}

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
take_lane_over (RelayLane *lane, guint number, gint64 since, gint64 now)
{
  guint taken = number + 1;

  atomic_store (&lane->since, -now);
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
    if (is_missing (since, now))
      take_lane_over (&lanes[i], number, since, now);
    else
      atomic_store (&keeper.armed, TRUE);
  }
}

static void
wait_a_little (sem_t *wake)
{
  struct timespec until;

  clock_gettime (CLOCK_MONOTONIC, &until);
  until.tv_nsec += LOOK_MS * 1000000L;
  until.tv_sec += until.tv_nsec / 1000000000L;
  until.tv_nsec %= 1000000000L;
  sem_clockwait (wake, CLOCK_MONOTONIC, &until);
}

static void *
keep (void *unused)
{
  (void) unused;
  for (;;) {
    sem_wait (&keeper.wake);
    do {
      if (!atomic_load (&keeper.kicked))
        wait_a_little (&keeper.wake);
      atomic_store (&keeper.kicked, FALSE);
      /* In this order: what comes to wait after the look arms it anew. */
      atomic_store (&keeper.armed, FALSE);
      look_at_lanes ();
    } while (atomic_load (&keeper.armed));
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
    atomic_store (&lanes[i].since, -relay_now ());
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
  if (!atomic_load (&lane->asleep))
    return;
  /* Before it is called, so that it is missed if who calls it gets no further than here. */
  atomic_store (&lane->since, -relay_now ());
  if (atomic_exchange (&lane->asleep, FALSE))
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
  if (since > 0)
    arm_keeper ();
  if (is_missing (since, now) && !atomic_exchange (&keeper.kicked, TRUE))
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
is_mine (const Worker *self)
{
  return atomic_load (&self->lane->owner) == self->number;
}

static void
sleep_until_called (Worker *self)
{
  RelayLane *lane = self->lane;

  atomic_store (&lane->since, 0);
  atomic_store (&lane->asleep, TRUE);
  if (has_waiting (lane) || atomic_load (&lane->closed)) {
    /* Who has taken the mark away meanwhile has posted. */
    if (atomic_exchange (&lane->asleep, FALSE)) {
      atomic_store (&lane->since, self->now);
      return;
    }
  }
  while (sem_wait (&lane->wake) == -1 && errno == EINTR)
    ;
  self->now = relay_now ();
}

static gboolean
is_slow (RelayInbox *inbox, guint64 delivered, gint64 took)
{
  const gboolean slow = took > (gint64) MAX (delivered, 1) * RELAY_SLOW_US * 1000;

  inbox->slowness = CLAMP (inbox->slowness + (slow ? SLOW_STEP : -1), 0, SLOW_ENOUGH);
  return inbox->slowness == SLOW_ENOUGH;
}

/* With a worker of its own, or with this one, which then leaves its lane. */
static void
give_own_lane (Worker *self, RelayInbox *inbox, gboolean goes_along)
{
  RelayLane *lane = g_new0 (RelayLane, 1);

  lane_init (lane, FALSE);
  if (!atomic_load (&inbox->lane)->shared || (!goes_along && !start_worker (lane, 0))) {
    relay_unref (lane);
    return;
  }
  atomic_store (&inbox->lane, lane);
  if (goes_along) {
    relay_unref (self->lane);
    self->lane = relay_ref (lane);
    self->number = 0;
  }
}

static void
serve (Worker *self, RelayInbox *inbox)
{
  RelayLane *lane = self->lane;
  const guint64 before = atomic_load (&inbox->stats.delivered);
  const gint64 begin = self->now;

  atomic_store (&lane->since, begin);
  if (lane->shared && has_waiting (lane))
    arm_keeper ();
  const gboolean more = inbox->serve (inbox, inbox->user_data);
  self->now = relay_now ();
  if (lane->shared) {
    const gboolean lost = !is_mine (self);
    if (is_slow (inbox, atomic_load (&inbox->stats.delivered) - before, self->now - begin) || lost)
      give_own_lane (self, inbox, lost);
  }
  if (more) {
    lane_push (atomic_load (&inbox->lane), inbox);
    return;
  }
  atomic_store (&inbox->due, FALSE);
  if (!relay_inbox_is_empty (inbox))
    relay_inbox_call (inbox);
  relay_unref (inbox);
}

static void *
work (void *data)
{
  Worker *self = data;

  self->now = relay_now ();
  while (is_mine (self)) {
    RelayInbox *inbox = lane_pop (self->lane);

    if (inbox != NULL)
      serve (self, inbox);
    else if (atomic_load (&self->lane->closed))
      break;
    else
      sleep_until_called (self);
  }
  /* It may have been woken in the stead of who has the lane now. */
  sem_post (&self->lane->wake);
  relay_unref (self->lane);
  g_free (self);
  return NULL;
}
