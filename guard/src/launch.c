/* SPDX-License-Identifier: MIT
 *
 * One mutex for the file and all tokens: launches come and go a few times a minute, and what is done
 * under it is a list operation. Watch functions run outside of it.
 */
#include <wolf-guard/launch.h>

#include <pthread.h>

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
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static GQueue filed = G_QUEUE_INIT; /* of WgLaunch, newest first, none of them stopped */

static void
watch_free (Watch *watch)
{
  if (watch->notify)
    watch->notify (watch->data);
  g_free (watch);
}

static void
watch_fire (gpointer data, gpointer unused)
{
  Watch *watch = data;

  (void) unused;
  watch->func (watch->data);
  watch_free (watch);
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
  return launch;
}

WgLaunch *
wg_launch_find (const char *id)
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

WgLaunch *
wg_launch_ref (WgLaunch *launch)
{
  pthread_mutex_lock (&mutex);
  launch->refs++;
  pthread_mutex_unlock (&mutex);
  return launch;
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

const char *
wg_launch_id (WgLaunch *launch)
{
  return launch->id;
}

gboolean
wg_launch_stopped (WgLaunch *launch)
{
  gboolean stopped;

  pthread_mutex_lock (&mutex);
  stopped = launch->stopped;
  pthread_mutex_unlock (&mutex);
  return stopped;
}

void
wg_launch_stop (WgLaunch *launch)
{
  GQueue due = G_QUEUE_INIT;

  pthread_mutex_lock (&mutex);
  if (launch->stopped) {
    pthread_mutex_unlock (&mutex);
    return;
  }
  launch->stopped = TRUE;
  g_queue_remove (&filed, launch);
  due = launch->watches;
  g_queue_init (&launch->watches);
  pthread_mutex_unlock (&mutex);

  g_queue_foreach (&due, watch_fire, NULL);
  g_queue_clear (&due);
  wg_launch_unref (launch); /* the file's */
}

guint
wg_launch_stop_id (const char *id)
{
  WgLaunch *launch;
  guint count = 0;

  while ((launch = wg_launch_find (id))) {
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
  if (!id)
    watch_fire (watch, NULL);
  return id;
}

void
wg_launch_unwatch (WgLaunch *launch, guint id)
{
  Watch *found = NULL;

  pthread_mutex_lock (&mutex);
  for (GList *l = launch->watches.head; l; l = l->next)
    if (((Watch *) l->data)->id == id) {
      found = l->data;
      g_queue_delete_link (&launch->watches, l);
      break;
    }
  pthread_mutex_unlock (&mutex);
  if (found)
    watch_free (found);
}
