/* SPDX-License-Identifier: MIT */
#include "icons.h"

#include "timing.h"

#include <string.h>

#define LOOK_MS 20
/* How many clients it serves at once, which a scenario does not reach. */
#define CLIENTS 64
/* Between two bytes of what is slow. */
#define SLOW_MS 100
/* Four times what an icon may have. */
#define BIG (16 * 1024 * 1024)
#define CHUNK (64 * 1024)

const gchar *const icon_names[] = { "good", "silent-1", "silent-2", "silent-3", "slow", "redirect",
  "big", "text", NULL };

static struct {
  GSocketService *service;
  guint port;
  GMutex lock;
  GPtrArray *paths; /* of all requests */
} icons;

/* The path of a request, newly allocated; NULL: the client left before it was there. */
static gchar *
read_path (GInputStream *in)
{
  g_autoptr (GDataInputStream) lines = g_data_input_stream_new (in);
  g_autofree gchar *first = NULL;
  gchar *line;

  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  while ((line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL) {
    g_strchomp (line);
    if (*line == '\0') {
      g_free (line);
      g_auto (GStrv) words = g_strsplit (first ? first : "", " ", 3);
      return words[0] != NULL && words[1] != NULL ? g_strdup (words[1]) : NULL;
    }
    if (first == NULL)
      first = line;
    else
      g_free (line);
  }
  return NULL;
}

static gboolean
say (GOutputStream *out, const gchar *text)
{
  return g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL);
}

static void
say_big (GOutputStream *out)
{
  g_autofree gchar *chunk = g_strnfill (CHUNK, 'x');

  for (guint i = 0; i < BIG / CHUNK && say (out, chunk); i++)
    ;
}

/* Until the client leaves. */
static void
say_slowly (GOutputStream *out)
{
  while (say (out, "x"))
    wait_ms (SLOW_MS);
}

static void
wait_for_the_end (GInputStream *in)
{
  gchar byte;

  g_input_stream_read (in, &byte, 1, NULL, NULL);
}

static void
answer (const gchar *path, GInputStream *in, GOutputStream *out)
{
  const gboolean is_redirect = g_str_has_prefix (path, "/redirect");
  g_autofree gchar *head = g_strdup_printf ("HTTP/1.1 %s\r\nContent-Type: %s\r\n"
                                            "Location: http://127.0.0.1:%u/target\r\n"
                                            "Connection: close\r\n\r\n",
      is_redirect ? "302 Found" : "200 OK",
      g_str_has_prefix (path, "/text") ? "text/html" : "image/png", icons.port);

  if (g_str_has_prefix (path, "/silent")) {
    wait_for_the_end (in);
    return;
  }
  if (!say (out, head) || is_redirect)
    return;
  if (g_str_has_prefix (path, "/slow"))
    say_slowly (out);
  else if (g_str_has_prefix (path, "/big"))
    say_big (out);
  else
    say (out, "an icon");
}

static gboolean
serve (GThreadedSocketService *service G_GNUC_UNUSED, GSocketConnection *connection,
    GObject *source G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  gchar *path = read_path (in);

  if (path == NULL)
    return TRUE;
  g_mutex_lock (&icons.lock);
  g_ptr_array_add (icons.paths, path);
  g_mutex_unlock (&icons.lock);
  answer (path, in, g_io_stream_get_output_stream (G_IO_STREAM (connection)));
  return TRUE;
}

static gpointer
accept_all (gpointer data)
{
  GMainContext *context = data;

  g_main_context_push_thread_default (context);
  g_socket_service_start (icons.service);
  g_main_loop_run (g_main_loop_new (context, FALSE));
  return NULL;
}

gboolean
icons_start (GError **error)
{
  GMainContext *context = g_main_context_new ();
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  icons.paths = g_ptr_array_new_with_free_func (g_free);
  g_main_context_push_thread_default (context);
  icons.service = g_threaded_socket_service_new (CLIENTS);
  g_socket_service_stop (icons.service);
  const gboolean done = g_socket_listener_add_address (G_SOCKET_LISTENER (icons.service), address,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, error);
  g_main_context_pop_thread_default (context);
  if (!done)
    return FALSE;
  g_signal_connect (icons.service, "run", G_CALLBACK (serve), NULL);
  icons.port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_thread_unref (g_thread_new ("icons", accept_all, context));
  return TRUE;
}

guint
icons_port (void)
{
  return icons.port;
}

gint
icons_asked (const gchar *kind)
{
  gint count = 0;

  g_mutex_lock (&icons.lock);
  for (guint i = 0; i < icons.paths->len; i++) {
    const gchar *path = g_ptr_array_index (icons.paths, i);
    count += g_str_has_prefix (path + 1, kind);
  }
  g_mutex_unlock (&icons.lock);
  return count;
}

gboolean
icons_reach (const gchar *kind, gint n, gint64 within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  while (icons_asked (kind) < n) {
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
  return TRUE;
}

Question *
icons_ask (Runner *runner, const gchar *name, guint number, gint64 patience_ms)
{
  g_autofree gchar *id = runner_app_called (runner, name);
  g_autofree gchar *path = g_strconcat ("/appasset?appid=", id ? id : "missing", NULL);

  return ask_https (runner, number, path, patience_ms);
}
