/* SPDX-License-Identifier: MIT
 *
 * One thread, one poll(). A document nearly always fits into the socket's buffer and the reader is
 * done with; a *slow* reader is one whose buffer was full.
 */
#include "clock.h"
#include "health-private.h"
#include "settings.h"
#include "sync.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wolf-guard/log.h>

#define BACKLOG 128
#define AT_ONCE 32 /* readers accepted before any is served: they get the same document */
#define SLOW_MAX 16
#define SLOW_MS 1000
#define LOOK_AROUND_MS 1000
#define TEST_CLOCK_POLL_MS 1
#define NO_DESCRIPTOR_MS 10 /* until the next try */

typedef struct {
  int fd;
  char *rest; /* what has not been sent */
  gsize length, sent;
  gint64 deadline;
} Slow;

int wg_health_send_buffer;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of starts */
static gboolean listening;

/* The health thread's own, once it runs. */
static int listener = -1;
static int nothing = -1; /* /dev/null */
static int reserve = -1; /* given up for a reader when there is no other descriptor */
static WgHealthSelf self;
static Slow slow[SLOW_MAX]; /* the one that waits longest first */
static guint slow_count;
static WgHealthFacts facts;
static WgVerdict verdict;
static char text[WG_HEALTH_DOCUMENT_MAX];

/* --- readers */

static void
keep_reserve (void)
{
  if (reserve < 0)
    reserve = fcntl (nothing, F_DUPFD_CLOEXEC, 0);
}

/* The number becomes the reserve's in one step: a closed one could be another thread's at once. */
static void
end_reader (int fd)
{
  if (reserve < 0 && dup3 (nothing, fd, O_CLOEXEC) == fd)
    reserve = fd;
  else
    close (fd);
}

static void
end_slow (guint i, gboolean done)
{
  end_reader (slow[i].fd);
  g_free (slow[i].rest);
  self.served += done;
  self.dropped += !done;
  slow_count--;
  memmove (&slow[i], &slow[i + 1], (slow_count - i) * sizeof *slow);
}

/* What was sent, or -1 when the reader is gone. */
static gssize
send_some (int fd, const char *what, gsize length)
{
  gsize sent = 0;

  while (sent < length) {
    ssize_t n = send (fd, what + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN ? (gssize) sent : -1;
    sent += (gsize) n;
  }
  return (gssize) sent;
}

static void
serve (int fd, gsize length)
{
  gssize sent;

  if (wg_health_send_buffer)
    setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &wg_health_send_buffer, sizeof wg_health_send_buffer);
  sent = send_some (fd, text, length);
  if (sent < 0 || (gsize) sent == length) {
    end_reader (fd);
    self.served += sent >= 0;
    self.dropped += sent < 0;
    return;
  }
  if (slow_count == SLOW_MAX)
    end_slow (0, FALSE);
  slow[slow_count++] = (Slow){
    .fd = fd,
    .rest = g_memdup2 (text + sent, length - (gsize) sent),
    .length = length - (gsize) sent,
    .deadline = wg_clock_now () + SLOW_MS * G_TIME_SPAN_MILLISECOND,
  };
}

static void
go_on_with_slow (void)
{
  gint64 now = wg_clock_now ();

  for (guint i = 0; i < slow_count;) {
    Slow *reader = &slow[i];
    gssize sent =
        send_some (reader->fd, reader->rest + reader->sent, reader->length - reader->sent);

    reader->sent += (gsize) MAX (sent, 0);
    if (sent >= 0 && reader->sent < reader->length && now < reader->deadline)
      i++;
    else
      end_slow (i, reader->sent == reader->length);
  }
}

/* FALSE: nobody waits, or there is no descriptor even so. */
static gboolean
accept_one (int *fd)
{
  *fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (*fd < 0 && (errno == EMFILE || errno == ENFILE) && reserve >= 0) {
    close (reserve);
    reserve = -1;
    *fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  }
  return *fd >= 0;
}

/* All who wait now get a document that is younger than their connection. TRUE: somebody may still
 * wait for a descriptor. */
static gboolean
serve_all (void)
{
  int fds[AT_ONCE];
  guint count = 0;
  gboolean none;
  gsize length;

  while (count < AT_ONCE && accept_one (&fds[count]))
    count++;
  none = count < AT_ONCE && (errno == EMFILE || errno == ENFILE);
  if (count == 0)
    return none;
  wg_health_gather (&facts);
  wg_health_judge (&facts, &verdict);
  length = wg_health_write (&facts, &verdict, &self, text);
  for (guint i = 0; i < count; i++)
    serve (fds[i], length);
  return none;
}

/* --- the thread */

static int
ms_until (gint64 at)
{
  gint64 left = at - wg_clock_now ();

  if (!wg_clock_is_real ())
    return TEST_CLOCK_POLL_MS;
  return left <= 0 ? 0 : (int) MIN (left / G_TIME_SPAN_MILLISECOND + 1, LOOK_AROUND_MS);
}

static void
wait_for_readers (gint64 next_look, gboolean without_descriptor)
{
  struct pollfd fds[SLOW_MAX + 1];
  gint64 until = next_look;

  fds[0] = (struct pollfd){ .fd = without_descriptor ? -1 : listener, .events = POLLIN };
  for (guint i = 0; i < slow_count; i++) {
    fds[i + 1] = (struct pollfd){ .fd = slow[i].fd, .events = POLLOUT };
    until = MIN (until, slow[i].deadline);
  }
  if (without_descriptor)
    until = MIN (until, wg_clock_now () + NO_DESCRIPTOR_MS * G_TIME_SPAN_MILLISECOND);
  poll (fds, slow_count + 1, ms_until (until));
}

static void *
listen_for_ever (void *unused)
{
  gint64 next_look = 0;

  for (;;) {
    gboolean without_descriptor;

    if (wg_clock_now () >= next_look) {
      next_look = wg_clock_now () + LOOK_AROUND_MS * G_TIME_SPAN_MILLISECOND;
      wg_health_look_around ();
      wg_health_gather (&facts);
      wg_health_judge (&facts, &verdict);
    }
    without_descriptor = serve_all ();
    go_on_with_slow ();
    keep_reserve ();
    wait_for_readers (next_look, without_descriptor);
  }
  return unused;
}

/* --- the start */

/* Remove a socket that nobody listens at any more. */
static const char *
clear_away (const struct sockaddr_un *address)
{
  const char *why = NULL;
  struct stat status;
  int fd;

  if (lstat (address->sun_path, &status))
    return errno == ENOENT ? NULL : g_strerror (errno);
  if (!S_ISSOCK (status.st_mode))
    return "there is something else";
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return g_strerror (errno);
  if (connect (fd, (const struct sockaddr *) address, sizeof *address) == 0 || errno == EAGAIN)
    why = "another process listens there";
  else if (errno != ECONNREFUSED || unlink (address->sun_path))
    why = g_strerror (errno);
  close (fd);
  return why;
}

static const char *
open_listener (const struct sockaddr_un *address)
{
  listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* The file's mode is the socket's: there is no moment at which others may connect. */
  if (listener < 0 || fchmod (listener, S_IRUSR | S_IWUSR)
      || bind (listener, (const struct sockaddr *) address, sizeof *address))
    return g_strerror (errno);
  if (listen (listener, BACKLOG)) {
    int error = errno;

    unlink (address->sun_path);
    return g_strerror (error);
  }
  return NULL;
}

/* With the mutex. NULL: it listens; else why not. */
static const char *
start (const char *path, const char *version)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  const char *why;

  if (strlen (path) >= sizeof address.sun_path)
    return "the path is too long";
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  if ((why = clear_away (&address)))
    return why;
  if (!wg_health_prepare ())
    return g_strerror (errno);
  if (nothing < 0)
    nothing = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0)
    return g_strerror (errno);
  if (!(why = open_listener (&address))) {
    keep_reserve ();
    self = (WgHealthSelf){ .version = version, .started = wg_clock_now () };
    if (wg_spawn ("wg-health", listen_for_ever, NULL))
      return NULL;
    unlink (path);
    why = "there is no thread";
  }
  if (listener >= 0)
    close (listener);
  listener = -1;
  return why;
}

gboolean
wg_health_start (const char *path, const char *version)
{
  const char *setting = getenv ("WOLF_GUARD_HEALTH"), *why = NULL;

  path = setting && *setting ? setting : path;
  if (!path || strcmp (path, "off") == 0)
    return TRUE;
  wg_settings (); /* may log when it reads them: not in the health thread */
  wg_watch_start ();
  pthread_mutex_lock (&mutex);
  if (!listening)
    why = start (path, version);
  listening = !why;
  pthread_mutex_unlock (&mutex);
  if (why)
    wg_log (WG_LOG_WARNING, "health: cannot listen at '%s': %s", path, why);
  return !why;
}
