/* SPDX-License-Identifier: MIT */
#include "docker.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

static gchar *
socket_path (const Lab *lab)
{
  return g_build_filename (lab->options.dir, "docker.sock", NULL);
}

gboolean
lab_docker_is_there (const Lab *lab)
{
  g_autofree gchar *path = socket_path (lab);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

guint
lab_docker_ask (
    const Lab *lab, const gchar *method, const gchar *path, guint timeout_s, gchar **body)
{
  g_autofree gchar *socket = socket_path (lab);
  g_autofree gchar *request = g_strdup_printf (
      "%s /v1.40/containers/%s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: "
      "0\r\n\r\n",
      method, path);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket);
  g_autoptr (GString) text = g_string_new (NULL);
  gchar chunk[2048];
  gssize n;

  g_socket_client_set_timeout (client, timeout_s);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  if (connection == NULL
      || !g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
          request, strlen (request), NULL, NULL, NULL))
    return 0;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  while ((n = g_input_stream_read (in, chunk, sizeof chunk, NULL, NULL)) > 0)
    g_string_append_len (text, chunk, n);
  const gchar *end = strstr (text->str, "\r\n\r\n");
  if (n < 0 || end == NULL || !g_str_has_prefix (text->str, "HTTP/1.1 "))
    return 0;
  if (body != NULL)
    *body = g_strdup (end + 4);
  return (guint) g_ascii_strtoull (text->str + strlen ("HTTP/1.1 "), NULL, 10);
}
