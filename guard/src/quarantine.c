/* SPDX-License-Identifier: MIT */
#include "quarantine.h"

#include "books.h"
#include "settings.h"
#include "sync.h"

#include <wolf-guard/inspect.h>
#include <wolf-guard/log.h>

/* Ages of an entry at which the monitor reports it, in s. After the last one: each hour. */
static const gint64 report_ages[] = { 0, 10, 60, 600, 3600 };
#define REPORT_EACH_S 3600

typedef struct {
  guint refs; /* the list's and the monitor's */
  gpointer object;
  WgQuarantineDescribe describe;
  GDestroyNotify unref;
  gint64 since;  /* when it is entered, µs; may be to come */
  guint reports; /* made so far */
} Entry;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static GQueue entries = G_QUEUE_INIT; /* of Entry */
static guint64 recovered;             /* entered and removed */
static gboolean monitor_runs;

static void
init (void)
{
  wg_cond_init (&changed);
}

/* With the mutex. */
static Entry *
find (gpointer object)
{
  for (GList *l = entries.head; l; l = l->next)
    if (((Entry *) l->data)->object == object)
      return l->data;
  return NULL;
}

static gint64
next_report (const Entry *entry)
{
  guint n = G_N_ELEMENTS (report_ages);
  gint64 age = entry->reports < n
      ? report_ages[entry->reports]
      : report_ages[n - 1] + (gint64) (entry->reports - n + 1) * REPORT_EACH_S;

  return entry->since + age * G_USEC_PER_SEC;
}

static void
say_if_failing (const WgQuarantineStatus *status)
{
  if (status->failing)
    wg_log (WG_LOG_ERROR,
        "FAILING: %u pipelines with their threads are leaked, WOLF_GUARD_QUARANTINE_MAX is %u; "
        "restart this process when its players allow",
        status->now, status->max);
}

void
wg_quarantine_report (gpointer object, WgQuarantineDescribe describe)
{
  g_autofree char *what = describe (object);
  WgQuarantineStatus status;

  wg_quarantine_get_status (&status);
  wg_log (WG_LOG_ERROR, "quarantine: %s; did not end in time, kept with its threads (%u of %u)",
      what, status.now, status.max);
  say_if_failing (&status);
}

static void
report_again (Entry *entry)
{
  g_autofree char *what = entry->describe (entry->object);
  WgQuarantineStatus status;

  wg_quarantine_get_status (&status);
  wg_log (WG_LOG_WARNING, "quarantine: %s; kept for %" G_GINT64_FORMAT " s (%u of %u)", what,
      (wg_clock_now () - entry->since) / G_USEC_PER_SEC, status.now, status.max);
  say_if_failing (&status);
}

/* With the mutex, which is given up meanwhile. */
static void
entry_unref (Entry *entry)
{
  if (--entry->refs)
    return;
  pthread_mutex_unlock (&mutex);
  entry->unref (entry->object);
  g_free (entry);
  pthread_mutex_lock (&mutex);
}

/* With the mutex. Sets `next` when none is due. */
static Entry *
find_due (gint64 *next)
{
  gint64 now = wg_clock_now ();

  *next = G_MAXINT64;
  for (GList *l = entries.head; l; l = l->next) {
    gint64 at = next_report (l->data);

    if (at <= now)
      return l->data;
    *next = MIN (*next, at);
  }
  return NULL;
}

/* With the mutex, which is given up meanwhile: make the reports that are due. Returns when the next
 * one is. */
static gint64
report_due (void)
{
  gint64 next;
  Entry *due;

  while ((due = find_due (&next))) {
    gboolean first = due->reports++ == 0;

    due->refs++;
    pthread_mutex_unlock (&mutex);
    if (first)
      wg_quarantine_report (due->object, due->describe);
    else
      report_again (due);
    pthread_mutex_lock (&mutex);
    entry_unref (due);
  }
  return next;
}

static void *
monitor (void *unused)
{
  pthread_mutex_lock (&mutex);
  while (!g_queue_is_empty (&entries)) {
    gint64 next = report_due ();

    if (!g_queue_is_empty (&entries))
      wg_cond_wait_until (&changed, &mutex, next);
  }
  monitor_runs = FALSE;
  pthread_mutex_unlock (&mutex);
  return unused;
}

gboolean
wg_quarantine_add (gpointer object, WgQuarantineDescribe describe, GDestroyNotify unref, gint64 due)
{
  gboolean entered = due <= wg_clock_now (), known;
  Entry *entry;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  entry = find (object);
  known = entry != NULL;
  if (!known) {
    entry = g_new (Entry, 1);
    *entry = (Entry){ 1, object, describe, unref, due, 0 };
    g_queue_push_tail (&entries, entry);
  }
  if (entry->reports > 0)
    entered = FALSE; /* the monitor was first */
  else
    entry->since = due;
  entry->reports += entered;
  pthread_cond_signal (&changed);
  /* Without a thread the entries are counted and no age is reported. The next one tries again. */
  if (!monitor_runs)
    monitor_runs = wg_spawn ("wg-quarantine", monitor, NULL);
  pthread_mutex_unlock (&mutex);
  if (known)
    unref (object);
  return entered;
}

gboolean
wg_quarantine_remove (gpointer object)
{
  gboolean entered = FALSE;
  Entry *entry;

  pthread_once (&once, init);
  pthread_mutex_lock (&mutex);
  entry = find (object);
  if (entry) {
    entered = entry->since <= wg_clock_now ();
    recovered += entered;
    g_queue_remove (&entries, entry);
    pthread_cond_signal (&changed);
    entry_unref (entry);
  }
  pthread_mutex_unlock (&mutex);
  return entered;
}

/* With the mutex. */
static void
read_status (WgQuarantineStatus *status)
{
  gint64 now = wg_clock_now (), oldest = now;

  for (GList *l = entries.head; l; l = l->next) {
    gint64 since = ((Entry *) l->data)->since;

    status->now += since <= now;
    oldest = MIN (oldest, since);
  }
  status->recovered = recovered;
  status->entered = recovered + status->now;
  status->oldest_s = (double) (now - oldest) / G_USEC_PER_SEC;
  status->failing = status->now > status->max;
}

void
wg_quarantine_get_status (WgQuarantineStatus *status)
{
  *status = (WgQuarantineStatus){ .max = wg_settings ()->quarantine_max };
  pthread_mutex_lock (&mutex);
  read_status (status);
  pthread_mutex_unlock (&mutex);
}

gboolean
wg_quarantine_read (
    WgQuarantineStatus *status, gconstpointer *objects, guint max, guint *count, gint64 until)
{
  guint limit = wg_settings ()->quarantine_max;
  gint64 now = wg_clock_now ();

  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  *status = (WgQuarantineStatus){ .max = limit };
  read_status (status);
  *count = 0;
  for (GList *l = entries.head; l && *count < max; l = l->next)
    if (((Entry *) l->data)->since <= now)
      objects[(*count)++] = ((Entry *) l->data)->object;
  pthread_mutex_unlock (&mutex);
  return TRUE;
}
