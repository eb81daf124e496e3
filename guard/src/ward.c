/* SPDX-License-Identifier: MIT */
#include "ward.h"

#include "settings.h"
#include "sync.h"

#include <wolf-guard/log.h>

/* Ages at which the keeper speaks again, s; after the last one, each hour. */
static const gint64 report_ages[] = { 10, 60, 600, 3600 };
#define REPORT_EACH_S 3600

typedef struct {
  WgPipeline *pipeline;
  gint64 since;  /* µs */
  guint reports; /* made so far, after the first */
} Patient;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static GQueue patients = G_QUEUE_INIT; /* of Patient, oldest first */
static guint64 entered, released;
static gboolean keeper_runs;

static void
init (void)
{
  wg_cond_init (&changed);
}

static gint64
next_report (const Patient *patient)
{
  guint n = G_N_ELEMENTS (report_ages);
  gint64 age = patient->reports < n
      ? report_ages[patient->reports]
      : report_ages[n - 1] + (gint64) (patient->reports - n + 1) * REPORT_EACH_S;

  return patient->since + age * G_USEC_PER_SEC;
}

static void
report (WgPipeline *pipeline, gint64 since)
{
  g_autofree char *what = wg_pipeline_describe (pipeline);
  WgWardStatus status;

  wg_ward_status (&status);
  wg_log (WG_LOG_WARNING, "ward: %s; in the ward for %.0f s (%u of %u)", what,
      (double) (g_get_monotonic_time () - since) / G_USEC_PER_SEC, status.now, status.max);
  if (status.failing)
    wg_log (WG_LOG_ERROR,
        "FAILING: %u pipelines with their threads are leaked, WOLF_GUARD_WARD_MAX is %u; restart "
        "this process when its players allow",
        status.now, status.max);
}

/* Speaks when one comes of age, sleeps otherwise, ends with the last patient. */
static void *
keeper (void *unused)
{
  pthread_mutex_lock (&mutex);
  while (!g_queue_is_empty (&patients)) {
    gint64 now = g_get_monotonic_time (), next = G_MAXINT64;
    Patient *due = NULL;

    for (GList *l = patients.head; l; l = l->next) {
      gint64 at = next_report (l->data);

      if (at <= now) {
        due = l->data;
        break;
      }
      next = MIN (next, at);
    }
    if (due) {
      WgPipeline *pipeline = wg_pipeline_ref (due->pipeline);
      gint64 since = due->since;

      due->reports++;
      pthread_mutex_unlock (&mutex);
      report (pipeline, since);
      wg_pipeline_unref (pipeline);
      pthread_mutex_lock (&mutex);
    } else {
      wg_cond_wait_until (&changed, &mutex, next);
    }
  }
  keeper_runs = FALSE;
  pthread_mutex_unlock (&mutex);
  return unused;
}

void
wg_ward_add (WgPipeline *pipeline)
{
  Patient *patient = g_new (Patient, 1);

  *patient = (Patient){ .pipeline = wg_pipeline_ref (pipeline), .since = g_get_monotonic_time () };
  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  g_queue_push_tail (&patients, patient);
  entered++;
  if (keeper_runs)
    pthread_cond_signal (&changed);
  else
    keeper_runs = wg_spawn ("wg-ward", keeper, NULL); /* without one it is quiet, nothing worse */
  pthread_mutex_unlock (&mutex);
}

void
wg_ward_remove (WgPipeline *pipeline)
{
  Patient *found = NULL;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  for (GList *l = patients.head; l; l = l->next)
    if (((Patient *) l->data)->pipeline == pipeline) {
      found = l->data;
      g_queue_delete_link (&patients, l);
      released++;
      pthread_cond_signal (&changed);
      break;
    }
  pthread_mutex_unlock (&mutex);
  if (!found)
    return;
  wg_pipeline_unref (found->pipeline);
  g_free (found);
}

void
wg_ward_status (WgWardStatus *status)
{
  guint max = wg_settings ()->ward_max;
  Patient *oldest;

  pthread_mutex_lock (&mutex);
  oldest = g_queue_peek_head (&patients);
  *status = (WgWardStatus){
    .now = patients.length,
    .max = max,
    .entered = entered,
    .released = released,
    .oldest_s = oldest ? (double) (g_get_monotonic_time () - oldest->since) / G_USEC_PER_SEC : 0,
    .failing = patients.length > max,
  };
  pthread_mutex_unlock (&mutex);
}
