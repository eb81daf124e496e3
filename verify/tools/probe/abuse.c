/* SPDX-License-Identifier: MIT */
#include "abuse.h"

#include "deadline.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOW_INTERVAL_US (250 * PROBE_US_PER_MS) /* far below any idle limit: never quite idle */
#define BIG_HEADER_SIZE (256 * 1024)
#define PIPELINED_REQUESTS 16
#define GARBAGE_SIZE 512
#define HELLO_MAX 4096

#define REQUEST_HEAD "GET /serverinfo HTTP/1.1\r\nHost: 127.0.0.1\r\n"
#define REQUEST REQUEST_HEAD "\r\n"
#define SLOW_HEADER_HEAD REQUEST_HEAD "X-Slow: "
#define SLOW_BODY_HEAD                                                                             \
  "POST /serverinfo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n"

typedef enum {
  STEP_CONNECT, /* waits for the TCP connect */
  STEP_OPEN,    /* sends the opening; TLS: waits for the handshake */
  STEP_ANSWER,  /* waits for the server's first bytes (PROBE_OPEN_HELLO) */
  STEP_SEND,
  STEP_STAY,   /* acted; stays */
  STEP_FINISH, /* acted; sent FIN, waits for the server's */
  STEP_LEFT,   /* acted; socket closed */
} Step;

typedef struct {
  int fd; /* -1 once left */
  SSL *ssl;
  Step step;
  short events;  /* what the step waits for */
  gsize written; /* of the step's bytes */
  gboolean connected;
  gboolean opened;
  gboolean refused;
} Client;

struct _ProbeCrowd {
  const ProbeTarget *target;
  const ProbeAbuseKind *kind;
  ProbeTls *tls;
  GBytes *hello;   /* what is sent raw in STEP_OPEN, NULL with TLS */
  GBytes *message; /* what is sent in STEP_SEND, may be empty */
  Client *clients;
  guint count;
};

/* A ClientHello as OpenSSL makes it, without a socket. */
static GBytes *
make_hello (ProbeTls *tls)
{
  SSL *ssl = probe_tls_new_ssl (tls, PROBE_TLS_ANY);
  BIO *out = BIO_new (BIO_s_mem ());
  guchar bytes[HELLO_MAX];
  int size;

  SSL_set_bio (ssl, BIO_new (BIO_s_mem ()), out);
  SSL_do_handshake (ssl);
  size = BIO_read (out, bytes, sizeof bytes);
  g_assert (size > 0);
  SSL_free (ssl);
  return g_bytes_new (bytes, (gsize) size);
}

static GBytes *
make_opening (const ProbeAbuseKind *kind, ProbeTls *tls)
{
  g_autoptr (GBytes) hello = NULL;

  if (kind->opening == PROBE_OPEN_TLS)
    return NULL;
  if (kind->opening == PROBE_OPEN_TCP)
    return g_bytes_new_static ("", 0);
  hello = make_hello (tls);
  if (kind->opening == PROBE_OPEN_HELLO)
    return g_steal_pointer (&hello);
  return g_bytes_new_from_bytes (hello, 0, g_bytes_get_size (hello) / 2);
}

static GBytes *
make_message (ProbeAbuseSending sending)
{
  GString *text = g_string_new (NULL);

  switch (sending) {
  case PROBE_SEND_NOTHING:
    break;
  case PROBE_SEND_GARBAGE:
    for (guint i = 0; i < GARBAGE_SIZE; i++)
      g_string_append_c (text, (char) (0x80 + i % 0x40)); /* no TLS record starts like this */
    break;
  case PROBE_SEND_HALF_REQUEST:
    g_string_append_len (text, REQUEST, (gssize) strlen (REQUEST) / 2);
    break;
  case PROBE_SEND_REQUEST:
    g_string_append (text, REQUEST);
    break;
  case PROBE_SEND_PIPELINED:
    for (guint i = 0; i < PIPELINED_REQUESTS; i++)
      g_string_append (text, REQUEST);
    break;
  case PROBE_SEND_BIG_HEADER:
    g_string_append (text, REQUEST_HEAD "X-Big: ");
    while (text->len < BIG_HEADER_SIZE)
      g_string_append (text, "0123456789abcdef");
    g_string_append (text, "\r\n\r\n");
    break;
  case PROBE_SEND_SLOW_HEADER:
    g_string_append (text, SLOW_HEADER_HEAD);
    break;
  case PROBE_SEND_SLOW_BODY:
    g_string_append (text, SLOW_BODY_HEAD);
    break;
  }
  return g_string_free_to_bytes (text);
}

ProbeCrowd *
probe_crowd_new (const ProbeTarget *target, const ProbeAbuseKind *kind, guint count,
    ProbeTls *with_cert, ProbeTls *anonymous)
{
  ProbeCrowd *crowd = g_new0 (ProbeCrowd, 1);

  crowd->target = target;
  crowd->kind = kind;
  crowd->tls = kind->without_cert ? anonymous : with_cert;
  crowd->hello = make_opening (kind, crowd->tls);
  crowd->message = make_message (kind->sending);
  crowd->clients = g_new0 (Client, count);
  crowd->count = count;
  for (guint i = 0; i < count; i++)
    crowd->clients[i].fd = -1;
  return crowd;
}

static void
hang_up (Client *client)
{
  if (client->fd >= 0)
    close (client->fd);
  client->fd = -1;
  g_clear_pointer (&client->ssl, SSL_free);
  client->step = STEP_LEFT;
}

void
probe_crowd_free (ProbeCrowd *crowd)
{
  if (crowd == NULL)
    return;
  for (guint i = 0; i < crowd->count; i++)
    hang_up (&crowd->clients[i]);
  g_free (crowd->clients);
  g_clear_pointer (&crowd->hello, g_bytes_unref);
  g_bytes_unref (crowd->message);
  g_free (crowd);
}

/*
 * Throws away what the server sent. Closes once the server has closed, too. (To close a socket with
 * unread bytes sends RST, which is another kind.)
 */
static void
drain (Client *client)
{
  char bytes[4096];
  gssize count;

  while ((count = recv (client->fd, bytes, sizeof bytes, 0)) > 0)
    continue;
  if (count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
    hang_up (client);
}

static void
send_fin (Client *client)
{
  shutdown (client->fd, SHUT_WR);
  client->step = STEP_FINISH;
  client->events = POLLIN;
  drain (client);
}

/* The kind's way out; for those who stay, the end of acting. */
static void
leave (ProbeCrowd *crowd, Client *client)
{
  switch (crowd->kind->leaving) {
  case PROBE_LEAVE_RST:
    setsockopt (client->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
        sizeof (struct linger));
    hang_up (client);
    return;
  case PROBE_LEAVE_NOTIFY:
    if (client->ssl != NULL && SSL_is_init_finished (client->ssl))
      SSL_shutdown (client->ssl);
    send_fin (client);
    return;
  case PROBE_LEAVE_FIN:
    send_fin (client);
    return;
  case PROBE_LEAVE_HALF_CLOSE:
    shutdown (client->fd, SHUT_WR);
    client->step = STEP_STAY;
    return;
  case PROBE_LEAVE_NEVER:
    client->step = STEP_STAY;
    return;
  }
}

/* The server was faster. An alert comes with an open socket; the client's own leaving follows. */
static void
turned_away (ProbeCrowd *crowd, Client *client)
{
  client->refused = TRUE;
  leave (crowd, client);
}

/* Writes what is left of @bytes. 1: all written; 0: wait for client->events; -1: turned away. */
static int
write_rest (Client *client, GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  while (client->written < size) {
    gssize count;

    if (client->ssl != NULL) {
      ERR_clear_error ();
      count = SSL_write (client->ssl, data + client->written, (int) (size - client->written));
      if (count <= 0) {
        int reason = SSL_get_error (client->ssl, (int) count);

        client->events = reason == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? 0 : -1;
      }
    } else {
      count = send (client->fd, data + client->written, size - client->written, MSG_NOSIGNAL);
      if (count < 0) {
        client->events = POLLOUT;
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
      }
    }
    client->written += (gsize) count;
  }
  return 1;
}

/* 1: handshake done; 0: wait for client->events; -1: turned away. */
static int
shake_hands (ProbeCrowd *crowd, Client *client)
{
  int result;

  if (client->ssl == NULL) {
    client->ssl = probe_tls_new_ssl (crowd->tls, crowd->kind->version);
    SSL_set_fd (client->ssl, client->fd);
  }
  ERR_clear_error ();
  result = SSL_do_handshake (client->ssl);
  if (result == 1)
    return 1;
  switch (SSL_get_error (client->ssl, result)) {
  case SSL_ERROR_WANT_READ:
    client->events = POLLIN;
    return 0;
  case SSL_ERROR_WANT_WRITE:
    client->events = POLLOUT;
    return 0;
  default:
    return -1;
  }
}

static int
finish_connect (Client *client)
{
  int number = 0;
  socklen_t size = sizeof number;

  if (getsockopt (client->fd, SOL_SOCKET, SO_ERROR, &number, &size) < 0 || number != 0)
    return -1;
  client->connected = TRUE;
  return 1;
}

static int
wait_answer (Client *client)
{
  char byte;
  gssize count = recv (client->fd, &byte, 1, MSG_PEEK);

  client->events = POLLIN;
  if (count > 0)
    return 1;
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

/* One step's work; see write_rest() for what it returns. */
static int
work (ProbeCrowd *crowd, Client *client)
{
  switch (client->step) {
  case STEP_CONNECT:
    return finish_connect (client);
  case STEP_OPEN:
    return crowd->hello != NULL ? write_rest (client, crowd->hello) : shake_hands (crowd, client);
  case STEP_ANSWER:
    return crowd->kind->opening == PROBE_OPEN_HELLO ? wait_answer (client) : 1;
  case STEP_SEND:
    client->opened = TRUE;
    return write_rest (client, crowd->message);
  case STEP_STAY:
  case STEP_FINISH:
  case STEP_LEFT:
    break;
  }
  return 0;
}

/* Goes as far as it can without waiting. */
static void
advance (ProbeCrowd *crowd, Client *client)
{
  while (client->step < STEP_STAY) {
    int result = work (crowd, client);

    if (result < 0) {
      turned_away (crowd, client);
    } else if (result == 0) {
      return;
    } else if (client->step == STEP_SEND) {
      leave (crowd, client);
    } else {
      client->step++;
      client->written = 0;
    }
  }
}

/* Starts one client's connect. FALSE with @error set if no socket could be had. */
static gboolean
start_client (Client *client, const struct sockaddr *address, socklen_t length, GError **error)
{
  client->fd = socket (address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0) {
    g_set_error (
        error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "socket: %s (ulimit -n?)", g_strerror (errno));
    return FALSE;
  }
  client->step = STEP_CONNECT;
  client->events = POLLOUT;
  if (connect (client->fd, address, length) < 0 && errno != EINPROGRESS) {
    client->refused = TRUE;
    hang_up (client);
  }
  return TRUE;
}

/* Waits for events of those who are not done. FALSE: all done, or the deadline passed. */
static gboolean
act_once (ProbeCrowd *crowd, struct pollfd *entries, gint64 deadline)
{
  guint waiting = 0;

  for (guint i = 0; i < crowd->count; i++) {
    Client *client = &crowd->clients[i];

    /* poll() skips negative descriptors. */
    entries[i] = (struct pollfd){ .fd = client->step < STEP_STAY ? client->fd : -1,
      .events = client->events };
    waiting += client->step < STEP_STAY;
  }
  if (waiting == 0 || probe_deadline_passed (deadline))
    return FALSE;
  if (poll (entries, crowd->count, probe_deadline_poll_ms (deadline)) > 0) {
    for (guint i = 0; i < crowd->count; i++) {
      if (entries[i].revents != 0)
        advance (crowd, &crowd->clients[i]);
    }
  }
  return TRUE;
}

gboolean
probe_crowd_act (ProbeCrowd *crowd, ProbeCrowdOutcome *outcome, GError **error)
{
  g_autofree struct pollfd *entries = g_new0 (struct pollfd, crowd->count);
  gint64 deadline = probe_deadline_in (crowd->target->timeout_us);
  struct sockaddr_storage address;
  guint length;

  *outcome = (ProbeCrowdOutcome){ .clients = crowd->count };
  if (!probe_address_parse (
          crowd->target->host, crowd->target->https_port, &address, &length, error))
    return FALSE;
  for (guint i = 0; i < crowd->count; i++) {
    if (!start_client (&crowd->clients[i], (struct sockaddr *) &address, length, error))
      return FALSE;
  }
  while (act_once (crowd, entries, deadline))
    continue;
  for (guint i = 0; i < crowd->count; i++) {
    Client *client = &crowd->clients[i];

    if (client->step < STEP_STAY) {
      outcome->unfinished++;
      leave (crowd, client);
    }
    outcome->connected += client->connected;
    outcome->opened += client->opened;
    outcome->refused += client->refused;
  }
  return TRUE;
}

/* One more byte from each who is slow; who is cut off by the server is left alone, its socket stays
 * open. */
static void
dribble (ProbeCrowd *crowd)
{
  for (guint i = 0; i < crowd->count; i++) {
    Client *client = &crowd->clients[i];
    int result;

    if (client->step != STEP_STAY || client->ssl == NULL || client->refused)
      continue;
    ERR_clear_error ();
    result = SSL_write (client->ssl, "x", 1);
    if (result <= 0 && SSL_get_error (client->ssl, result) != SSL_ERROR_WANT_WRITE)
      client->refused = TRUE;
  }
}

/* Waits until @deadline, closing those whose server has closed. */
static void
finish_until (ProbeCrowd *crowd, struct pollfd *entries, gint64 deadline)
{
  while (!probe_deadline_passed (deadline)) {
    for (guint i = 0; i < crowd->count; i++) {
      Client *client = &crowd->clients[i];

      entries[i] =
          (struct pollfd){ .fd = client->step == STEP_FINISH ? client->fd : -1, .events = POLLIN };
    }
    if (poll (entries, crowd->count, probe_deadline_poll_ms (deadline)) <= 0)
      continue;
    for (guint i = 0; i < crowd->count; i++) {
      if (entries[i].revents != 0)
        drain (&crowd->clients[i]);
    }
  }
}

void
probe_crowd_stay_until (ProbeCrowd *crowd, gint64 deadline)
{
  g_autofree struct pollfd *entries = g_new0 (struct pollfd, crowd->count);
  gboolean slow = crowd->kind->sending == PROBE_SEND_SLOW_HEADER
      || crowd->kind->sending == PROBE_SEND_SLOW_BODY;

  while (!probe_deadline_passed (deadline)) {
    if (slow)
      dribble (crowd);
    finish_until (
        crowd, entries, slow ? MIN (deadline, probe_deadline_in (SLOW_INTERVAL_US)) : deadline);
  }
}
