/* SPDX-License-Identifier: MIT */
/* download.c: HTTP/1.1 without anything that the lab's icons do not need. */
#include "download.h"

#include "log.h"

#include <string.h>

#define LIMIT_S 10
#define BIGGEST (4 * 1024 * 1024)
#define REDIRECTS 5
#define CHUNK 4096

static gint64
seconds_left (gint64 until)
{
  return (until - g_get_monotonic_time () + G_TIME_SPAN_SECOND - 1) / G_TIME_SPAN_SECOND;
}

/* The first address of the host; NULL: there is none, or it is refused. */
static GSocketAddress *
find_address (GUri *uri, gboolean strict)
{
  g_autoptr (GSocketConnectable) host =
      g_network_address_new (g_uri_get_host (uri), (guint16) g_uri_get_port (uri));
  g_autoptr (GSocketAddressEnumerator) all = g_socket_connectable_enumerate (host);
  GSocketAddress *address = g_socket_address_enumerator_next (all, NULL, NULL);

  if (address == NULL || !strict
      || g_strcmp0 (g_getenv ("WOLF_ICONS_PRIVATE_ADDRESSES"), "TRUE") == 0)
    return address;
  GInetAddress *ip = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  if (!g_inet_address_get_is_loopback (ip) && !g_inet_address_get_is_site_local (ip)
      && !g_inet_address_get_is_link_local (ip) && !g_inet_address_get_is_any (ip)
      && !g_inet_address_get_is_multicast (ip))
    return address;
  lab_log ("icons: a private address has none");
  g_object_unref (address);
  return NULL;
}

/* Everything that the server says; NULL: too late, or too much. */
static GString *
exchange (GUri *uri, gboolean strict, gint64 until)
{
  g_autoptr (GSocketAddress) address = find_address (uri, strict);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autofree gchar *request = g_strdup_printf (
      "GET %s HTTP/1.1\r\nHost: icons\r\nConnection: close\r\n\r\n", g_uri_get_path (uri));
  g_autoptr (GString) text = g_string_new (NULL);
  gchar chunk[CHUNK];
  gssize n = 1;

  if (address == NULL)
    return NULL;
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, LIMIT_S);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  if (connection == NULL
      || !g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
          request, strlen (request), NULL, NULL, NULL))
    return NULL;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  while (n > 0 && seconds_left (until) > 0 && (!strict || text->len <= BIGGEST)) {
    g_socket_set_timeout (
        g_socket_connection_get_socket (connection), (guint) seconds_left (until));
    n = g_input_stream_read (in, chunk, sizeof chunk, NULL, NULL);
    g_string_append_len (text, chunk, MAX (n, 0));
  }
  return n == 0 ? g_steal_pointer (&text) : NULL;
}

/* The value of a header, newly allocated. */
static gchar *
header (const GString *text, const gchar *name)
{
  const gchar *end = strstr (text->str, "\r\n\r\n");
  g_autofree gchar *start = g_strdup_printf ("\r\n%s: ", name);
  const gchar *at = end ? g_strstr_len (text->str, end - text->str + 2, start) : NULL;

  if (at == NULL)
    return NULL;
  at += strlen (start);
  return g_strndup (at, (gsize) (strstr (at, "\r\n") - at));
}

/* Its body; NULL: none, and `next` is where another try may go. */
static GBytes *
read_page (const GString *text, gboolean strict, gchar **next)
{
  const gchar *end = strstr (text->str, "\r\n\r\n");
  g_autofree gchar *type = header (text, "Content-Type");

  if (end == NULL || !g_str_has_prefix (text->str, "HTTP/1.1 "))
    return NULL;
  if (g_str_has_prefix (text->str, "HTTP/1.1 302 ") && !strict)
    *next = header (text, "Location");
  if (!g_str_has_prefix (text->str, "HTTP/1.1 200 ")
      || (strict && (type == NULL || !g_str_has_prefix (type, "image/"))))
    return NULL;
  end += strlen ("\r\n\r\n");
  return g_bytes_new (end, text->len - (gsize) (end - text->str));
}

GBytes *
lab_download (const gchar *url, gboolean strict)
{
  const gint64 until = g_get_monotonic_time () + LIMIT_S * G_TIME_SPAN_SECOND;
  g_autofree gchar *at = g_strdup (url);

  for (guint i = 0; at != NULL && i <= REDIRECTS; i++) {
    g_autoptr (GUri) uri = g_uri_parse (at, G_URI_FLAGS_NONE, NULL);
    g_autoptr (GString) text = uri ? exchange (uri, strict, until) : NULL;
    gchar *next = NULL;
    GBytes *page = text ? read_page (text, strict, &next) : NULL;
    if (page != NULL)
      return page;
    g_free (at);
    at = next;
  }
  lab_log ("icons: there is none at %s", url);
  return NULL;
}
