/* SPDX-License-Identifier: MIT */
/*
 * https.c: the HTTPS port: from the accepted connection to a client that may ask.
 *
 * The one thread accepts, waits for the ClientHello, reads requests and runs their handlers. The
 * handshake itself is made in a helper thread: GLib's way, which has no other. (Wolf's is made in
 * the one thread.) A thread that is stuck accepts nobody, in either.
 */
#include "launch.h"
#include "pages.h"
#include "peer.h"
#include "port.h"
#include "servers.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define WOLF_PORT 47984
#define RECORD_HEADER 5     /* bytes before a TLS record: type, version, length */
#define RECORD_HANDSHAKE 22 /* the type of a ClientHello */
#define HELLO_MAX 8192      /* one that is longer is GnuTLS's to refuse */

typedef struct {
  Lab *lab;
  SoupServer *soup;
  GMainContext *context;
  GThreadPool *handshakes;
} Https;

/* A connection that may not ask yet. */
typedef struct {
  Https *https;
  GSocketConnection *connection;
  GSource *hello;
  gssize wanted; /* bytes of the ClientHello that are being waited for */
  GTlsConnection *tls;
  GError *error;
  gint owner; /* OF_SERVER or OF_HELPER; GLib's queues keep that order, but no sanitizer sees it
                 there */
} Guest;

enum { OF_SERVER, OF_HELPER };

static void
guest_free (Guest *guest)
{
  g_clear_pointer (&guest->hello, g_source_unref);
  g_clear_object (&guest->tls);
  g_clear_object (&guest->connection);
  g_clear_error (&guest->error);
  g_free (guest);
}

/* What Wolf calls on_error. The connection's socket is closed with its last reference, at the
 * latest. */
static void
turn_away (Guest *guest)
{
  const LabOptions *options = &guest->https->lab->options;

  lab_log ("HTTPS: %s", guest->error ? guest->error->message : "left before it said hello");
  if (options->leak_references)
    g_object_ref (guest->connection);
  if (options->close_on_error) {
    g_socket_shutdown (g_socket_connection_get_socket (guest->connection), TRUE, TRUE, NULL);
    g_socket_close (g_socket_connection_get_socket (guest->connection), NULL);
  }
  guest_free (guest);
}

static gboolean
on_shaken_hands (gpointer data)
{
  Guest *guest = data;

  g_return_val_if_fail (g_atomic_int_get (&guest->owner) == OF_SERVER, G_SOURCE_REMOVE);
  g_autoptr (GSocketAddress) local =
      g_socket_connection_get_local_address (guest->connection, NULL);
  g_autoptr (GSocketAddress) remote =
      g_socket_connection_get_remote_address (guest->connection, NULL);

  if (guest->error != NULL || local == NULL || remote == NULL) {
    turn_away (guest);
    return G_SOURCE_REMOVE;
  }
  lab_peer_remember (remote, guest->tls);
  soup_server_accept_iostream (guest->https->soup, G_IO_STREAM (guest->tls), local, remote, NULL);
  guest_free (guest);
  return G_SOURCE_REMOVE;
}

/* In a helper thread. The socket's timeout limits it. */
static void
shake_hands (gpointer data, gpointer pool_data G_GNUC_UNUSED)
{
  Guest *guest = data;

  g_return_if_fail (g_atomic_int_get (&guest->owner) == OF_HELPER);
  GMainContext *context = guest->https->context;
  g_tls_connection_handshake (guest->tls, NULL, &guest->error);
  g_atomic_int_set (&guest->owner, OF_SERVER);
  g_main_context_invoke (context, on_shaken_hands, guest);
}

/* Anybody with a certificate may ask; who is paired is looked up for each request, so that those
 * who are not get an answer. */
static gboolean
accept_any (GTlsConnection *tls G_GNUC_UNUSED, GTlsCertificate *certificate G_GNUC_UNUSED,
    GTlsCertificateFlags errors G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  return TRUE;
}

static void
begin_tls (Guest *guest)
{
  /* No database: with the default one GLib reads the system's whole trust store for each client,
   * and nobody here is trusted for his issuer's sake. */
  GTlsConnection *tls =
      g_initable_new (g_tls_backend_get_server_connection_type (g_tls_backend_get_default ()), NULL,
          &guest->error, "base-io-stream", guest->connection, "certificate",
          guest->https->lab->certificate, "database", NULL, "authentication-mode",
          G_TLS_AUTHENTICATION_REQUIRED, "require-close-notify", FALSE, NULL);

  if (tls == NULL) {
    turn_away (guest);
    return;
  }
  guest->tls = tls;
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_any), NULL);
  GThreadPool *handshakes = guest->https->handshakes;
  g_atomic_int_set (&guest->owner, OF_HELPER);
  g_thread_pool_push (handshakes, guest, NULL);
}

static void
wake_at (gint fd, gint bytes)
{
  setsockopt (fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

/* Called for data, the end of it, or the timeout. */
static gboolean
on_hello (GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Guest *guest = data;
  const gint fd = g_socket_get_fd (socket);
  guint8 head[RECORD_HEADER] = { 0 };
  guint8 all[HELLO_MAX];
  const gssize n = recv (fd, all, sizeof all, MSG_PEEK | MSG_DONTWAIT);

  for (gssize i = 0; i < MIN (n, RECORD_HEADER); i++)
    head[i] = all[i];
  const gssize whole = RECORD_HEADER + 256 * head[3] + head[4];
  const gboolean is_hello = n > 0 && head[0] == RECORD_HANDSHAKE && whole <= HELLO_MAX;
  const gssize wanted = n < RECORD_HEADER ? RECORD_HEADER : whole;
  if (is_hello && n < wanted && wanted != guest->wanted) {
    guest->wanted = wanted;
    wake_at (fd, (gint) wanted);
    return G_SOURCE_CONTINUE;
  }
  wake_at (fd, 1);
  if (n <= 0 || (is_hello && n < wanted))
    turn_away (guest);
  else
    begin_tls (guest);
  return G_SOURCE_REMOVE;
}

static void
accepted (GSocketConnection *connection, gpointer data)
{
  Guest *guest = g_new0 (Guest, 1);
  GSocket *socket = g_socket_connection_get_socket (connection);

  guest->https = data;
  guest->connection = g_object_ref (connection);
  g_socket_set_timeout (socket, LAB_IDLE_S);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
  guest->hello = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (guest->hello, G_SOURCE_FUNC (on_hello), guest, NULL);
  g_source_attach (guest->hello, guest->https->context);
}

gboolean
lab_https_open (Lab *lab, GError **error)
{
  Https *https = g_new0 (Https, 1);

  https->lab = lab;
  https->soup = soup_server_new ("server-header", "wolf-lab", NULL);
  lab_page_limit_bodies (lab, https->soup);
  https->context = g_main_context_ref_thread_default ();
  /* No limit: one that waits for its client keeps nobody else. */
  https->handshakes = g_thread_pool_new (shake_hands, NULL, -1, FALSE, NULL);
  lab_launch_add_handlers (lab, https->soup);
  return lab_port_listen (
      lab, lab->options.wolf_ports ? WOLF_PORT : 0, &lab->https, accepted, https, error);
}
