/* SPDX-License-Identifier: MIT
 *
 * Children started in the middle of an accept storm, whose sockets are opened without
 * close-on-exec, have their standard streams and nothing else; without the call they have the
 * sockets, or the storm would prove nothing.
 *
 * The child is this program again: with --list it prints what it was born with.
 */
#include <wolf-guard/child.h>

#include "../src/child-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_S 220 /* for the whole file; a hang is a failure */
#define CHILDREN 10
#define CONNECTIONS 8 /* open at a time in the storm */
#define MANY 600      /* descriptors: more than one buffer of getdents64 holds */

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

typedef int (*Guard) (int first);

static char *program;

/* --list: one line a descriptor, "3 socket:[4711]". */
static int
list_descriptors (void)
{
  DIR *dir = opendir ("/proc/self/fd");
  const struct dirent *entry;

  while ((entry = readdir (dir))) {
    char target[256] = "";

    if (*entry->d_name == '.' || atoi (entry->d_name) == dirfd (dir))
      continue;
    if (readlinkat (dirfd (dir), entry->d_name, target, sizeof target - 1) < 0)
      return 1;
    printf ("%s %s\n", entry->d_name, target);
  }
  closedir (dir);
  return 0;
}

/* Between fork and exec, hence what may be called there. What it returns, a child exits with. */
static void
child_main (Guard guard, int first, int out)
{
  char *arguments[] = { program, (char *) "--list", NULL };

  dup2 (out, STDOUT_FILENO);
  if (guard && guard (first) != 0)
    _exit (100);
  execv (program, arguments);
  _exit (101);
}

/* What a child prints that calls `guard` (NULL: nothing) after the fork. */
static char *
list_child (Guard guard, int first)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  int ends[2], status;
  ssize_t length;
  pid_t child;

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    child_main (guard, first, ends[1]);
  close (ends[1]);
  while ((length = read (ends[0], buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, length);
  close (ends[0]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  return g_string_free (text, FALSE);
}

/* The descriptors' numbers alone, "0 1 2 ". */
static char *
numbers (const char *listed)
{
  g_auto (GStrv) lines = g_strsplit (listed, "\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (char **line = lines; **line; line++)
    g_string_append_printf (text, "%d ", atoi (*line));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

typedef struct {
  int listener;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  guint accepted;
  gboolean stop;
} Storm;

/* One more accepted. FALSE: the storm is over. */
static gboolean
storm_goes_on (Storm *storm)
{
  gboolean stop;

  pthread_mutex_lock (&storm->mutex);
  storm->accepted++;
  stop = storm->stop;
  pthread_cond_signal (&storm->changed);
  pthread_mutex_unlock (&storm->mutex);
  return !stop;
}

/* Wait until all slots are filled, with other connections than at the last call. */
static void
storm_await (Storm *storm)
{
  guint from;

  pthread_mutex_lock (&storm->mutex);
  from = storm->accepted;
  while (storm->accepted - from < 2 * CONNECTIONS)
    pthread_cond_wait (&storm->changed, &storm->mutex);
  pthread_mutex_unlock (&storm->mutex);
}

static void
storm_stop (Storm *storm)
{
  pthread_mutex_lock (&storm->mutex);
  storm->stop = TRUE;
  pthread_mutex_unlock (&storm->mutex);
}

/* Connections come, stay for a while and go, all without close-on-exec, as Boost.Asio's do. */
static void *
storm_main (void *data)
{
  Storm *storm = data;
  struct sockaddr_un address;
  socklen_t length = sizeof address;
  int pairs[CONNECTIONS][2], *pair;
  guint i = 0;

  memset (pairs, -1, sizeof pairs);
  g_assert_cmpint (getsockname (storm->listener, (struct sockaddr *) &address, &length), ==, 0);
  do {
    pair = pairs[i++ % CONNECTIONS];
    if (pair[0] >= 0) {
      close (pair[0]);
      close (pair[1]);
    }
    pair[0] = socket (AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint (connect (pair[0], (struct sockaddr *) &address, length), ==, 0);
    pair[1] = accept (storm->listener, NULL, NULL);
    g_assert_cmpint (pair[1], >=, 0);
  } while (storm_goes_on (storm));
  for (i = 0; i < CONNECTIONS && pairs[i][0] >= 0; i++) {
    close (pairs[i][0]);
    close (pairs[i][1]);
  }
  return NULL;
}

static void
test_storm (gconstpointer data)
{
  const Guard *guard = data;
  /* Unix sockets: the kernel gives the name, and nobody else's ports and queues come in. */
  Storm storm = {
    .listener = socket (AF_UNIX, SOCK_STREAM, 0),
    .mutex = PTHREAD_MUTEX_INITIALIZER,
    .changed = PTHREAD_COND_INITIALIZER,
  };
  sa_family_t family = AF_UNIX;
  guint with_connections = 0;
  pthread_t thread;

  g_assert_cmpint (bind (storm.listener, (struct sockaddr *) &family, sizeof family), ==, 0);
  g_assert_cmpint (listen (storm.listener, 4), ==, 0);
  g_assert_cmpint (pthread_create (&thread, NULL, storm_main, &storm), ==, 0);
  for (int i = 0; i < CHILDREN; i++) {
    g_autofree char *plain = NULL, *kept = NULL, *left = NULL;

    storm_await (&storm);
    plain = list_child (NULL, 0);
    kept = list_child (*guard, 3);
    left = numbers (kept);
    g_assert_cmpstr (left, ==, "0 1 2 ");
    g_assert_nonnull (strstr (plain, "socket:[")); /* the listener at the least */
    with_connections += strstr (strstr (plain, "socket:[") + 1, "socket:[") != NULL;
  }
  storm_stop (&storm);
  pthread_join (thread, NULL);
  close (storm.listener);
  g_assert_cmpuint (with_connections, ==, CHILDREN);
}

/* What is below `first` stays, in gaps and all; what is above goes, however much it is. */
static void
test_first (gconstpointer data)
{
  const Guard *guard = data;
  g_autofree char *before = NULL, *all = NULL, *some = NULL;
  int fds[MANY], kept;

  for (guint i = 0; i < MANY; i++) {
    fds[i] = open ("/dev/null", O_RDONLY);
    g_assert_cmpint (fds[i], >=, 3);
  }
  kept = fds[MANY / 2];
  close (fds[1]); /* a gap */
  before = list_child (NULL, 0);
  all = list_child (*guard, 0); /* even the standard streams: nothing is printed */
  some = list_child (*guard, kept + 1);
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *line = g_strdup_printf ("\n%d /dev/null\n", fds[i]);

    g_assert_true (i == 1 || strstr (before, line));
    g_assert_true ((i != 1 && i <= MANY / 2) == (strstr (some, line) != NULL));
    if (i != 1)
      close (fds[i]);
  }
  g_assert_cmpstr (all, ==, "");
}

/* Marked, not closed: the descriptor that reports a failing exec works until then. */
static void
test_marked (gconstpointer data)
{
  const Guard *guard = data;
  int ends[2], status;
  pid_t child;
  char c = 0;

  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0) {
    char *arguments[] = { (char *) "nothing", NULL };

    if ((*guard) (3) != 0 || fcntl (ends[1], F_GETFD) != FD_CLOEXEC
        || fcntl (STDERR_FILENO, F_GETFD) != 0)
      _exit (1);
    execv ("/nonexistent", arguments);
    _exit (write (ends[1], "x", 1) == 1 ? 0 : 2);
  }
  close (ends[1]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpint (read (ends[0], &c, 1), ==, 1);
  g_assert_cmpint (c, ==, 'x');
  close (ends[0]);
}

static int refusal; /* the errno with which close_range is refused */

/* As a kernel without close_range, or a seccomp profile that is older than it. */
static int
guard_where_refused (int first)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (guint32) refusal),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog prog = { .len = G_N_ELEMENTS (filter), .filter = filter };

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
      || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
    return EPERM;
  if (wg_child_mark_by_range (first) != refusal)
    return EIO; /* the filter does not filter */
  return wg_child_keep_only_below (first);
}

static void
test_refused (void)
{
  static const int refusals[] = { ENOSYS, EINVAL, EPERM };
  int fd = open ("/dev/null", O_RDONLY);

  g_assert_cmpint (fd, >=, 3);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree char *listed = NULL, *left = NULL;

    refusal = refusals[i];
    listed = list_child (guard_where_refused, 3);
    left = numbers (listed);
    g_assert_cmpstr (left, ==, "0 1 2 ");
  }
  close (fd);
}

/* No descriptor is left for the walk: it says so, and the child goes on. */
static int
walk_without_descriptors (int first)
{
  struct rlimit before, none;
  int result;

  getrlimit (RLIMIT_NOFILE, &before);
  none = before;
  none.rlim_cur = 0;
  setrlimit (RLIMIT_NOFILE, &none);
  result = wg_child_mark_by_walk (first);
  setrlimit (RLIMIT_NOFILE, &before);
  return result == EMFILE ? 0 : EIO;
}

static void
test_errors (void)
{
  g_autofree char *listed = list_child (walk_without_descriptors, 3);

  g_assert_nonnull (strstr (listed, "0 "));
  g_assert_cmpint (wg_child_keep_only_below (-1), ==, EINVAL);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    Guard guard;
  } ways[] = {
    { "either", wg_child_keep_only_below },
    { "range", wg_child_mark_by_range },
    { "walk", wg_child_mark_by_walk },
  };

  if (argc == 2 && g_str_equal (argv[1], "--list"))
    return list_descriptors ();

  /* The test's own descriptors have to be the three streams, whoever started it. */
  if (wg_child_mark_by_walk (3) != 0)
    return 1;
  program = g_file_read_link ("/proc/self/exe", NULL);
  g_test_init (&argc, &argv, NULL);
  alarm (TIMEOUT_S);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    if (ways[i].guard == wg_child_mark_by_range && wg_child_mark_by_range (G_MAXINT) != 0) {
      g_test_message ("close_range does not work here: not tested");
      continue;
    }
    g_autofree char *storm = g_strconcat ("/child/storm/", ways[i].name, NULL);
    g_autofree char *first = g_strconcat ("/child/first/", ways[i].name, NULL);
    g_autofree char *marked = g_strconcat ("/child/marked/", ways[i].name, NULL);

    g_test_add_data_func (storm, &ways[i].guard, test_storm);
    g_test_add_data_func (first, &ways[i].guard, test_first);
    g_test_add_data_func (marked, &ways[i].guard, test_marked);
  }
  g_test_add_func ("/child/refused", test_refused);
  g_test_add_func ("/child/errors", test_errors);
  return g_test_run ();
}
