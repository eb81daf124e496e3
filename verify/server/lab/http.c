/* SPDX-License-Identifier: MIT */
/* http.c: the HTTP port: who am I, and the first phase of pairing. */
#include "pages.h"
#include "pair.h"
#include "port.h"
#include "servers.h"

#define WOLF_PORT 47989

static void
serverinfo (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message,
    const char *path G_GNUC_UNUSED, GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  if (lab_page_is_get (message))
    lab_page_serverinfo (data, message, FALSE, "0");
}

static void
pair (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path G_GNUC_UNUSED,
    GHashTable *query, gpointer data)
{
  if (lab_page_is_get (message))
    lab_pair_ask (data, message, query);
}

static const LabPage pages[] = {
  { "/serverinfo", "HTTP /serverinfo", serverinfo },
  { "/pair", "HTTP /pair", pair },
  { NULL, NULL, NULL },
};

static void
accepted (GSocketConnection *connection, gpointer data)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (local == NULL || remote == NULL)
    return; /* gone already */
  lab_pair_remember (remote, g_socket_connection_get_socket (connection));
  g_socket_set_timeout (g_socket_connection_get_socket (connection), LAB_IDLE_S);
  soup_server_accept_iostream (data, G_IO_STREAM (connection), local, remote, NULL);
}

gboolean
lab_http_open (Lab *lab, GError **error)
{
  SoupServer *soup = soup_server_new ("server-header", "wolf-lab", NULL);

  lab_page_limit_bodies (lab, soup);
  lab_page_serve (lab, soup, pages);
  lab_pair_begin ();
  return lab_port_listen (
      lab, lab->options.wolf_ports ? WOLF_PORT : 0, &lab->http, accepted, soup, error);
}
