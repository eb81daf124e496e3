/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "health-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* --- locks */

typedef void (*GetLocks) (WgLockCounts *counts);

static struct {
  const char *name;
  _Atomic (GetLocks) get; /* set last; NULL: not yet */
} locks[WG_HEALTH_LOCKS];
static atomic_uint lock_count;

gboolean
wg_health_add_locks (const char *name, GetLocks get)
{
  guint i = atomic_load (&lock_count);

  do {
    if (i == WG_HEALTH_LOCKS)
      return FALSE;
  } while (!atomic_compare_exchange_weak (&lock_count, &i, i + 1));
  locks[i].name = name;
  atomic_store (&locks[i].get, get);
  return TRUE;
}

static void
read_locks (WgHealthFacts *facts)
{
  facts->lock_count = 0;
  for (guint i = 0; i < WG_HEALTH_LOCKS; i++) {
    GetLocks get = atomic_load (&locks[i].get);

    if (!get)
      continue;
    get (&facts->locks[facts->lock_count]);
    facts->lock_names[facts->lock_count++] = locks[i].name;
  }
}

/* --- descriptors. The folder stays open: without a descriptor to spare it could not be opened. */

static DIR *fd_folder;
static guint fds, fds_max;

static void
count_descriptors (void)
{
  struct rlimit limit;
  guint found = 0;

  rewinddir (fd_folder);
  for (struct dirent *entry; (entry = readdir (fd_folder));)
    found += entry->d_name[0] != '.';
  fds = found;
  getrlimit (RLIMIT_NOFILE, &limit);
  fds_max = limit.rlim_cur > G_MAXUINT ? G_MAXUINT : (guint) limit.rlim_cur;
}

/* --- names of threads. They may change, so that they are asked for again each second. */

typedef struct {
  pid_t tid;
  guint age; /* looks around since it was read */
  char name[16];
} Name;

static Name names[WG_WATCH_SLOTS];
static guint age = 1;

static void
read_name (Name *known, pid_t tid)
{
  char path[64], text[32];
  ssize_t length;
  int fd;

  g_snprintf (path, sizeof path, "/proc/self/task/%d/comm", (int) tid);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  length = fd < 0 ? 0 : read (fd, text, sizeof text - 1);
  if (fd >= 0)
    close (fd);
  if (length <= 0 && known->tid == tid)
    return; /* no descriptor, perhaps: the old one still holds */
  text[MAX (length, 0)] = 0;
  text[strcspn (text, "\n")] = 0;
  known->tid = tid;
  g_strlcpy (known->name, text, sizeof known->name);
}

static void
name_of (pid_t tid, char *name, gsize size)
{
  Name *known = &names[(guint) tid % G_N_ELEMENTS (names)];

  if (known->tid != tid || known->age != age) {
    read_name (known, tid);
    known->age = age;
  }
  g_strlcpy (name, known->name, size);
}

/* --- all together */

gboolean
wg_health_prepare (void)
{
  if (!fd_folder)
    fd_folder = opendir ("/proc/self/fd");
  return fd_folder != NULL;
}

void
wg_health_look_around (void)
{
  age++;
  count_descriptors ();
}

/* Of threads of the same level: the busy ones, the longest first, then the idle ones. */
static int
worst_first (gconstpointer a, gconstpointer b)
{
  const WgWatchThread *one = a, *other = b;

  if (one->level != other->level)
    return (int) other->level - (int) one->level;
  if (!one->since || !other->since)
    return (one->since == 0) - (other->since == 0);
  return (one->since > other->since) - (one->since < other->since);
}

static void
read_books (WgHealthFacts *facts, gint64 until)
{
  gconstpointer unused;
  guint count;

  if (!wg_watch_read (facts->threads, WG_WATCH_SLOTS, &facts->watch, until))
    facts->missing |= WG_BOOK_WATCH;
  if (!wg_beat_read (facts->beats, WG_BEATS, &facts->beat_counts, until))
    facts->missing |= WG_BOOK_BEATS;
  if (!wg_canary_read (&facts->canary, until))
    facts->missing |= WG_BOOK_CANARY;
  if (!wg_quarantine_read (&facts->quarantine, &unused, 0, &count, until))
    facts->missing |= WG_BOOK_QUARANTINE;
  if (!wg_pipeline_read (facts->pipelines, WG_HEALTH_PIPELINES, &facts->pipeline_counts, until))
    facts->missing |= WG_BOOK_PIPELINES;
  if (!wg_dispatch_read (
          facts->queues, WG_HEALTH_QUEUES, facts->tasks, WG_HEALTH_TASKS, &facts->dispatch, until))
    facts->missing |= WG_BOOK_DISPATCH;
  if (!wg_thread_read (&facts->ends, until))
    facts->missing |= WG_BOOK_THREADS;
}

void
wg_health_gather (WgHealthFacts *facts)
{
  facts->missing = 0;
  read_books (facts, g_get_monotonic_time () + WG_HEALTH_BUDGET_MS * G_TIME_SPAN_MILLISECOND);
  facts->now = wg_clock_now ();
  facts->watch_now = g_get_monotonic_time ();
  qsort (facts->threads, facts->watch.count, sizeof *facts->threads, worst_first);
  for (guint i = 0; i < MIN (facts->watch.count, WG_HEALTH_THREADS); i++)
    name_of (facts->threads[i].tid, facts->names[i], sizeof facts->names[i]);
  read_locks (facts);
  facts->fds = fds;
  facts->fds_max = fds_max;
}
