/* SPDX-License-Identifier: MIT */
/*
 * rtsp.c: the RTSP port: OPTIONS, DESCRIBE, SETUP, ANNOUNCE, PLAY, one message a connection.
 *
 * One thread. ANNOUNCE fires the event that starts the wait for pings.
 */
#include "port.h"
#include "servers.h"
#include "sessions.h"

#include <string.h>
#include <wolf-guard/watch.h>

#define WOLF_PORT 48010
#define CONTROL_PORT 47999 /* Wolf's; nobody listens there in the lab */
#define MESSAGE_MAX 16384  /* an ANNOUNCE has some 2 kB */
#define PATIENCE_S 3       /* for the whole of a message; Wolf's are 2.5, after the series */

typedef struct {
  Lab *lab;
  GSocketConnection *connection;
  GCancellable *deadline;
  GSource *timer; /* NULL with --rtsp=keep */
  GString *text;
  gchar chunk[2048];
} Talk;

static void
talk_free (Talk *talk)
{
  if (talk->timer != NULL) {
    g_source_destroy (talk->timer);
    g_source_unref (talk->timer);
  }
  g_object_unref (talk->deadline);
  g_object_unref (talk->connection);
  g_string_free (talk->text, TRUE);
  g_free (talk);
}

/* The value of a header, newly allocated, or NULL. Names are compared without case. */
static gchar *
header (const gchar *text, const gchar *name)
{
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  const gsize length = strlen (name);

  for (gchar **line = lines; *line != NULL && **line != '\0'; line++)
    if (g_ascii_strncasecmp (*line, name, length) == 0 && (*line)[length] == ':')
      return g_strstrip (g_strdup (*line + length + 1));
  return NULL;
}

/* FALSE while some of it is still to come. */
static gboolean
is_whole (const gchar *text)
{
  const gchar *body = strstr (text, "\r\n\r\n");

  if (body == NULL)
    return FALSE;
  g_autofree gchar *length = header (text, "Content-length");
  return length == NULL || strlen (body + 4) >= g_ascii_strtoull (length, NULL, 10);
}

/* The session that the message is for: by the made-up address in the request or in Host. */
static LabSession *
session_of (const Talk *talk, const gchar *uri)
{
  g_autoptr (GSocketAddress) remote =
      g_socket_connection_get_remote_address (talk->connection, NULL);
  g_autofree gchar *host = header (talk->text->str, "Host");
  g_autofree gchar *of_uri = g_str_has_prefix (uri, "rtsp://")
      ? g_strndup (uri + strlen ("rtsp://"), strcspn (uri + strlen ("rtsp://"), ":/"))
      : NULL;
  g_autofree gchar *ip = remote == NULL
      ? NULL
      : g_inet_address_to_string (
          g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote)));
  LabSession *session = of_uri ? lab_sessions_find_rtsp (talk->lab->sessions, of_uri, ip) : NULL;

  return session ? session : lab_sessions_find_rtsp (talk->lab->sessions, host, ip);
}

static gchar *
set_up (const Lab *lab, const LabSession *session, const gchar *uri)
{
  if (g_str_has_prefix (uri, "streamid=control"))
    return g_strdup_printf (
        "Session: DEADBEEFCAFE;timeout = 90\r\nTransport: server_port=%u\r\n", CONTROL_PORT);
  if (!g_str_has_prefix (uri, "streamid=audio") && !g_str_has_prefix (uri, "streamid=video"))
    return NULL;
  return g_strdup_printf ("Session: DEADBEEFCAFE;timeout = 90\r\nTransport: server_port=%u\r\n"
                          "X-SS-Ping-Payload: %s\r\n",
      g_str_has_prefix (uri, "streamid=audio") ? lab->audio : lab->video, session->payload);
}

/* Headers of a good answer, or NULL: there is no such thing. */
static gchar *
obey (const Lab *lab, LabSession *session, const gchar *method, const gchar *uri)
{
  const LabEvent event = { .type = LAB_EVENT_STREAM, .session = session };

  if (g_str_equal (method, "SETUP"))
    return set_up (lab, session, uri);
  if (g_str_equal (method, "ANNOUNCE"))
    lab_bus_fire (lab->bus, &event);
  else if (!g_str_equal (method, "OPTIONS") && !g_str_equal (method, "DESCRIBE")
      && !g_str_equal (method, "PLAY"))
    return NULL;
  return g_strdup ("");
}

/* NULL: a stranger, who gets no answer. */
static gchar *
answer (const Talk *talk)
{
  g_auto (GStrv) words = g_strsplit (talk->text->str, " ", 3);
  g_autofree gchar *sequence = header (talk->text->str, "CSeq");
  const gchar *body = "";

  if (g_strv_length (words) != 3 || !g_str_has_prefix (words[2], "RTSP/1.0\r\n"))
    return g_strdup ("RTSP/1.0 400 BAD REQUEST\r\nCSeq: 0\r\n\r\n");
  g_autoptr (LabSession) session = session_of (talk, words[1]);
  if (session == NULL)
    return NULL;
  g_autofree gchar *headers = obey (talk->lab, session, words[0], words[1]);
  if (g_str_equal (words[0], "DESCRIBE"))
    body = "a=fmtp:97 surround-params=21101\r\na=x-ss-general.featureFlags: 3\r\n";
  return g_strdup_printf ("RTSP/1.0 %s\r\nCSeq: %d\r\n%s\r\n%s",
      headers ? "200 OK" : "404 NOT FOUND", sequence ? atoi (sequence) : 0, headers ? headers : "",
      body);
}

static void
on_answered (GObject *stream, GAsyncResult *result, gpointer data)
{
  Talk *talk = data;

  g_output_stream_write_all_finish (G_OUTPUT_STREAM (stream), result, NULL, NULL);
  g_free (g_object_get_data (G_OBJECT (talk->connection), "answer"));
  g_socket_shutdown (g_socket_connection_get_socket (talk->connection), TRUE, TRUE, NULL);
  talk_free (talk);
}

static void
conclude (Talk *talk)
{
  wg_watch_begin ("RTSP message");
  gchar *text = answer (talk);
  wg_watch_end ();

  if (text == NULL) {
    lab_log ("RTSP: no such session");
    talk_free (talk);
    return;
  }
  g_object_set_data (G_OBJECT (talk->connection), "answer", text);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (talk->connection)),
      text, strlen (text), G_PRIORITY_DEFAULT, talk->deadline, on_answered, talk);
}

static void on_read (GObject *stream, GAsyncResult *result, gpointer data);

static void
read_on (Talk *talk)
{
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (talk->connection)),
      talk->chunk, sizeof talk->chunk, G_PRIORITY_DEFAULT, talk->deadline, on_read, talk);
}

static void
on_read (GObject *stream, GAsyncResult *result, gpointer data)
{
  Talk *talk = data;
  const gssize n = g_input_stream_read_finish (G_INPUT_STREAM (stream), result, NULL);

  if (n <= 0 || talk->text->len + (gsize) n > MESSAGE_MAX) {
    talk_free (talk);
    return;
  }
  g_string_append_len (talk->text, talk->chunk, n);
  if (is_whole (talk->text->str))
    conclude (talk);
  else
    read_on (talk);
}

static gboolean
on_deadline (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
accepted (GSocketConnection *connection, gpointer data)
{
  Talk *talk = g_new0 (Talk, 1);

  talk->lab = data;
  talk->connection = g_object_ref (connection);
  talk->deadline = g_cancellable_new ();
  talk->text = g_string_new (NULL);
  if (talk->lab->options.limit_rtsp) {
    talk->timer = g_timeout_source_new_seconds (PATIENCE_S);
    g_source_set_callback (talk->timer, on_deadline, talk->deadline, NULL);
    g_source_attach (talk->timer, g_main_context_get_thread_default ());
  }
  read_on (talk);
}

gboolean
lab_rtsp_open (Lab *lab, GError **error)
{
  return lab_port_listen (
      lab, lab->options.wolf_ports ? WOLF_PORT : 0, &lab->rtsp, accepted, lab, error);
}
