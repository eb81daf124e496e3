/* SPDX-License-Identifier: MIT */
/* client.c: one connection to the tracer's socket. */
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gio/gio.h>

/* How long to wait before a refused connection is tried again: nothing announces a new socket file.
 */
#define RETRY_MS 20

struct WgfClient {
  gint fd;
  GString *input;
};

WgfClient *
wgf_client_connect (const gchar *path, gint64 timeout_ms, GError **error)
{
  const gint64 until = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
    g_set_error (
        error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG, "%s is too long for a unix socket", path);
    return NULL;
  }
  for (;;) {
    const gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect (fd, (struct sockaddr *) &address, sizeof address) == 0) {
      WgfClient *client = g_new0 (WgfClient, 1);
      client->fd = fd;
      client->input = g_string_new (NULL);
      return client;
    }
    const gint reason = errno;
    if (fd >= 0)
      close (fd);
    if (g_get_monotonic_time () >= until) {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (reason),
          "cannot reach the tracer at %s: %s; does the program run with GST_TRACERS=wgfaults "
          "and WG_FAULTS_SOCKET?",
          path, g_strerror (reason));
      return NULL;
    }
    poll (NULL, 0, RETRY_MS);
  }
}

void
wgf_client_destroy (WgfClient *client)
{
  if (client == NULL)
    return;
  close (client->fd);
  g_string_free (client->input, TRUE);
  g_free (client);
}

/* The next whole line; NULL and `error` when it does not come before `until`. */
static gchar *
read_line (WgfClient *client, gint64 until, GError **error)
{
  for (;;) {
    const gchar *end = strchr (client->input->str, '\n');
    if (end != NULL) {
      const gssize size = end - client->input->str;
      gchar *line = g_strndup (client->input->str, (gsize) size);
      g_string_erase (client->input, 0, size + 1);
      return line;
    }
    struct pollfd ready = { .fd = client->fd, .events = POLLIN };
    const gint64 left = (until - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    if (left <= 0 || poll (&ready, 1, (gint) MIN (left, G_MAXINT)) == 0) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the tracer did not answer");
      return NULL;
    }
    gchar chunk[4096];
    const gssize n = read (client->fd, chunk, sizeof chunk);
    if (n <= 0 && !(n < 0 && errno == EINTR)) {
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the program under test has ended");
      return NULL;
    }
    g_string_append_len (client->input, chunk, MAX (n, 0));
  }
}

gchar *
wgf_client_order (WgfClient *client, gint64 timeout_ms, GError **error, const gchar *format, ...)
{
  const gint64 until = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  va_list args;

  va_start (args, format);
  g_autofree gchar *order = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree gchar *line = g_strconcat (order, "\n", NULL);
  if (send (client->fd, line, strlen (line), MSG_NOSIGNAL) != (gssize) strlen (line)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the program under test has ended");
    return NULL;
  }
  return read_line (client, until, error);
}
