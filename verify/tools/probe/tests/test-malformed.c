/* SPDX-License-Identifier: MIT
 *
 * The control port's client against a small ENet server, and bodies without an end.
 */
#include "control.h"
#include "deadline.h"
#include "malformed.h"

#include <arpa/inet.h>
#include <enet/enet.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC)
#define SHORT_US (300 * 1000)
#define DATA 4242u

static const guint8 key[PROBE_CONTROL_KEY] = "0123456789abcde";

/* What the server does when the first message has come. */
typedef enum { SERVE, HANG, CLOSE } Mode;

typedef struct {
  Mode mode;
  ENetHost *host;
  GThread *thread;
  gint stop; /* atomic */
  guint32 data;
  GPtrArray *messages; /* of GByteArray */
} Server;

static gpointer
server_main (gpointer data)
{
  Server *server = data;
  ENetEvent event;

  while (!g_atomic_int_get (&server->stop)) {
    if (enet_host_service (server->host, &event, 10) <= 0)
      continue;
    if (event.type == ENET_EVENT_TYPE_CONNECT)
      server->data = event.data;
    if (event.type != ENET_EVENT_TYPE_RECEIVE)
      continue;
    GByteArray *message = g_byte_array_new ();
    if (event.packet->dataLength > 0)
      g_byte_array_append (message, event.packet->data, (guint) event.packet->dataLength);
    g_ptr_array_add (server->messages, message);
    enet_packet_destroy (event.packet);
    if (server->mode == HANG)
      break;
    if (server->mode == CLOSE)
      enet_peer_disconnect (event.peer, 0);
  }
  return NULL;
}

static void
server_start (Server *server, Mode mode)
{
  ENetAddress address = { 0 };

  g_assert_cmpint (enet_initialize (), ==, 0);
  enet_address_set_host_ip (&address, "127.0.0.1");
  *server = (Server){ .mode = mode, .host = enet_host_create (&address, 4, 0, 0, 0) };
  g_assert_nonnull (server->host);
  server->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  server->thread = g_thread_new ("enet", server_main, server);
}

static guint16
server_port (const Server *server)
{
  ENetAddress address;

  g_assert_cmpint (enet_socket_get_address (server->host->socket, &address), ==, 0);
  return address.port;
}

static void
server_stop (Server *server)
{
  g_atomic_int_set (&server->stop, 1);
  g_thread_join (server->thread);
  enet_host_destroy (server->host);
}

static ProbeControlEnd
talk (Server *server, gint64 within_us)
{
  g_autoptr (GByteArray) last = probe_control_packet (key, 2, PROBE_CONTROL_PING, "", 1);
  g_autoptr (ProbeControl) control =
      probe_control_new ("127.0.0.1", server_port (server), DATA, probe_deadline_in (PATIENCE_US));

  g_assert_nonnull (control);
  probe_control_send (control, "", 0);
  probe_control_send (control, "abc", 3);
  return probe_control_finish (control, last, probe_deadline_in (within_us));
}

static void
test_ends (void)
{
  Server server;

  server_start (&server, SERVE);
  g_assert_cmpint (talk (&server, PATIENCE_US), ==, PROBE_CONTROL_SERVED);
  server_stop (&server);
  g_assert_cmpuint (server.data, ==, DATA);
  g_assert_cmpuint (server.messages->len, >=, 2); /* the last may be acknowledged, and not read */
  g_assert_cmpuint (((GByteArray *) server.messages->pdata[0])->len, ==, 0);
  g_assert_cmpuint (((GByteArray *) server.messages->pdata[1])->len, ==, 3);
  g_ptr_array_unref (server.messages);

  server_start (&server, HANG);
  g_assert_cmpint (talk (&server, SHORT_US), ==, PROBE_CONTROL_SILENT);
  server_stop (&server);
  g_ptr_array_unref (server.messages);

  server_start (&server, CLOSE);
  g_assert_cmpint (talk (&server, PATIENCE_US), ==, PROBE_CONTROL_CLOSED);
  server_stop (&server);
  g_ptr_array_unref (server.messages);
}

static void
test_nobody (void)
{
  g_assert_null (probe_control_new ("127.0.0.1", 9, 0, probe_deadline_in (SHORT_US)));
}

static gboolean
decrypt (const GByteArray *packet, guint8 *plain)
{
  const guint8 iv[16] = { packet->data[4] };
  guint8 tag[16];
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();
  int length;

  memcpy (tag, packet->data + 8, sizeof tag);
  g_assert_cmpint (EVP_DecryptInit_ex (cipher, EVP_aes_128_gcm (), NULL, NULL, NULL), ==, 1);
  EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_SET_IVLEN, sizeof iv, NULL);
  EVP_DecryptInit_ex (cipher, NULL, NULL, key, iv);
  EVP_DecryptUpdate (cipher, plain, &length, packet->data + PROBE_CONTROL_HEADER,
      (int) packet->len - PROBE_CONTROL_HEADER);
  EVP_CIPHER_CTX_ctrl (cipher, EVP_CTRL_GCM_SET_TAG, sizeof tag, tag);
  const gboolean right = EVP_DecryptFinal_ex (cipher, plain + length, &length) == 1;
  EVP_CIPHER_CTX_free (cipher);
  return right;
}

static void
test_packet (void)
{
  static const guint8 head[] = { 1, 0, 27, 0, 0x34, 0x12, 0, 0 };
  static const guint8 wanted[] = { 0x06, 0x02, 3, 0, 'a', 'b', 'c' };
  g_autoptr (GByteArray) packet = probe_control_packet (key, 0x1234, PROBE_CONTROL_INPUT, "abc", 3);
  guint8 plain[64];

  g_assert_cmpmem (packet->data, 8, head, 8);
  g_assert_cmpuint (packet->len, ==, PROBE_CONTROL_HEADER + sizeof wanted);
  g_assert_true (decrypt (packet, plain));
  g_assert_cmpmem (plain, sizeof wanted, wanted, sizeof wanted);
  packet->data[PROBE_CONTROL_HEADER - 1] ^= 1;
  g_assert_false (decrypt (packet, plain));
}

/* Numbers are what evidence cites: those that there are stay. */
static void
test_numbers (void)
{
  g_assert_cmpuint (probe_malformed_number (PROBE_DOOR_HTTPS, 0), ==, 0);
  g_assert_cmpuint (probe_malformed_number (PROBE_DOOR_CONTROL, 0), ==, 500);
  g_assert_cmpstr (probe_malformed_name (PROBE_DOOR_CONTROL, 0), ==, "right-key");
  g_assert_cmpstr (probe_malformed_name (PROBE_DOOR_HTTP, 29), ==, "pin-of-words");
  g_assert_cmpstr (probe_malformed_name (PROBE_DOOR_SESSION, 14), ==, "huge-redundancy");
  for (guint door = 0; door < PROBE_DOORS; door++)
    g_assert_cmpuint (probe_malformed_count ((ProbeDoor) door), <=, 100);
}

/* ---- bodies without an end ---- */

/* Reads @most bytes, answers, and closes. */
typedef struct {
  int listener;
  gsize most;
} Reader;

static gpointer
reader_main (gpointer data)
{
  const Reader *reader = data;
  const int fd = accept (reader->listener, NULL, NULL);
  g_autofree char *chunk = g_malloc (1 << 16);
  gssize n;

  for (gsize all = 0; all < reader->most; all += (gsize) n)
    if ((n = recv (fd, chunk, 1 << 16, 0)) <= 0)
      break;
  close (fd);
  return NULL;
}

static ProbeMalformedEnd
pour_into (gsize most)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  Reader reader = { socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), most };
  ProbeMalformedAnswer answer;
  guint index = 0;

  g_assert_cmpint (bind (reader.listener, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (reader.listener, 1), ==, 0);
  g_assert_cmpint (getsockname (reader.listener, (struct sockaddr *) &address, &size), ==, 0);
  GThread *thread = g_thread_new ("reader", reader_main, &reader);
  const ProbeTarget target = {
    .host = "127.0.0.1", .http_port = ntohs (address.sin_port), .timeout_us = PATIENCE_US
  };
  const ProbeMalformed to = { .target = &target };
  while (!g_str_equal (probe_malformed_name (PROBE_DOOR_HTTP, index), "endless-body"))
    index++;
  const ProbeMalformedEnd end = probe_malformed_send (&to, PROBE_DOOR_HTTP, index, &answer);
  g_thread_join (thread);
  close (reader.listener);
  g_free (answer.line);
  return end;
}

static void
test_endless (void)
{
  g_assert_cmpint (pour_into (1 << 16), ==, PROBE_MALFORMED_CLOSED);
  g_assert_cmpint (pour_into (G_MAXSIZE), ==, PROBE_MALFORMED_SWALLOWED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/malformed/ends", test_ends);
  g_test_add_func ("/malformed/nobody", test_nobody);
  g_test_add_func ("/malformed/packet", test_packet);
  g_test_add_func ("/malformed/numbers", test_numbers);
  g_test_add_func ("/malformed/endless", test_endless);
  return g_test_run ();
}
