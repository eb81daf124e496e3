/* SPDX-License-Identifier: MIT */
/*
 * sound.c: a sound server that goes away.
 *
 * Its protocol: packets of a header of five words, whose first is the size of what follows. That is
 * a list of values with a letter for each type. A command begins with its number and a tag; the
 * answer is the command REPLY with the same tag and, for some, a number.
 */
#include "around.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define WORD 5 /* its letter and 32 bits */
#define HEADER_WORDS 5
#define REPLY 2
#define AUTH 8
#define SET_CLIENT_NAME 9
#define LOAD_MODULE 51
#define NUMBER 30 /* as good as any: the version of the protocol, a client's index, a module's */
#define LONGEST 65536
/* From SIGTERM. */
#define TERM_PATIENCE_MS 15000
#define TERM_LIMIT_MS 5000

typedef struct {
  GSocket *listener;
  GCancellable *end;
  gint ready; /* atomic: the server is connected, and has said its name */
  GThread *thread;
} Sound;

/* FALSE: the client is gone, or this is. */
static gboolean
receive (GSocket *peer, GCancellable *end, void *to, gsize size)
{
  gchar *bytes = to;

  while (size > 0) {
    const gssize n = g_socket_receive (peer, bytes, size, end, NULL);
    if (n <= 0)
      return FALSE;
    bytes += n;
    size -= (gsize) n;
  }
  return TRUE;
}

static void
put_word (GByteArray *to, guint32 value)
{
  value = g_htonl (value);
  g_byte_array_append (to, (const guint8 *) "L", 1);
  g_byte_array_append (to, (const guint8 *) &value, sizeof value);
}

static void
answer (GSocket *peer, guint32 command, guint32 tag)
{
  const gboolean number = command == AUTH || command == SET_CLIENT_NAME || command == LOAD_MODULE;
  const guint32 header[HEADER_WORDS] = { g_htonl ((number ? 3 : 2) * WORD), G_MAXUINT32, 0, 0, 0 };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) header, sizeof header);
  put_word (bytes, REPLY);
  put_word (bytes, tag);
  if (number)
    put_word (bytes, NUMBER);
  g_socket_send (peer, (const gchar *) bytes->data, bytes->len, NULL, NULL);
}

/* One command; FALSE: there is none any more. */
static gboolean
serve_one (Sound *sound, GSocket *peer)
{
  guint32 header[HEADER_WORDS], command, tag;
  guint8 body[LONGEST];

  if (!receive (peer, sound->end, header, sizeof header))
    return FALSE;
  const guint32 size = g_ntohl (header[0]);
  if (size < 2 * WORD || size > sizeof body || !receive (peer, sound->end, body, size))
    return FALSE;
  memcpy (&command, body + 1, sizeof command);
  memcpy (&tag, body + WORD + 1, sizeof tag);
  command = g_ntohl (command);
  answer (peer, command, g_ntohl (tag));
  if (command == SET_CLIENT_NAME)
    g_atomic_int_set (&sound->ready, 1);
  return TRUE;
}

static gpointer
sound_main (gpointer data)
{
  Sound *sound = data;

  while (!g_cancellable_is_cancelled (sound->end)) {
    g_autoptr (GSocket) peer = g_socket_accept (sound->listener, sound->end, NULL);
    while (peer != NULL && serve_one (sound, peer))
      ;
    g_atomic_int_set (&sound->ready, 0);
  }
  return NULL;
}

static GSocket *
listen_at (const Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, SOUND_SOCKET);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  GSocket *socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);

  if (!g_socket_bind (socket, address, FALSE, NULL) || !g_socket_listen (socket, NULL))
    g_clear_object (&socket);
  return socket;
}

/* Its clients see the end of their connections, and nobody answers any more. */
static void
sound_end (const Runner *runner, Sound *sound)
{
  g_autofree gchar *path = runner_path (runner, SOUND_SOCKET);

  g_unlink (path);
  g_cancellable_cancel (sound->end);
  g_thread_join (sound->thread);
  g_clear_object (&sound->end);
  g_clear_object (&sound->listener);
}

static gboolean
want_sound (const Runner *runner)
{
  g_autofree gchar *path = runner_path (runner, "config.toml");
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  GString *changed = g_string_new (text);
  const guint n =
      g_string_replace (changed, "start_audio_server = false", "start_audio_server = true", 0);
  const gboolean written = n > 0 && g_file_set_contents (path, changed->str, -1, NULL);
  g_string_free (changed, TRUE);
  return written;
}

/* The sound server ends; then a session with sound. */
void
scenario_sound_lost (Runner *runner, Result *result)
{
  Sound sound = { .listener = listen_at (runner), .end = g_cancellable_new () };
  g_autoptr (GError) error = NULL;
  gint64 video = 0, audio = 0;

  if (sound.listener == NULL || !want_sound (runner)) {
    expect_both (result, FALSE, "a sound server is there");
    return;
  }
  sound.thread = g_thread_new ("sound", sound_main, &sound);
  const gboolean up = runner_restart (runner, &error);
  expect_both (result, up && g_atomic_int_get (&sound.ready), "the server knows a sound server");
  if (up)
    around_begin (runner, result);
  sound_end (runner, &sound);
  if (!up)
    return;
  expect_both (
      result, runner_log_says (runner, "[PULSE] Context failed", SOON_MS), "it has lost it");
  Client *client = client_start (runner, 0, NULL, SOON_MS);
  if (client_pings (client, SOON_MS))
    client_count (client, COUNT_MS, &video, &audio);
  const gboolean ended = runner_has_ended (runner, runner->server->dying_ms);
  result_int (result, "video", video);
  expect_fault (result, ended, "a launch ends the server");
  expect_held (result, video > 0, "the session streams");
  if (!ended) {
    g_auto (Answer) cancelled = { 0 };
    expect_held (result, around_measure (runner, result, "during"), "HTTPS answers meanwhile");
    ask_https_now (runner, 0, "/cancel", SHORT_PATIENCE_MS, &cancelled);
  }
  client_end (client);
  around_end (runner, result);
}

/* SIGTERM while the start waits for a sound server that accepts and is mute. */
void
scenario_sigterm_sound_silent (Runner *runner, Result *result)
{
  g_autoptr (GSocket) mute = listen_at (runner);
  g_autoptr (GError) error = NULL;
  gdouble ms = -1;

  runner->start_ms = 1; /* it is not waited for */
  const gboolean up = runner_restart (runner, &error);
  const gboolean waits = mute != NULL
      && g_socket_condition_timed_wait (
          mute, G_IO_IN, SOON_MS * G_TIME_SPAN_MILLISECOND, NULL, NULL);
  expect_both (result, !up && waits, "the start waits for a sound server");
  const gboolean ended = runner_signal (runner, SIGTERM, TERM_PATIENCE_MS, &ms);
  const gdouble limit_ms = step_stretched_ms (runner, TERM_LIMIT_MS);
  result_ms (result, "exit_ms", ended ? ms : -1);
  expect_fault (result, !ended || ms > limit_ms, "the process does not end in time");
  expect_in_time (result, ended && ms <= limit_ms, "the process ended in time");
}
