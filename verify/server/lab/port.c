/* SPDX-License-Identifier: MIT */
/* port.c: listeners. */
#include "port.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#define BACKLOG 4096 /* Asio's: what the kernel allows at most */
#define PAUSE_MS 100 /* after a failed accept, so that it is not repeated all the time */

typedef struct {
  const Lab *lab;
  LabAccept accepted;
  gpointer data;
  GSocket *socket;
  gboolean is_api;
} Listener;

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

/* Wolf's API gives up its acceptor before the series; its other ports try at once. */
static gboolean
go_on_later (Listener *listener)
{
  if (!listener->lab->options.accept_again)
    return listener->is_api ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
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
listen_on (const Lab *lab, GSocket *socket, gboolean is_api, LabAccept accepted, gpointer data,
    GError **error)
{
  Listener *listener;

  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_listen (socket, error))
    return FALSE;
  listener = g_new (Listener, 1);
  *listener = (Listener){ lab, accepted, data, g_object_ref (socket), is_api };
  watch (listener);
  return TRUE;
}

gboolean
lab_port_listen (const Lab *lab, guint16 wanted, guint16 *port, LabAccept accepted, gpointer data,
    GError **error)
{
  g_autoptr (GSocket) socket = open_loopback (lab, G_SOCKET_TYPE_STREAM, wanted, port, error);

  return socket != NULL && listen_on (lab, socket, FALSE, accepted, data, error);
}

gboolean
lab_port_listen_unix (
    const Lab *lab, const gchar *path, LabAccept accepted, gpointer data, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);

  g_unlink (path);
  g_autoptr (GSocket) socket =
      open_socket (lab, G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, address, error);
  if (socket != NULL && listen_on (lab, socket, TRUE, accepted, data, error))
    return TRUE;
  g_prefix_error (error, "%s: ", path);
  return FALSE;
}

GSocket *
lab_port_bind (const Lab *lab, guint16 wanted, guint16 *port, GError **error)
{
  return open_loopback (lab, G_SOCKET_TYPE_DATAGRAM, wanted, port, error);
}
