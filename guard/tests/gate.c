/* SPDX-License-Identifier: MIT */
#include "gate.h"

#define POLL_US 1000

void
gate_close (Gate *gate)
{
  pthread_mutex_lock (&gate->mutex);
  gate->closed = TRUE;
  pthread_mutex_unlock (&gate->mutex);
}

void
gate_open (Gate *gate)
{
  pthread_mutex_lock (&gate->mutex);
  gate->closed = FALSE;
  gate->opened++;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->mutex);
}

void
gate_pass (Gate *gate)
{
  guint64 opened;

  pthread_mutex_lock (&gate->mutex);
  gate->waiting++;
  opened = gate->opened; /* who closes it again at once must not catch those who may go */
  while (gate->closed && gate->opened == opened)
    pthread_cond_wait (&gate->changed, &gate->mutex);
  gate->waiting--;
  pthread_mutex_unlock (&gate->mutex);
}

typedef struct {
  Gate *gate;
  guint n;
} Crowd;

static gboolean
is_there (Crowd *crowd)
{
  gboolean there;

  pthread_mutex_lock (&crowd->gate->mutex);
  there = crowd->gate->closed && crowd->gate->waiting >= crowd->n;
  pthread_mutex_unlock (&crowd->gate->mutex);
  return there;
}

void
gate_await (Gate *gate, guint n)
{
  Crowd crowd = { gate, n };

  assert_comes (is_there, &crowd);
}

gboolean
await_condition (gboolean (*condition) (gpointer data), gpointer data)
{
  gint64 begun = g_get_monotonic_time ();

  while (!condition (data)) {
    if (seconds_since (begun) > AWAIT_S)
      return FALSE;
    g_usleep (POLL_US);
  }
  return TRUE;
}

double
seconds_since (gint64 since)
{
  return (double) (g_get_monotonic_time () - since) / G_USEC_PER_SEC;
}
