/* SPDX-License-Identifier: MIT
 *
 * The socket: everybody gets a document, whatever other threads and other readers do.
 */
#include "health-support.h"
#include "session.h"
#include "stuck-source.h"

#include "../src/dispatch-private.h"
#include "../src/health-private.h"
#include "../src/pipeline-private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SLOW_MAX 16
#define SMALL_BUFFER 1 /* the kernel's minimum, which is less than the documents below */

static void
start (void)
{
  g_assert_true (wg_health_start (health_path (), "test"));
}

static gint64
number (JsonObject *document, const char *part, const char *field)
{
  return json_object_get_int_member (json_object_get_object_member (document, part), field);
}

/* The entry of a part's list whose `field` is `value`, or NULL. */
static JsonObject *
entry (
    JsonObject *document, const char *part, const char *list, const char *field, const char *value)
{
  JsonObject *object = json_object_get_object_member (document, part);
  JsonArray *entries = json_object_get_array_member (object, list);

  for (guint i = 0; i < json_array_get_length (entries); i++) {
    JsonObject *one = json_array_get_object_element (entries, i);

    if (!json_object_get_null_member (one, field)
        && g_str_equal (json_object_get_string_member (one, field), value))
      return one;
  }
  return NULL;
}

/* --- the start */

static void
test_off (void)
{
  if (run_in_child ())
    return;
  g_assert_true (wg_health_start (NULL, "test"));
  g_setenv ("WOLF_GUARD_HEALTH", "off", TRUE);
  g_assert_true (wg_health_start (health_path (), "test"));
  g_assert_false (g_file_test (health_path (), G_FILE_TEST_EXISTS));
  g_setenv ("WOLF_GUARD_HEALTH", health_path (), TRUE);
  g_assert_true (wg_health_start (NULL, "test"));
  json_object_unref (health_read ());
}

/* For the owner alone, also where the mask would allow more; the second start does nothing. */
static void
test_mode (void)
{
  struct stat status;

  if (run_in_child ())
    return;
  umask (0);
  start ();
  start ();
  g_assert_cmpint (stat (health_path (), &status), ==, 0);
  g_assert_true (S_ISSOCK (status.st_mode));
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
}

static void
bind_at (const char *path, gboolean listens)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (listens)
    g_assert_cmpint (listen (fd, 1), ==, 0);
  else
    close (fd);
}

/* A former process's socket is replaced. A living one's, and what is no socket, stay. */
static void
test_place (void)
{
  g_autofree char *long_path = g_strnfill (200, 'x');

  if (run_in_child ())
    return;
  log_watch ();
  g_assert_false (wg_health_start (long_path, "test"));
  log_await ("too long");
  g_assert_false (wg_health_start ("/nowhere/health.sock", "test"));
  g_assert_true (g_file_set_contents (health_path (), "mine", -1, NULL));
  g_assert_false (wg_health_start (health_path (), "test"));
  log_await ("there is something else");
  g_assert_true (g_file_test (health_path (), G_FILE_TEST_IS_REGULAR));
  unlink (health_path ());
  bind_at (health_path (), TRUE);
  g_assert_false (wg_health_start (health_path (), "test"));
  log_await ("another process listens there");
  unlink (health_path ());
  bind_at (health_path (), FALSE);
  start ();
  json_object_unref (health_read ());
}

static void
test_no_thread (void)
{
  if (run_in_child ())
    return;
  log_watch ();
  threads_refuse (TRUE);
  g_assert_false (wg_health_start (health_path (), "test"));
  g_assert_false (g_file_test (health_path (), G_FILE_TEST_EXISTS));
  g_assert_cmpuint (log_count ("there is no thread"), ==, 1);
  threads_refuse (FALSE);
  start ();
  json_object_unref (health_read ());
}

/* --- what the document says */

static Gate task_gate = GATE_INIT;

static void
stand (gpointer gate)
{
  gate_pass (gate);
}

static void
get_lock_counts (WgLockCounts *counts)
{
  *counts = (WgLockCounts){ .recovered = 3 };
}

/* A pipeline, a task that runs and one that waits, locks. */
static void
test_books (void)
{
  WgTask task = { .what = "container stop", .func = stand, .data = &task_gate };
  g_autoptr (JsonObject) document = NULL;
  WgDispatch *queue;
  Idle idle;

  if (run_in_child ())
    return;
  start ();
  g_assert_true (wg_health_add_locks ("test", get_lock_counts));
  idle = idle_new ("fakesrc ! fakesink");
  gate_close (&task_gate);
  queue = wg_dispatch_get ("session 12");
  wg_dispatch_post (queue, &task, NULL);
  gate_await (&task_gate, 1);
  wg_dispatch_post (queue, &task, NULL);
  document = health_read ();
  g_assert_cmpint (number (document, "pipelines", "live"), ==, 1);
  g_assert_cmpint (number (document, "dispatcher", "queued"), ==, 1);
  g_assert_nonnull (entry (document, "dispatcher", "tasks", "what", "container stop"));
  g_assert_nonnull (entry (document, "dispatcher", "queues", "name", "session 12"));
  g_assert_nonnull (entry (document, "threads", "list", "name", "wg-dispatch"));
  g_assert_nonnull (health_reason (document, "locks"));
  gate_open (&task_gate);
  wg_dispatch_unref (queue);
  idle_free (&idle);
}

static gboolean
is_kept (gpointer unused)
{
  g_autoptr (JsonObject) document = health_read ();
  JsonObject *one = entry (document, "pipelines", "list", "state", "quarantine");

  (void) unused;
  return one && health_reason (document, "quarantine")
      && !json_object_get_null_member (one, "call");
}

static gboolean
is_ok (gpointer unused)
{
  g_autoptr (JsonObject) document = health_read ();

  (void) unused;
  return g_str_equal (json_object_get_string_member (document, "status"), "ok");
}

/* A pipeline that does not end is named, with the call; and not any more when it has ended. */
static void
test_quarantine (void)
{
  Session *session;

  if (run_in_child ())
    return;
  g_setenv ("WOLF_GUARD_EOS_MS", "100", TRUE);
  g_setenv ("WOLF_GUARD_NULL_MS", "100", TRUE);
  stuck_source_register ();
  start ();
  session = session_new ("wgstucksrc ! fakesink name=sink", NULL, NULL);
  session_start (session);
  session_await_playing (session);
  assert_comes (is_ok, NULL);
  gate_close (&stuck_create);
  gate_await (&stuck_create, 1);
  session_stop (session);
  session_join (session);
  assert_comes (is_kept, NULL);
  gate_open (&stuck_create);
  assert_comes (is_ok, NULL);
  session_free (session);
}

/* --- alive */

static Gate held_gate = GATE_INIT;

static gpointer
stand_in_scope (gpointer unused)
{
  wg_watch_begin ("POST /pair");
  gate_pass (&held_gate);
  wg_watch_end ();
  return unused;
}

static gpointer
stand_with_mutex (gpointer mutex)
{
  pthread_mutex_lock (mutex);
  gate_pass (&held_gate);
  pthread_mutex_unlock (mutex);
  return NULL;
}

static void
stand_with_list (WgPipeline *pipeline, gpointer data)
{
  (void) pipeline;
  gate_pass (data);
}

static gpointer
stand_over_list (gpointer unused)
{
  wg_shutdown_each (stand_with_list, &held_gate, G_MAXINT64);
  return unused;
}

/* The document comes while every other thread stands still, also within guard's own mutexes. */
static void
test_all_held (void)
{
  enum { HELD = 100 };
  GThread *threads[HELD + 3];
  g_autoptr (JsonObject) document = NULL;
  Idle idle;

  if (run_in_child ())
    return;
  wg_dispatch_unref (wg_dispatch_get ("first use"));
  idle = idle_new ("fakesrc ! fakesink");
  start ();
  gate_close (&held_gate);
  for (guint i = 0; i < HELD; i++)
    threads[i] = g_thread_new ("held", stand_in_scope, NULL);
  threads[HELD] = g_thread_new ("held", stand_with_mutex, &wg_dispatch.mutex);
  gate_await (&held_gate, HELD + 1);
  document = health_read ();
  g_assert_cmpint (number (document, "threads", "watched"), >=, HELD);
  g_assert_nonnull (entry (document, "threads", "list", "operation", "POST /pair"));
  g_assert_true (json_object_get_null_member (document, "dispatcher"));
  g_assert_false (json_object_get_null_member (document, "pipelines"));
  g_assert_nonnull (health_reason (document, "books"));
  json_object_unref (document);

  threads[HELD + 1] = g_thread_new ("held", stand_with_mutex, &idle.pipeline->mutex);
  gate_await (&held_gate, HELD + 2);
  document = health_read ();
  g_assert_true (json_object_get_null_member (document, "pipelines"));
  json_object_unref (document);

  threads[HELD + 2] = g_thread_new ("held", stand_over_list, NULL);
  gate_await (&held_gate, HELD + 3);
  document = health_read ();
  g_assert_true (json_object_get_null_member (document, "pipelines"));
  gate_open (&held_gate);
  for (guint i = 0; i < HELD + 3; i++)
    g_thread_join (threads[i]);
  assert_comes (is_ok, NULL);
  idle_free (&idle);
}

static gpointer
stand_idle (gpointer unused)
{
  wg_watch_begin_idle ("accept");
  gate_pass (&held_gate);
  wg_watch_end ();
  return unused;
}

/* What a document says of its first thread. */
static const char *
first_level (JsonObject *document)
{
  JsonObject *threads = json_object_get_object_member (document, "threads");
  JsonArray *list = json_object_get_array_member (threads, "list");

  return json_object_get_string_member (json_array_get_object_element (list, 0), "level");
}

/* Levels come from the scanner. The worst thread is listed, also among many that are idle. */
static void
test_levels (void)
{
  enum { IDLE = 70 };
  GThread *threads[IDLE + 1];
  g_autoptr (JsonObject) document = NULL;

  if (run_in_child ())
    return;
  g_setenv ("WOLF_GUARD_WATCH_SLOW_MS", "1", TRUE);
  g_setenv ("WOLF_GUARD_WATCH_STUCK_MS", "2", TRUE);
  g_setenv ("WOLF_GUARD_WATCH_LOST_MS", "600", TRUE);
  log_watch ();
  start ();
  gate_close (&held_gate);
  for (guint i = 0; i < IDLE; i++)
    threads[i] = g_thread_new ("idle", stand_idle, NULL);
  gate_await (&held_gate, IDLE);
  threads[IDLE] = g_thread_new ("held", stand_in_scope, NULL);
  assert_comes (health_says, (gpointer) "threads-lost");
  document = health_read ();
  g_assert_cmpstr (first_level (document), ==, "lost");
  gate_open (&held_gate);
  for (guint i = 0; i < IDLE + 1; i++)
    g_thread_join (threads[i]);
  assert_comes (is_ok, NULL);
}

/* --- readers */

static gboolean
has_dropped (gpointer count)
{
  g_autoptr (JsonObject) document = health_read ();

  return number (document, "readers", "dropped") == *(gint64 *) count;
}

/* Enough threads for a document that a small buffer does not hold. */
static void
start_small (GThread **threads, guint n)
{
  wg_health_send_buffer = SMALL_BUFFER;
  start ();
  gate_close (&held_gate);
  for (guint i = 0; i < n; i++)
    threads[i] = g_thread_new ("held", stand_in_scope, NULL);
  gate_await (&held_gate, n);
}

static void
end_small (GThread **threads, guint n)
{
  gate_open (&held_gate);
  for (guint i = 0; i < n; i++)
    g_thread_join (threads[i]);
}

/* A reader that takes nothing gets its second, and only a part. Others get theirs meanwhile. */
static void
test_slow (void)
{
  enum { HELD = 70, OTHERS = 5 };
  GThread *threads[HELD];
  g_autofree char *part = NULL;
  gint64 dropped = 0;
  int fd;

  if (run_in_child ())
    return;
  clock_install ();
  start_small (threads, HELD);
  fd = health_connect ();
  for (guint i = 0; i < OTHERS; i++)
    json_object_unref (health_read ());
  clock_advance_ms (900);
  g_assert_true (has_dropped (&dropped));
  g_assert_true (has_dropped (&dropped)); /* written after the slow one was looked at */
  clock_advance_ms (200);
  dropped = 1;
  assert_comes (has_dropped, &dropped);
  part = health_receive (fd);
  g_assert_cmpuint (strlen (part), >, 0);
  g_assert_false (g_str_has_suffix (part, "}\n"));
  end_small (threads, HELD);
}

/* More silent readers than there is room for: the oldest go, and the next reader is served. */
static void
test_many_slow (void)
{
  enum { HELD = 70, SILENT = 40 };
  GThread *threads[HELD];
  g_autoptr (JsonObject) document = NULL;
  int fds[SILENT];

  if (run_in_child ())
    return;
  clock_install ();
  start_small (threads, HELD);
  for (guint i = 0; i < SILENT; i++)
    fds[i] = health_connect ();
  json_object_unref (health_read ());
  document = health_read (); /* written after all of those were served, or not */
  g_assert_cmpint (number (document, "readers", "dropped"), >=, SILENT - SLOW_MAX);
  for (guint i = 0; i < SILENT; i++)
    close (fds[i]);
  end_small (threads, HELD);
}

static void
test_500 (void)
{
  enum { READERS = 500 };
  int fds[READERS];
  g_autoptr (JsonObject) document = NULL;

  if (run_in_child ())
    return;
  start ();
  for (guint i = 0; i < READERS; i++)
    fds[i] = health_connect ();
  for (guint i = 0; i < READERS; i++) {
    g_autofree char *text = health_receive (fds[i]);

    json_object_unref (health_parse (text, FALSE));
  }
  document = health_read ();
  g_assert_cmpint (number (document, "readers", "served"), ==, READERS);
  g_assert_cmpint (number (document, "readers", "dropped"), ==, 0);
}

/* --- descriptors */

static void
limit_descriptors (guint limit)
{
  struct rlimit most;

  getrlimit (RLIMIT_NOFILE, &most);
  most.rlim_cur = limit;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &most), ==, 0);
}

/* Take descriptors until `left` are free. */
static void
take_descriptors (guint limit, guint left)
{
  int last;

  limit_descriptors (limit);
  do
    last = dup (STDIN_FILENO);
  while (last >= 0 && (guint) last + left + 1 < limit);
}

/* None is left: the reserve is given up for a reader, one after the other. */
static void
test_no_descriptor (void)
{
  enum { READERS = 10, LIMIT = 200 };
  int fds[READERS];
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (run_in_child ())
    return;
  start ();
  json_object_unref (health_read ());
  g_strlcpy (address.sun_path, health_path (), sizeof address.sun_path);
  for (guint i = 0; i < READERS; i++)
    fds[i] = socket (AF_UNIX, SOCK_STREAM, 0);
  take_descriptors (LIMIT, 0);
  g_assert_cmpint (dup (STDIN_FILENO), ==, -1);
  for (guint i = 0; i < READERS; i++) {
    g_autofree char *text = NULL;

    g_assert_cmpint (connect (fds[i], (struct sockaddr *) &address, sizeof address), ==, 0);
    text = health_receive (fds[i]);
    g_assert_cmpuint (strlen (text), >, 2);
    while (dup (STDIN_FILENO) >= 0)
      ; /* the test's own, which is free again */
  }
  limit_descriptors (2 * LIMIT); /* sanitizers look for leaks with them */
}

static void
test_few_descriptors (void)
{
  enum { LIMIT = 200 };
  g_autoptr (JsonObject) document = NULL;

  if (run_in_child ())
    return;
  start ();
  take_descriptors (LIMIT, LIMIT / 8);
  assert_comes (health_says, (gpointer) "descriptors");
  document = health_read ();
  g_assert_cmpint (number (document, "descriptors", "max"), ==, LIMIT);
  g_assert_cmpint (number (document, "descriptors", "used"), >=, LIMIT * 8 / 10);
  g_assert_cmpstr (json_object_get_string_member (document, "status"), ==, "degraded");
  limit_descriptors (2 * LIMIT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/health/start/off", test_off);
  g_test_add_func ("/health/start/mode", test_mode);
  g_test_add_func ("/health/start/place", test_place);
  g_test_add_func ("/health/start/no-thread", test_no_thread);
  g_test_add_func ("/health/says/books", test_books);
  g_test_add_func ("/health/says/quarantine", test_quarantine);
  g_test_add_func ("/health/says/levels", test_levels);
  g_test_add_func ("/health/alive/all-held", test_all_held);
  g_test_add_func ("/health/readers/slow", test_slow);
  g_test_add_func ("/health/readers/many-slow", test_many_slow);
  g_test_add_func ("/health/readers/500", test_500);
  g_test_add_func ("/health/descriptors/none", test_no_descriptor);
  g_test_add_func ("/health/descriptors/few", test_few_descriptors);
  return g_test_run ();
}
