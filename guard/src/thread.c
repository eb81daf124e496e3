/* SPDX-License-Identifier: MIT
 *
 * A thread's records are a stack, and the stack has one robust mutex that its thread holds for as
 * long as there are records on it. The scanner tries that mutex: EBUSY is a thread that lives,
 * EOWNERDEAD one that the kernel has seen going.
 *
 * Who owns a stack: its thread, while it is listed; whoever unlists it, from then on: the thread
 * itself with its last leave or in its destructor, or the scanner after its death. Listing,
 * unlisting and every try happen under the module's mutex. So nobody tries a mutex that its thread
 * is about to give back, and no memory is freed that the kernel's list of held mutexes leads to.
 *
 * No GLib type that comes from its slices (before 2.76): a thread that vanishes leaves them behind.
 */
#include <wolf-guard/log.h>
#include <wolf-guard/thread.h>

#include "books.h"
#include "portable.h"
#include "sync.h"

#include <errno.h>
#include <wolf-guard/inspect.h>

typedef struct {
  WgThreadInfo info; /* its strings belong to the record */
  GList link;        /* in its stack, then among the ended */
} Record;

typedef struct {
  pthread_mutex_t held; /* robust, locked by the thread */
  pid_t tid;
  GQueue records; /* of Record, innermost first */
  GList link;     /* in `stacks` */
} Stack;

static void stack_unwound (gpointer data);

static GPrivate current = G_PRIVATE_INIT (stack_unwound); /* the calling thread's Stack */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t filled;        /* `stacks` is no longer empty */
static GQueue stacks = G_QUEUE_INIT; /* of Stack */
static WgThreadCounts totals;
static gboolean scanning;
static WgThreadFunc thread_func;
static gpointer thread_func_data;

static void
init_once (void)
{
  wg_cond_init (&filled);
}

static Record *
record_new (pid_t tid, const char *name, const char *session, const char *pipeline)
{
  Record *record = g_new0 (Record, 1);

  record->info = (WgThreadInfo){
    .tid = tid,
    .name = g_strdup (name ? name : ""),
    .session = g_strdup (session ? session : ""),
    .pipeline = g_strdup (pipeline ? pipeline : ""),
    .started = wg_clock_now (),
    .end = WG_THREAD_ALIVE,
    .what = "",
  };
  record->link.data = record;
  return record;
}

static void
record_free (Record *record)
{
  g_free ((char *) record->info.name);
  g_free ((char *) record->info.session);
  g_free ((char *) record->info.pipeline);
  g_free (record);
}

/* How an unexpected end reads in the log. */
static const char *
end_text (WgThreadEnd end)
{
  switch (end) {
  case WG_THREAD_EXCEPTION:
    return "exception";
  case WG_THREAD_UNWOUND:
    return "pthread_exit, cancelled, or returned without leaving";
  case WG_THREAD_VANISHED:
    return "bare exit";
  case WG_THREAD_ALIVE:
  case WG_THREAD_LEFT:
    break;
  }
  return "?";
}

/* Say that a record began or ended. Without the module's mutex: both functions are the host's. */
static void
report (const WgThreadInfo *info)
{
  g_autofree char *subject = NULL;
  gint64 age = wg_clock_now () - info->started;
  WgThreadFunc func;
  gpointer data;

  subject = g_strdup_printf ("thread %d '%s'%s%s%s%s", (int) info->tid, info->name,
      *info->session ? " session=" : "", info->session, *info->pipeline ? " pipeline=" : "",
      info->pipeline);
  if (info->end == WG_THREAD_ALIVE)
    wg_log (WG_LOG_DEBUG, "%s: started", subject);
  else if (info->end == WG_THREAD_LEFT)
    wg_log (WG_LOG_DEBUG, "%s: ended after " WG_SECONDS_FORMAT " s", subject, WG_SECONDS (age));
  else
    wg_log (WG_LOG_ERROR, "%s: ENDED UNEXPECTEDLY (%s%s%s) after " WG_SECONDS_FORMAT " s", subject,
        end_text (info->end), *info->what ? ": " : "", info->what, WG_SECONDS (age));

  pthread_mutex_lock (&mutex);
  func = thread_func;
  data = thread_func_data;
  pthread_mutex_unlock (&mutex);
  if (func)
    func (info, data);
}

/* A stack with its mutex held by the calling thread, not listed yet. */
static Stack *
stack_new (void)
{
  Stack *stack = g_new0 (Stack, 1);
  pthread_mutexattr_t attr;

  pthread_mutexattr_init (&attr);
  pthread_mutexattr_setrobust (&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype (&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init (&stack->held, &attr);
  pthread_mutexattr_destroy (&attr);
  pthread_mutex_lock (&stack->held);
  stack->tid = wg_gettid ();
  stack->link.data = stack;
  return stack;
}

/* With the module's mutex: take the innermost record off, and the stack off the list if it was the
 * last. */
static Record *
stack_pop (Stack *stack, WgThreadEnd end)
{
  Record *record = g_queue_pop_head_link (&stack->records)->data;

  record->info.end = end;
  if (g_queue_is_empty (&stack->records))
    g_queue_unlink (&stacks, &stack->link);
  totals.alive--;
  if (end == WG_THREAD_LEFT)
    totals.left++;
  else
    totals.unexpected++;
  return record;
}

/* With the module's mutex: take all records off, innermost first, to the end of `ended`. */
static void
stack_pop_all (Stack *stack, WgThreadEnd end, GQueue *ended)
{
  while (!g_queue_is_empty (&stack->records))
    g_queue_push_tail_link (ended, &stack_pop (stack, end)->link);
}

/* By its thread, unlisted: give the mutex back. */
static void
stack_free (Stack *stack)
{
  pthread_mutex_unlock (&stack->held);
  pthread_mutex_destroy (&stack->held);
  g_free (stack);
}

static void
report_all (GQueue *ended)
{
  GList *link;

  while ((link = g_queue_pop_head_link (ended))) {
    Record *record = link->data;

    report (&record->info);
    record_free (record);
  }
}

/* The destructor of `current`: the thread ends, by whatever way that runs destructors. */
static void
stack_unwound (gpointer data)
{
  GQueue ended = G_QUEUE_INIT;

  pthread_mutex_lock (&mutex);
  stack_pop_all (data, WG_THREAD_UNWOUND, &ended);
  pthread_mutex_unlock (&mutex);
  stack_free (data);
  report_all (&ended);
}

/* With the module's mutex. TRUE: the stack's thread is gone, nothing points to its mutex now. */
static gboolean
stack_orphaned (Stack *stack)
{
  /* A thread whose list of held mutexes was damaged (something freed a robust mutex that it held)
   * hands over nothing. Its id tells, until it is given to another thread. Asked before the try:
   * the kernel goes through the list before it gives the id up, so the list has its say first. */
  gboolean no_such_thread = wg_thread_signal (stack->tid, 0) < 0 && errno == ESRCH;

  if (pthread_mutex_trylock (&stack->held) != EOWNERDEAD)
    return no_such_thread;
  pthread_mutex_consistent (&stack->held);
  pthread_mutex_unlock (&stack->held);
  pthread_mutex_destroy (&stack->held);
  return TRUE;
}

static void *
scan (void *unused)
{
  (void) unused;
  for (;;) {
    GQueue ended = G_QUEUE_INIT;
    gint64 due;

    pthread_mutex_lock (&mutex);
    while (g_queue_is_empty (&stacks))
      pthread_cond_wait (&filled, &mutex);
    due = wg_clock_now () + WG_THREAD_SCAN_MS * G_TIME_SPAN_MILLISECOND;
    while (wg_cond_wait_until (&filled, &mutex, due))
      ;
    for (GList *l = stacks.head, *next; l; l = next) {
      Stack *stack = l->data;

      next = l->next;
      if (!stack_orphaned (stack))
        continue;
      stack_pop_all (stack, WG_THREAD_VANISHED, &ended);
      g_free (stack);
    }
    pthread_mutex_unlock (&mutex);
    report_all (&ended);
  }
  return NULL;
}

void
wg_thread_set_func (WgThreadFunc func, gpointer data)
{
  pthread_mutex_lock (&mutex);
  thread_func = func;
  thread_func_data = data;
  pthread_mutex_unlock (&mutex);
}

void
wg_thread_enter (const char *name, const char *session, const char *pipeline)
{
  Stack *stack;
  Record *record;
  gboolean start;
  int cancel;

  /* The host's functions may have cancellation points: not between the list and the report. */
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_once (&once, init_once);
  stack = g_private_get (&current);
  if (!stack) {
    stack = stack_new ();
    g_private_set (&current, stack);
  }
  record = record_new (stack->tid, name, session, pipeline);
  /* Before it is listed: after that it is the scanner's as soon as the thread is gone. */
  report (&record->info);

  pthread_mutex_lock (&mutex);
  g_queue_push_head_link (&stack->records, &record->link);
  if (stack->records.length == 1) {
    g_queue_push_tail_link (&stacks, &stack->link);
    pthread_cond_signal (&filled);
  }
  totals.alive++;
  totals.started++;
  start = !scanning;
  scanning = TRUE;
  pthread_mutex_unlock (&mutex);

  if (start && !wg_spawn ("wg-threads", scan, NULL)) {
    pthread_mutex_lock (&mutex);
    scanning = FALSE;
    pthread_mutex_unlock (&mutex);
    wg_log (WG_LOG_WARNING,
        "no thread to watch threads with: bare exits go unnoticed until the "
        "next thread starts");
  }
  pthread_setcancelstate (cancel, NULL);
}

/* The calling thread's innermost record ends. */
static void
end_innermost (WgThreadEnd end, const char *what)
{
  Stack *stack = g_private_get (&current);
  Record *record;
  gboolean outermost;
  int cancel;

  if (!stack) {
    wg_log (WG_LOG_WARNING, "thread %d leaves without having entered", (int) wg_gettid ());
    return;
  }
  pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_mutex_lock (&mutex);
  record = stack_pop (stack, end);
  outermost = g_queue_is_empty (&stack->records);
  pthread_mutex_unlock (&mutex);
  if (outermost) {
    g_private_set (&current, NULL);
    stack_free (stack);
  }
  record->info.what = what ? what : "";
  report (&record->info);
  record_free (record);
  pthread_setcancelstate (cancel, NULL);
}

void
wg_thread_leave (void)
{
  end_innermost (WG_THREAD_LEFT, NULL);
}

void
wg_thread_fail (WgThreadEnd end, const char *what)
{
  g_return_if_fail (end != WG_THREAD_ALIVE);
  end_innermost (end, what);
}

void
wg_thread_get_counts (WgThreadCounts *counts)
{
  pthread_mutex_lock (&mutex);
  *counts = totals;
  pthread_mutex_unlock (&mutex);
}

gboolean
wg_thread_read (WgThreadCounts *counts, gint64 until)
{
  if (!wg_mutex_try_until (&mutex, until))
    return FALSE;
  *counts = totals;
  pthread_mutex_unlock (&mutex);
  return TRUE;
}
