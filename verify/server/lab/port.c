/* SPDX-License-Identifier: MIT */
/* port.c: listeners. */
#include "port.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <sys/resource.h>

#define BACKLOG 4096 /* Asio's: what the kernel allows at most */
#define PAUSE_MS 100 /* after a failed accept, so that it is not repeated all the time */
#define RESERVE 12   /* descriptors: GLib ends the process where it gets none for a thread */
#define MOST 256
#define MOST_PER_ADDRESS 64

typedef struct {
  const Lab *lab;
  LabAccept accepted;
  gpointer data;
  GSocket *socket;
  const guint16 *port; /* the Lab's; NULL: the API */
  GQueue open; /* of Guests, in the order of their coming; those who have left may be in it */
} Listener;

typedef struct {
  GWeakRef connection;
  gchar *address;
} Guest;

static void watch (Listener *listener);

/* GLib opens every socket with close-on-exec. */
static void
let_children_have (const Lab *lab, GSocket *socket)
{
  if (!lab->options.bare_children)
    fcntl (g_socket_get_fd (socket), F_SETFD, 0);
}

static gboolean
on_pause_over (gpointer listener)
{
  watch (listener);
  return G_SOURCE_REMOVE;
}

static void
guest_free (gpointer data)
{
  Guest *guest = data;

  g_weak_ref_clear (&guest->connection);
  g_free (guest->address);
  g_free (guest);
}

/* How many there are, of one address or, with NULL, in all; those who have left are dropped. */
static guint
count_guests (Listener *listener, const gchar *address)
{
  guint count = 0;

  for (GList *it = listener->open.head, *next; it != NULL; it = next) {
    Guest *guest = it->data;
    g_autoptr (GObject) connection = g_weak_ref_get (&guest->connection);
    next = it->next;
    if (connection == NULL) {
      g_queue_delete_link (&listener->open, it);
      guest_free (guest);
    } else {
      count += address == NULL || g_strcmp0 (guest->address, address) == 0;
    }
  }
  return count;
}

/* Its reader sees the end, and closes it. */
static gboolean
end_oldest (Listener *listener, const gchar *address)
{
  for (GList *it = listener->open.head; it != NULL; it = it->next) {
    Guest *guest = it->data;
    g_autoptr (GObject) connection = g_weak_ref_get (&guest->connection);
    if (connection == NULL || (address != NULL && g_strcmp0 (guest->address, address) != 0))
      continue;
    g_socket_shutdown (
        g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection)), TRUE, TRUE, NULL);
    g_queue_delete_link (&listener->open, it);
    guest_free (guest);
    return TRUE;
  }
  return FALSE;
}

static void
count_in (Listener *listener, GSocketConnection *connection)
{
  Guest *guest;
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (remote == NULL || !G_IS_INET_SOCKET_ADDRESS (remote))
    return;
  guest = g_new0 (Guest, 1);
  guest->address =
      g_inet_address_to_string (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  g_weak_ref_init (&guest->connection, connection);
  if (count_guests (listener, guest->address) >= MOST_PER_ADDRESS)
    end_oldest (listener, guest->address);
  if (count_guests (listener, NULL) >= MOST)
    end_oldest (listener, NULL);
  g_queue_push_tail (&listener->open, guest);
}

/* The kernel gives the least number that is free. */
static gboolean
few_are_left (gint fd)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_NOFILE, &limit) == 0 && (rlim_t) fd + RESERVE >= limit.rlim_cur;
}

/* Of the web ports only. */
static gboolean
is_counted (const Listener *listener)
{
  return listener->lab->options.limit_connections
      && (listener->port == &listener->lab->http || listener->port == &listener->lab->https);
}

/* Wolf's API gives up its acceptor before the series; its other ports try at once. */
static gboolean
go_on_later (Listener *listener)
{
  if (!listener->lab->options.accept_again)
    return listener->port == NULL ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
  if (is_counted (listener) && end_oldest (listener, NULL))
    return G_SOURCE_CONTINUE;
  g_autoptr (GSource) pause = g_timeout_source_new (PAUSE_MS);
  g_source_set_callback (pause, on_pause_over, listener, NULL);
  g_source_attach (pause, g_main_context_get_thread_default ());
  return G_SOURCE_REMOVE;
}

/* As many as there are: the kernel's queue is where a thread that is stuck leaves them. */
static gboolean
on_connection (GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Listener *listener = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) client = g_socket_accept (socket, NULL, &error);

  if (client == NULL) {
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
      return G_SOURCE_CONTINUE;
    lab_log ("accept: %s", error->message);
    return go_on_later (listener);
  }
  g_socket_set_blocking (client, FALSE);
  let_children_have (listener->lab, client);
  g_autoptr (GSocketConnection) connection = g_socket_connection_factory_create_connection (client);
  if (is_counted (listener) && few_are_left (g_socket_get_fd (client)))
    end_oldest (listener, NULL);
  if (is_counted (listener))
    count_in (listener, connection);
  listener->accepted (connection, listener->data);
  return G_SOURCE_CONTINUE;
}

static GSocket *
open_socket (
    const Lab *lab, GSocketFamily family, GSocketType type, GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new (family, type, G_SOCKET_PROTOCOL_DEFAULT, error);

  if (socket == NULL || !g_socket_bind (socket, address, type == G_SOCKET_TYPE_STREAM, error))
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  let_children_have (lab, socket);
  return g_steal_pointer (&socket);
}

static GSocket *
open_loopback (const Lab *lab, GSocketType type, guint16 wanted, guint16 *port, GError **error)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, wanted);
  g_autoptr (GSocket) socket = open_socket (lab, G_SOCKET_FAMILY_IPV4, type, address, error);
  g_autoptr (GSocketAddress) local = socket ? g_socket_get_local_address (socket, error) : NULL;

  if (local == NULL) {
    g_prefix_error (
        error, "port %u of 127.0.0.1 (leave out --ports=wolf to get free ones): ", wanted);
    return NULL;
  }
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (local));
  return g_steal_pointer (&socket);
}

static void
watch (Listener *listener)
{
  g_autoptr (GSource) source = g_socket_create_source (listener->socket, G_IO_IN, NULL);

  g_source_set_callback (source, G_SOURCE_FUNC (on_connection), listener, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* A listener is never freed, as the servers are not. */
static gboolean
listen_on (const Lab *lab, GSocket *socket, const guint16 *port, LabAccept accepted, gpointer data,
    GError **error)
{
  Listener *listener;

  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_listen (socket, error))
    return FALSE;
  listener = g_new (Listener, 1);
  *listener = (Listener){ lab, accepted, data, g_object_ref (socket), port, G_QUEUE_INIT };
  watch (listener);
  return TRUE;
}

gboolean
lab_port_listen (const Lab *lab, guint16 wanted, guint16 *port, LabAccept accepted, gpointer data,
    GError **error)
{
  g_autoptr (GSocket) socket = open_loopback (lab, G_SOCKET_TYPE_STREAM, wanted, port, error);

  return socket != NULL && listen_on (lab, socket, port, accepted, data, error);
}

gboolean
lab_port_listen_unix (
    const Lab *lab, const gchar *path, LabAccept accepted, gpointer data, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  g_unlink (path);
  g_autoptr (GSocket) socket =
      open_socket (lab, G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, address, error);
  if (socket != NULL && listen_on (lab, socket, NULL, accepted, data, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

GSocket *
lab_port_bind (const Lab *lab, guint16 wanted, guint16 *port, GError **error)
{
  return open_loopback (lab, G_SOCKET_TYPE_DATAGRAM, wanted, port, error);
}
