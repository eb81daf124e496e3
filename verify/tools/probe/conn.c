/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include "deadline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _ProbeConn {
  int fd;
  SSL *ssl; /* owned, NULL while the connection is plain */
  gint64 deadline;
};

G_DEFINE_QUARK (probe - error - quark, probe_error)

const char *
probe_phase_name (ProbePhase phase)
{
  switch (phase) {
  case PROBE_PHASE_CONNECT:
    return "connect";
  case PROBE_PHASE_HANDSHAKE:
    return "handshake";
  case PROBE_PHASE_REQUEST:
    return "request";
  case PROBE_PHASE_RESPONSE:
    return "response";
  case PROBE_PHASE_DONE:
    return "done";
  }
  return "unknown";
}

static void
set_errno_error (GError **error, const char *what, int number)
{
  ProbeErrorCode code = PROBE_ERROR_SYSTEM;

  if (number == ECONNREFUSED || number == ENOENT)
    code = PROBE_ERROR_REFUSED;
  else if (number == ECONNRESET || number == EPIPE)
    code = PROBE_ERROR_RESET;
  else if (number == ETIMEDOUT)
    code = PROBE_ERROR_TIMEOUT;
  g_set_error (error, PROBE_ERROR, (gint) code, "%s: %s", what, g_strerror (number));
}

gboolean
probe_wait_fd (int fd, short events, gint64 deadline, const char *what, GError **error)
{
  for (;;) {
    struct pollfd entry = { .fd = fd, .events = events };
    int count = poll (&entry, 1, probe_deadline_poll_ms (deadline));

    if (count > 0)
      return TRUE;
    if (count < 0 && errno != EINTR) {
      set_errno_error (error, "poll", errno);
      return FALSE;
    }
    if (probe_deadline_passed (deadline)) {
      g_set_error (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT, "no %s in time", what);
      return FALSE;
    }
  }
}

gboolean
probe_address_parse (
    const char *host, guint16 port, struct sockaddr_storage *address, guint *length, GError **error)
{
  struct sockaddr_in *v4 = (struct sockaddr_in *) address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) address;

  memset (address, 0, sizeof *address);
  if (strcmp (host, "localhost") == 0)
    host = "127.0.0.1";
  if (inet_pton (AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons (port);
    *length = sizeof *v4;
    return TRUE;
  }
  if (inet_pton (AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons (port);
    *length = sizeof *v6;
    return TRUE;
  }
  g_set_error (error, PROBE_ERROR, PROBE_ERROR_USAGE,
      "'%s' is neither localhost nor an IPv4 or IPv6 address; no other name is resolved", host);
  return FALSE;
}

gboolean
probe_address_is_loopback (const char *host)
{
  struct sockaddr_storage address;
  guint length;

  if (!probe_address_parse (host, 0, &address, &length, NULL))
    return FALSE;
  if (address.ss_family == AF_INET)
    return (ntohl (((struct sockaddr_in *) &address)->sin_addr.s_addr) >> 24) == 127;
  return IN6_IS_ADDR_LOOPBACK (&((struct sockaddr_in6 *) &address)->sin6_addr);
}

ProbeConn *
probe_conn_new_for_fd (int fd, gint64 deadline)
{
  ProbeConn *conn = g_new0 (ProbeConn, 1);

  conn->fd = fd;
  conn->deadline = deadline;
  return conn;
}

/* Finishes a connect() that may still be under way. Takes @fd in any case. */
static ProbeConn *
open_address (const struct sockaddr *address, socklen_t length, gint64 deadline, GError **error)
{
  g_autoptr (ProbeConn) conn = NULL;
  int number = 0;
  socklen_t number_size = sizeof number;
  int fd = socket (address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0) {
    set_errno_error (error, "socket", errno);
    return NULL;
  }
  conn = probe_conn_new_for_fd (fd, deadline);
  if (connect (fd, address, length) < 0) {
    /* A unix socket whose backlog is full says EAGAIN and cannot be waited for: that is its "no
     * answer". */
    if (errno == EAGAIN) {
      g_set_error (error, PROBE_ERROR, PROBE_ERROR_TIMEOUT, "connect: the backlog is full");
      return NULL;
    }
    if (errno != EINPROGRESS) {
      set_errno_error (error, "connect", errno);
      return NULL;
    }
    if (!probe_wait_fd (fd, POLLOUT, deadline, "TCP connection", error))
      return NULL;
    if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &number, &number_size) < 0)
      number = errno;
    if (number != 0) {
      set_errno_error (error, "connect", number);
      return NULL;
    }
  }
  if (address->sa_family != AF_UNIX)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof (int));
  return g_steal_pointer (&conn);
}

ProbeConn *
probe_conn_open_tcp (const char *host, guint16 port, gint64 deadline, GError **error)
{
  struct sockaddr_storage address;
  guint length;

  if (!probe_address_parse (host, port, &address, &length, error))
    return NULL;
  return open_address ((struct sockaddr *) &address, length, deadline, error);
}

ProbeConn *
probe_conn_open_unix (const char *path, gint64 deadline, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (strlen (path) >= sizeof address.sun_path) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_USAGE, "'%s' is too long for a unix socket", path);
    return NULL;
  }
  strcpy (address.sun_path, path);
  return open_address ((struct sockaddr *) &address, sizeof address, deadline, error);
}

void
probe_conn_free (ProbeConn *conn)
{
  if (conn == NULL)
    return;
  SSL_free (conn->ssl);
  close (conn->fd);
  g_free (conn);
}

void
probe_conn_set_deadline (ProbeConn *conn, gint64 deadline)
{
  conn->deadline = deadline;
}

gint64
probe_conn_get_deadline (const ProbeConn *conn)
{
  return conn->deadline;
}

int
probe_conn_get_fd (const ProbeConn *conn)
{
  return conn->fd;
}

void
probe_conn_take_ssl (ProbeConn *conn, SSL *ssl)
{
  SSL_free (conn->ssl);
  conn->ssl = ssl;
}

/*
 * What a failed SSL_read() or SSL_write() means. Returns 1 to try again (after having waited), 0
 * for the end of the stream, -1 with @error set.
 */
static int
after_ssl_failure (ProbeConn *conn, int result, const char *what, GError **error)
{
  int number = errno;
  unsigned long queued;

  switch (SSL_get_error (conn->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    return probe_wait_fd (conn->fd, POLLIN, conn->deadline, what, error) ? 1 : -1;
  case SSL_ERROR_WANT_WRITE:
    return probe_wait_fd (conn->fd, POLLOUT, conn->deadline, what, error) ? 1 : -1;
  case SSL_ERROR_ZERO_RETURN:
    return 0;
  case SSL_ERROR_SYSCALL:
    if (number == 0)
      return 0;
    set_errno_error (error, what, number);
    return -1;
  default:
    queued = ERR_peek_last_error ();
    if (ERR_GET_REASON (queued) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
      return 0;
    /* OpenSSL numbers the alerts that it receives from SSL_AD_REASON_OFFSET upwards. */
    g_set_error (error, PROBE_ERROR,
        ERR_GET_REASON (queued) >= SSL_AD_REASON_OFFSET ? PROBE_ERROR_ALERT : PROBE_ERROR_PROTOCOL,
        "%s: %s", what, ERR_reason_error_string (queued));
    return -1;
  }
}

/* Sends @out, or receives into @in if that is NULL. Returns how much, 0 for the end of the stream,
 * -1 with @error set. */
static gssize
transfer (ProbeConn *conn, const void *out, void *in, gsize size, GError **error)
{
  const char *what = out != NULL ? "room for the request" : "answer";

  for (;;) {
    if (conn->ssl != NULL) {
      const int most = (int) MIN (size, (gsize) G_MAXINT);

      ERR_clear_error ();
      errno = 0;
      const int result =
          out != NULL ? SSL_write (conn->ssl, out, most) : SSL_read (conn->ssl, in, most);
      const int next = result > 0 ? 0 : after_ssl_failure (conn, result, what, error);
      if (next <= 0)
        return result > 0 ? result : next;
      continue;
    }
    const gssize count =
        out != NULL ? send (conn->fd, out, size, MSG_NOSIGNAL) : recv (conn->fd, in, size, 0);
    if (count >= 0)
      return count;
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      set_errno_error (error, out != NULL ? "send" : "receive", errno);
      return -1;
    }
    if (!probe_wait_fd (conn->fd, out != NULL ? POLLOUT : POLLIN, conn->deadline, what, error))
      return -1;
  }
}

gssize
probe_conn_read (ProbeConn *conn, void *buffer, gsize size, GError **error)
{
  return transfer (conn, NULL, buffer, size, error);
}

gboolean
probe_conn_write (ProbeConn *conn, const void *bytes, gsize size, GError **error)
{
  const char *rest = bytes;

  while (size > 0) {
    const gssize count = transfer (conn, rest, NULL, size, error);

    if (count == 0)
      g_set_error (error, PROBE_ERROR, PROBE_ERROR_CLOSED, "closed by the server while sending");
    if (count <= 0)
      return FALSE;
    rest += count;
    size -= (gsize) count;
  }
  return TRUE;
}
