/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "relay-pool.h"

#include "relay-os.h"

#include <gst/gst.h>

/* One part in so many of all time is let off. */
#define LET_OFF 200

enum { IDLE, SCHEDULED, RUNNING, RUNNING_AGAIN };

/* For work that belongs to no name. It never ends. */
static RelayQueue *
get_no_name (void)
{
  static RelayQueue *no_name;

  if (g_once_init_enter (&no_name))
    g_once_init_leave (&no_name, relay_queue_new ());
  return no_name;
}

/* ---- work: by the thread that has it, but for schedule ---- */

/* It is scheduled, and this thread gives it out of its hands. */
static void
dispatch (RelayWork *work)
{
  RelayQueue *queue = atomic_load (&work->queue);

  if (queue == NULL) {
    sem_post (&work->wake);
    return;
  }
  relay_queue_push (queue, &work->task);
}

static void
release (RelayWork *work, gboolean more)
{
  gint running = RUNNING;

  if (!more && atomic_compare_exchange_strong (&work->state, &running, IDLE))
    return;
  atomic_store (&work->state, SCHEDULED);
  dispatch (work);
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
relay_pool_schedule (RelayWork *work)
{
  if (becomes_scheduled (work))
    dispatch (work);
}

gboolean
relay_pool_hold (RelayWork *work)
{
  gint idle = IDLE;

  return atomic_compare_exchange_strong (&work->state, &idle, RUNNING);
}

void
relay_pool_run_held (RelayWork *work)
{
  gboolean more;

  do {
    gint running = RUNNING;
    more = FALSE;
    work->run (work, &more);
    if (!more && atomic_compare_exchange_strong (&work->state, &running, IDLE))
      return;
    atomic_store (&work->state, RUNNING);
  } while (TRUE);
}

/* Into the queue of its name. If there can be none it runs alone. */
static void
go_home (RelayWork *work)
{
  RelayQueue *home = relay_slot_get (&work->home);

  relay_queue_leave (atomic_exchange (&work->queue, NULL));
  if (relay_queue_join (home))
    atomic_store (&work->queue, home);
  else if (relay_queue_join (get_no_name ()))
    atomic_store (&work->queue, get_no_name ());
  relay_unref (home);
}

/* Last of all out of the queue: if it is scheduled, its own thread may have it from then on. */
static void
leave_queue (RelayWork *work)
{
  work->trusted = FALSE;
  work->quick = 0;
  relay_queue_leave (atomic_exchange (&work->queue, NULL));
}

void
relay_pool_place (RelayWork *work, RelayQueue *queue)
{
  if (queue == NULL)
    queue = get_no_name ();
  relay_unref (relay_slot_swap (&work->home, relay_ref (queue)));
  /* If another thread has it, that one has it go there when it has run it. */
  if (!relay_pool_hold (work))
    return;
  if (!work->placed || atomic_load (&work->queue) != NULL)
    go_home (work);
  work->placed = TRUE;
  release (work, FALSE);
}

/* ---- trust ---- */

static void
judge (RelayWork *work, guint done, gint64 took, gint64 now)
{
  const gint64 beyond = took - (gint64) MAX (done, 1) * RELAY_QUICK_US * 1000;

  work->stalled = MAX (work->stalled - (now - work->judged) / LET_OFF, 0) + MAX (beyond, 0);
  work->judged = now;
  work->quick = beyond > 0 ? 0 : work->quick + 1;
}

static gboolean
has_lost_trust (RelayWork *work)
{
  return work->go_alone != NULL && work->stalled > RELAY_STALLED_MS * GST_MSECOND;
}

static void
lose_trust (RelayWork *work)
{
  work->needs = MIN (2 * work->needs, RELAY_TRUST_MAX);
  work->stalled = 0;
  leave_queue (work);
}

/* ---- alone ---- */

gboolean
relay_pool_is_alone (RelayWork *work)
{
  return work->placed && atomic_load (&work->queue) == NULL;
}

void
relay_pool_wake_alone (RelayWork *work)
{
  sem_post (&work->wake);
}

void
relay_pool_run_alone (RelayWork *work)
{
  gboolean more = FALSE;
  gint64 begin, now;

  if (atomic_load (&work->state) == SCHEDULED) {
    sem_trywait (&work->wake);
  } else if (!relay_sem_wait_for (&work->wake, RELAY_LINGER_MS)) {
    if (relay_pool_hold (work)) {
      go_home (work);
      release (work, FALSE);
    }
    return;
  }
  if (atomic_load (&work->state) != SCHEDULED || !relay_pool_is_alone (work))
    return;
  atomic_store (&work->state, RUNNING);
  begin = relay_now ();
  const guint done = work->run (work, &more);
  now = relay_now ();
  judge (work, done, now - begin, now);
  if (work->quick >= work->needs) {
    work->trusted = TRUE;
    work->stalled = 0;
    go_home (work);
  }
  release (work, more);
}

/* ---- in a worker ---- */

/* Work that is not trusted goes to its own thread, unseen. */
static void
hand_over (RelayWork *work)
{
  leave_queue (work);
  sem_post (&work->wake);
  work->go_alone (work);
}

static void
run_in_worker (RelayTask *task, RelayWorker *worker)
{
  RelayWork *work = (RelayWork *) task;
  const gint64 began = relay_worker_began (worker);
  gboolean more = FALSE, goes_alone;

  if (!work->trusted) {
    hand_over (work);
    relay_worker_look (worker);
    return;
  }
  atomic_store (&work->state, RUNNING);
  const guint done = work->run (work, &more);
  const gint64 now = relay_worker_look (worker);
  judge (work, done, now - began, now);
  goes_alone =
      work->go_alone != NULL && (has_lost_trust (work) || !relay_worker_has_queue (worker));
  if (goes_alone)
    lose_trust (work);
  else if (relay_slot_peek (&work->home) != atomic_load (&work->queue))
    go_home (work);
  release (work, more);
  if (goes_alone)
    work->go_alone (work);
}

/* ---- the element's side ---- */

void
relay_work_init (RelayWork *work, RelayRun run, void (*go_alone) (RelayWork *work))
{
  work->task.run = run_in_worker;
  work->run = run;
  work->go_alone = go_alone;
  work->needs = RELAY_TRUST;
  work->trusted = go_alone == NULL;
  sem_init (&work->wake, 0, 0);
}

void
relay_work_clear (RelayWork *work)
{
  relay_queue_leave (atomic_load (&work->queue));
  relay_unref (relay_slot_swap (&work->home, NULL));
  sem_destroy (&work->wake);
}
