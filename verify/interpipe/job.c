/* SPDX-License-Identifier: MIT */
/* job.c: calls that may never return, and moments inside of calls. */
#include "rig.h"

#include <string.h>

/* How long a callback of ours gives somebody else, who is expected to get through at once or not at
 * all. */
#define WINDOW_MS (300 * WGI_SLOWNESS)
/* How long somebody stands in a gate that nobody opens. */
#define GATE_MS (10000 * WGI_SLOWNESS)
#define LOGGED_MESSAGES 8

struct Job {
  gint refs;
  Act act, on_message;
  gpointer data, message_data;
  GMutex lock;
  GCond cond;
  gboolean over;
};

static __thread struct {
  Job *job;
  guint messages;
} logged;

static void
job_unref (Job *job)
{
  if (!g_atomic_int_dec_and_test (&job->refs))
    return;
  g_mutex_clear (&job->lock);
  g_cond_clear (&job->cond);
  g_free (job);
}

static gpointer
job_run (gpointer data)
{
  Job *job = data;

  logged.job = job->on_message ? job : NULL;
  logged.messages = 0;
  job->act (job->data);
  logged.job = NULL;
  g_mutex_lock (&job->lock);
  job->over = TRUE;
  g_cond_broadcast (&job->cond);
  g_mutex_unlock (&job->lock);
  job_unref (job);
  return NULL;
}

static void
on_log (GstDebugCategory *category, GstDebugLevel level, const gchar *file, const gchar *function,
    gint line, GObject *object, GstDebugMessage *message, gpointer data)
{
  Job *job = logged.job;
  (void) level, (void) file, (void) function, (void) line, (void) object, (void) message;
  (void) data;

  if (job == NULL || !g_str_has_prefix (gst_debug_category_get_name (category), "interpipe"))
    return;
  if (logged.messages++ >= LOGGED_MESSAGES)
    return;
  job->on_message (job->message_data);
}

static void
listen_to_logs (void)
{
  static gsize done;

  if (!g_once_init_enter (&done))
    return;
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (on_log, NULL, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("interpipe*", GST_LEVEL_LOG);
  g_once_init_leave (&done, 1);
}

static Job *
job_new (Act act, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->refs = 2; /* the thread's and the caller's; a caller's is never given back */
  job->act = act;
  job->data = data;
  g_mutex_init (&job->lock);
  g_cond_init (&job->cond);
  return job;
}

Job *
job_start (Act act, gpointer data)
{
  Job *job = job_new (act, data);

  g_thread_unref (g_thread_new ("job", job_run, job));
  return job;
}

Job *
job_start_with_logs (Act act, gpointer data, Act on_message, gpointer message_data)
{
  Job *job = job_new (act, data);

  job->on_message = on_message;
  job->message_data = message_data;
  listen_to_logs ();
  g_thread_unref (g_thread_new ("job", job_run, job));
  return job;
}

gboolean
job_wait (Job *job, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&job->lock);
  while (!job->over && g_cond_wait_until (&job->cond, &job->lock, until))
    ;
  const gboolean over = job->over;
  g_mutex_unlock (&job->lock);
  return over;
}

gboolean
within (guint ms, Act act, gpointer data)
{
  return job_wait (job_start (act, data), ms);
}

void
window_open (gpointer data)
{
  Window *window = data;

  if (g_atomic_int_add (&window->opened, 1) == window->at)
    window->job = job_start (window->act, window->data);
  if (window->job != NULL && !window->through)
    window->through = job_wait (window->job, WINDOW_MS);
}

gboolean
window_close (Window *window)
{
  if (window->job == NULL)
    window->job = job_start (window->act, window->data);
  return job_wait (window->job, WGI_SOON_MS);
}

void
gate_enter (gpointer data)
{
  Gate *gate = data;
  const gint64 until = g_get_monotonic_time () + GATE_MS * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&gate->lock);
  gate->entered = TRUE;
  g_cond_broadcast (&gate->cond);
  while (!gate->released && g_cond_wait_until (&gate->cond, &gate->lock, until))
    ;
  g_mutex_unlock (&gate->lock);
}

gboolean
gate_wait_entered (Gate *gate, guint ms)
{
  const gint64 until = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&gate->lock);
  while (!gate->entered && g_cond_wait_until (&gate->cond, &gate->lock, until))
    ;
  const gboolean entered = gate->entered;
  g_mutex_unlock (&gate->lock);
  return entered;
}

void
gate_release (Gate *gate)
{
  g_mutex_lock (&gate->lock);
  gate->released = TRUE;
  g_cond_broadcast (&gate->cond);
  g_mutex_unlock (&gate->lock);
}
