/* SPDX-License-Identifier: MIT
 *
 * One mutex for the file and all tokens: launches come and go a few times a minute, and what is
 * done under it is a list operation. Watch functions run outside of it, one after the other.
 */
#include <wolf-guard/launch.h>
#include <wolf-guard/shutdown.h>

#include "sync.h"

typedef struct {
  guint id;
  WgLaunchFunc func;
  gpointer data;
  GDestroyNotify notify;
} Watch;

struct WgLaunch {
  guint refs;
  char *id;
  gboolean stopped;
  GQueue watches; /* of Watch, in the order of wg_launch_watch() */
  guint next_watch;
  guint running; /* the watch whose function is being called, 0: none */
  pthread_t runner;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ran = PTHREAD_COND_INITIALIZER; /* a watch function has returned */
static GQueue filed = G_QUEUE_INIT; /* of WgLaunch, newest first, none of them stopped */

static void
watch_free (Watch *watch)
{
  if (watch->notify)
    watch->notify (watch->data);
  g_free (watch);
}

void
wg_launch_unref (WgLaunch *launch)
{
  gboolean last;

  if (!launch)
    return;
  pthread_mutex_lock (&mutex);
  last = --launch->refs == 0;
  pthread_mutex_unlock (&mutex);
  if (!last)
    return;
  g_queue_clear_full (&launch->watches, (GDestroyNotify) watch_free);
  g_free (launch->id);
  g_free (launch);
}

gboolean
wg_launch_is_stopped (WgLaunch *launch)
{
  gboolean stopped;

  pthread_mutex_lock (&mutex);
  stopped = launch->stopped;
  pthread_mutex_unlock (&mutex);
  return stopped;
}

/* With the mutex, which is given up meanwhile: call the first watch. */
static void
fire_first (WgLaunch *launch)
{
  Watch *watch = g_queue_pop_head (&launch->watches);

  launch->running = watch->id;
  launch->runner = pthread_self ();
  pthread_mutex_unlock (&mutex);
  watch->func (watch->data);
  pthread_mutex_lock (&mutex);
  launch->running = 0;
  pthread_cond_broadcast (&ran);
  pthread_mutex_unlock (&mutex);
  watch_free (watch);
  pthread_mutex_lock (&mutex);
}

void
wg_launch_stop (WgLaunch *launch)
{
  gboolean first;
  int cancel;

  /* Cancelled in a function, wg_launch_unwatch() would wait for it for ever. */
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_mutex_lock (&mutex);
  first = !launch->stopped;
  launch->stopped = TRUE;
  if (first) {
    g_queue_remove (&filed, launch);
    while (!g_queue_is_empty (&launch->watches))
      fire_first (launch);
  }
  pthread_mutex_unlock (&mutex);
  if (first)
    wg_launch_unref (launch); /* the file's */
  pthread_setcancelstate (cancel, NULL);
}

WgLaunch *
wg_launch_begin (const char *id)
{
  WgLaunch *launch = g_new0 (WgLaunch, 1);

  launch->refs = 2; /* the caller's and the file's */
  launch->id = g_strdup (id);
  g_queue_init (&launch->watches);
  pthread_mutex_lock (&mutex);
  g_queue_push_head (&filed, launch);
  pthread_mutex_unlock (&mutex);
  if (wg_shutdown_has_begun ())
    wg_launch_stop (launch);
  return launch;
}

/* The newest launch of `id` that is not stopped, or NULL. */
static WgLaunch *
find (const char *id)
{
  WgLaunch *found = NULL;

  pthread_mutex_lock (&mutex);
  for (GList *l = filed.head; l && !found; l = l->next)
    if (g_str_equal (((WgLaunch *) l->data)->id, id)) {
      found = l->data;
      found->refs++;
    }
  pthread_mutex_unlock (&mutex);
  return found;
}

guint
wg_launch_stop_id (const char *id)
{
  WgLaunch *launch;
  guint count = 0;

  while ((launch = find (id))) {
    wg_launch_stop (launch);
    wg_launch_unref (launch);
    count++;
  }
  return count;
}

guint
wg_launch_watch (WgLaunch *launch, WgLaunchFunc func, gpointer data, GDestroyNotify notify)
{
  Watch *watch = g_new (Watch, 1);
  guint id = 0;

  *watch = (Watch){ .func = func, .data = data, .notify = notify };
  pthread_mutex_lock (&mutex);
  if (!launch->stopped) {
    id = watch->id = ++launch->next_watch;
    g_queue_push_tail (&launch->watches, watch);
  }
  pthread_mutex_unlock (&mutex);
  if (!id) {
    func (data);
    watch_free (watch);
  }
  return id;
}

void
wg_launch_unwatch (WgLaunch *launch, guint id)
{
  Watch *found = NULL;

  if (!id)
    return;
  pthread_mutex_lock (&mutex);
  for (GList *l = launch->watches.head; l; l = l->next)
    if (((Watch *) l->data)->id == id) {
      found = l->data;
      g_queue_delete_link (&launch->watches, l);
      break;
    }
  while (launch->running == id && !pthread_equal (launch->runner, pthread_self ()))
    wg_cond_wait (&ran, &mutex);
  pthread_mutex_unlock (&mutex);
  if (found)
    watch_free (found);
}
