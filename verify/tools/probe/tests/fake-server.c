/* SPDX-License-Identifier: MIT */
#include "fake-server.h"

#include "cert.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PEER_TIMEOUT_SECONDS 2 /* above every timeout that a test gives the probe */
#define BACKLOG 64

struct _FakeServer {
  FakeKind kind;
  int status;
  int listener;
  int wake_fd;
  guint16 port;
  SSL_CTX *context;
  GArray *leaked; /* int: sockets that are never closed while the server lives */
  GThread *thread;
};

/* One certificate for all servers of a process: making a key takes longer than most tests. */
static EVP_PKEY *server_key;
static X509 *server_cert;

static SSL_CTX *
make_context (FakeKind kind)
{
  SSL_CTX *context = SSL_CTX_new (TLS_server_method ());

  if (server_key == NULL)
    g_assert_true (probe_cert_generate (&server_key, &server_cert, NULL));
  g_assert_cmpint (SSL_CTX_use_certificate (context, server_cert), ==, 1);
  g_assert_cmpint (SSL_CTX_use_PrivateKey (context, server_key), ==, 1);
  if (kind == FAKE_TLS12_CERT) {
    SSL_CTX_set_max_proto_version (context, TLS1_2_VERSION);
    SSL_CTX_set_verify (context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  }
  return context;
}

/* Reads until an empty line, the end, or the socket's timeout. TRUE if there was a request. */
static gboolean
read_request (int fd, SSL *ssl)
{
  char bytes[8192] = "";
  gsize length = 0;

  while (strstr (bytes, "\r\n\r\n") == NULL && length + 1 < sizeof bytes) {
    gssize count = ssl != NULL ? SSL_read (ssl, bytes + length, (int) (sizeof bytes - 1 - length))
                               : recv (fd, bytes + length, sizeof bytes - 1 - length, 0);

    if (count <= 0)
      return FALSE;
    length += (gsize) count;
    bytes[length] = '\0';
  }
  return TRUE;
}

static void
answer (const FakeServer *server, int fd, SSL *ssl)
{
  g_autofree char *text = server->kind == FAKE_RTSP
      ? g_strdup_printf ("RTSP/1.0 %d OK\r\nCSeq: 1\r\n\r\n", server->status)
      : g_strdup_printf ("HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}", server->status);

  if (ssl != NULL)
    SSL_write (ssl, text, (int) strlen (text));
  else
    send (fd, text, strlen (text), MSG_NOSIGNAL);
}

static void
serve (FakeServer *server, int fd)
{
  SSL *ssl = NULL;
  gboolean accepted = TRUE;
  char byte;

  if (server->context != NULL) {
    ssl = SSL_new (server->context);
    SSL_set_fd (ssl, fd);
    accepted = SSL_accept (ssl) == 1;
  }
  switch (server->kind) {
  case FAKE_ACCEPT_ONLY:
    (void) !recv (fd, &byte, 1, MSG_PEEK);
    while (recv (fd, &byte, 1, 0) > 0) /* until the client has had enough */
      continue;
    break;
  case FAKE_ACCEPT_RESET:
    (void) !recv (fd, &byte, 1, 0);
    setsockopt (
        fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof (struct linger));
    break;
  case FAKE_ACCEPT_CLOSE:
    read_request (fd, NULL);
    break;
  default:
    if (accepted && read_request (fd, ssl))
      answer (server, fd, ssl);
    break;
  }
  if (ssl != NULL && accepted)
    SSL_shutdown (ssl);
  SSL_free (ssl);
  if (server->kind == FAKE_TLS_LEAK)
    g_array_append_val (server->leaked, fd);
  else
    close (fd);
}

static gpointer
run (gpointer data)
{
  FakeServer *server = data;

  for (;;) {
    struct timeval timeout = { .tv_sec = PEER_TIMEOUT_SECONDS };
    struct pollfd entries[2] = { { .fd = server->wake_fd, .events = POLLIN },
      { .fd = server->listener, .events = POLLIN } };
    int fd;

    if (server->kind == FAKE_NEVER_ACCEPT)
      entries[1].fd = -1;
    if (poll (entries, 2, -1) <= 0)
      continue;
    if (entries[0].revents != 0)
      return NULL;
    fd = accept4 (server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    serve (server, fd);
  }
}

static FakeServer *
start (FakeKind kind, int status, const struct sockaddr *address, socklen_t length)
{
  FakeServer *server = g_new0 (FakeServer, 1);
  struct sockaddr_in bound = { 0 };
  socklen_t bound_length = sizeof bound;

  server->kind = kind;
  server->status = status;
  server->leaked = g_array_new (FALSE, FALSE, sizeof (int));
  if (kind == FAKE_TLS || kind == FAKE_TLS12_CERT || kind == FAKE_TLS_LEAK)
    server->context = make_context (kind);
  server->wake_fd = eventfd (0, EFD_CLOEXEC);
  server->listener = socket (address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (server->listener, >=, 0);
  g_assert_cmpint (bind (server->listener, address, length), ==, 0);
  g_assert_cmpint (listen (server->listener, BACKLOG), ==, 0);
  if (address->sa_family == AF_INET) {
    getsockname (server->listener, (struct sockaddr *) &bound, &bound_length);
    server->port = ntohs (bound.sin_port);
  }
  server->thread = g_thread_new ("fake-server", run, server);
  return server;
}

FakeServer *
fake_server_new (FakeKind kind, int status)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };

  return start (kind, status, (struct sockaddr *) &address, sizeof address);
}

FakeServer *
fake_server_new_unix (FakeKind kind, int status, const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_assert_cmpuint (strlen (path), <, sizeof address.sun_path);
  strcpy (address.sun_path, path);
  return start (kind, status, (struct sockaddr *) &address, sizeof address);
}

guint16
fake_server_port (const FakeServer *server)
{
  return server->port;
}

void
fake_server_free (FakeServer *server)
{
  guint64 one = 1;

  if (server == NULL)
    return;
  (void) !write (server->wake_fd, &one, sizeof one);
  g_thread_join (server->thread);
  for (guint i = 0; i < server->leaked->len; i++)
    close (g_array_index (server->leaked, int, i));
  g_array_free (server->leaked, TRUE);
  close (server->listener);
  close (server->wake_fd);
  SSL_CTX_free (server->context);
  g_free (server);
}

guint16
fake_closed_port (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, length), ==, 0);
  getsockname (fd, (struct sockaddr *) &address, &length);
  close (fd);
  return ntohs (address.sin_port);
}
