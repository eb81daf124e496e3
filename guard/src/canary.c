/* SPDX-License-Identifier: MIT
 *
 * Calls into GStreamer are made by the canary's own thread: it may be lost, and nobody waits for
 * it. What is known of it is read under a mutex that is not held meanwhile.
 */
#include "books.h"
#include "settings.h"
#include "sync.h"

#include <gst/gst.h>
#include <stdlib.h>
#include <wolf-guard/canary.h>
#include <wolf-guard/log.h>
#include <wolf-guard/shutdown.h>
#include <wolf-guard/watch.h>

#define EVERY_S 30
#define EVERY_S_MAX 3600
/* A step is slow after a second; this much more makes the limit of 2 s. */
#define ALLOWED_MS 1000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never;
static gboolean running;
static const char *description;
static void (*touch) (gpointer data);
static gpointer touch_data;
static guint every_s;
static gint64 due; /* the next one */
static WgCanaryBook book;

/* The thread's own: the step that it is in. */
static void
step (const char *what)
{
  wg_watch_end ();
  wg_watch_begin_allowing (what, ALLOWED_MS);
}

/* "" or why not; free with g_free(). */
static char *
try_pipeline (void)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline;
  gboolean plays;

  step ("canary: making a pipeline");
  pipeline = gst_parse_launch (description, &error);
  if (!pipeline || error) {
    g_clear_object (&pipeline);
    return g_strdup (error ? error->message : "there is no pipeline");
  }
  gst_object_ref_sink (pipeline);
  step ("canary: playing it");
  plays = gst_element_set_state (pipeline, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE;
  step ("canary: ending it");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return g_strdup (plays ? "" : "its pipeline does not play");
}

/* With the mutex. */
static void
put_off (void)
{
  due = wg_clock_now () + (gint64) every_s * G_USEC_PER_SEC;
}

static void
note (const char *why)
{
  gboolean news;

  pthread_mutex_lock (&mutex);
  news = g_strcmp0 (book.why, why) != 0;
  g_strlcpy (book.why, why, sizeof book.why);
  book.runs++;
  put_off ();
  pthread_mutex_unlock (&mutex);
  if (news && *why)
    wg_log (WG_LOG_WARNING, "canary: a new session would not start: %s", why);
  else if (news)
    wg_log (WG_LOG_INFO, "canary: a new session would start again");
}

static void
run_once (void)
{
  g_autofree char *why = NULL;

  wg_watch_begin_allowing ("canary", ALLOWED_MS);
  why = try_pipeline ();
  if (touch) {
    step ("canary: the host's own step");
    touch (touch_data);
  }
  wg_watch_end ();
  note (why);
}

static void *
run (void *unused)
{
  for (;;) {
    pthread_mutex_lock (&mutex);
    while (wg_cond_wait_until (&never, &mutex, due))
      ;
    put_off ();
    pthread_mutex_unlock (&mutex);
    if (!wg_shutdown_has_begun ())
      run_once ();
  }
  return unused;
}

gboolean
wg_canary_start (const char *text, void (*func) (gpointer data), gpointer data)
{
  /* Before the mutex: a bad value is logged. */
  const guint seconds = wg_settings_parse (
      "WOLF_GUARD_CANARY_S", getenv ("WOLF_GUARD_CANARY_S"), 0, EVERY_S_MAX, EVERY_S);
  gboolean started;

  pthread_mutex_lock (&mutex);
  if (!running) {
    wg_cond_init (&never);
    description = text;
    touch = func;
    touch_data = data;
    every_s = seconds;
    put_off ();
    running = every_s == 0 || wg_spawn ("wg-canary", run, NULL);
  }
  started = running;
  pthread_mutex_unlock (&mutex);
  return started;
}

gboolean
wg_canary_read (WgCanaryBook *to, gint64 until)
{
  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  *to = book;
  pthread_mutex_unlock (&mutex);
  return TRUE;
}
