/* SPDX-License-Identifier: MIT */
#include "pipeline-private.h"

#include <wolf-guard/shutdown.h>

/* The share of the time that draining may take. */
#define EOS_PERCENT 40

/* The pipelines whose worker is not done, and the deadlines; a leaf mutex like the quarantine's. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static GQueue pipelines = G_QUEUE_INIT;
static gint64 eos_deadline, deadline; /* 0: no shutdown */

static void
init (void)
{
  wg_cond_init (&changed);
}

gboolean
wg_shutdown_list (WgPipeline *p)
{
  gboolean listed;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  listed = deadline == 0;
  if (listed)
    g_queue_push_tail (&pipelines, p);
  pthread_mutex_unlock (&mutex);
  return listed;
}

void
wg_shutdown_unlist (WgPipeline *p)
{
  pthread_mutex_lock (&mutex);
  g_queue_remove (&pipelines, p);
  pthread_cond_broadcast (&changed);
  pthread_mutex_unlock (&mutex);
}

gboolean
wg_shutdown_each (void (*look) (WgPipeline *p, gpointer data), gpointer data, gint64 until)
{
  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  for (GList *l = pipelines.head; l; l = l->next)
    look (l->data, data);
  pthread_mutex_unlock (&mutex);
  return TRUE;
}

gint64
wg_shutdown_shorten (WgDeadline which, gint64 at)
{
  pthread_mutex_lock (&mutex);
  if (deadline)
    at = MIN (at, which == WG_DEADLINE_EOS ? eos_deadline : deadline);
  pthread_mutex_unlock (&mutex);
  return at;
}

void
wg_shutdown_begin (guint limit_ms)
{
  GList *found = NULL;
  gint64 now = wg_clock_now ();

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  if (!deadline) {
    deadline = now + (gint64) limit_ms * 1000;
    eos_deadline = now + (gint64) limit_ms * 10 * EOS_PERCENT;
  }
  for (GList *l = pipelines.head; l; l = l->next)
    found = g_list_prepend (found, wg_pipeline_hold (l->data));
  pthread_mutex_unlock (&mutex);

  for (GList *l = found; l; l = l->next) {
    WgPipeline *p = l->data;

    wg_loop_stop (p->loop);
    pthread_mutex_lock (&p->mutex); /* a thread that waits reads its deadline anew */
    pthread_cond_broadcast (&p->changed);
    pthread_mutex_unlock (&p->mutex);
  }
  g_list_free_full (found, (GDestroyNotify) wg_pipeline_release);
}

gboolean
wg_shutdown_has_begun (void)
{
  gboolean begun;

  pthread_mutex_lock (&mutex);
  begun = deadline != 0;
  pthread_mutex_unlock (&mutex);
  return begun;
}

guint
wg_shutdown_wait (void)
{
  guint left;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  while (pipelines.length && wg_cond_wait_until (&changed, &mutex, deadline))
    ;
  left = pipelines.length;
  pthread_mutex_unlock (&mutex);
  return left;
}
