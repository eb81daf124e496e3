/* SPDX-License-Identifier: MIT */
/* pair.c: the first phase of pairing, which waits until a PIN is entered. */
#include "pairing.h"

#include <string.h>

/* Clients that do not go on: so many addresses, each so often. */
#define ADDRESSES 50
#define OF_EACH 4
/* How many pairings may be pending. */
#define MOST 8
/* When nothing is left of those who have left. */
#define GONE_MS 10000
/* How often a state that nothing announces is looked at. */
#define LOOK_MS 50
/* Descriptors that a server may have more afterwards: a connection of the API that ends. */
#define SPARE 4

GSocketConnection *
pairing_ask (const Runner *runner, const gchar *address, const gchar *certificate)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) local = g_inet_socket_address_new_from_string (address, 0);
  g_autofree gchar *request =
      g_strdup_printf ("GET /pair?uniqueid=0123456789ABCDEF&phrase=getservercert&salt="
                       "00112233445566778899aabbccddeeff&clientcert=%s HTTP/1.1\r\n"
                       "Host: wolf\r\n\r\n",
          certificate);

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_local_address (client, local);
  GSocketConnection *connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", (guint16) runner->ports.http, NULL, NULL);
  if (connection != NULL)
    g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
        strlen (request), NULL, NULL, NULL);
  return connection;
}

/* The status of the answer; 0: there is none within that time. */
static gint
status_of (GSocketConnection *connection, gint64 within_ms)
{
  gchar text[64] = { 0 };
  GSocket *socket = g_socket_connection_get_socket (connection);

  if (!g_socket_condition_timed_wait (
          socket, G_IO_IN, within_ms * G_TIME_SPAN_MILLISECOND, NULL, NULL)
      || g_socket_receive (socket, text, sizeof text - 1, NULL, NULL) <= 0
      || !g_str_has_prefix (text, "HTTP/1.1 "))
    return 0;
  return (gint) g_ascii_strtoll (text + strlen ("HTTP/1.1 "), NULL, 10);
}

/* How many pairings are pending, -1: the API does not tell; the secret of the last one listed. */
static gint
count_pending (const Runner *runner, gchar **secret)
{
  g_auto (Answer) answer = { 0 };

  ask_api_now (runner, "GET", "/api/v1/pair/pending", NULL, SOON_MS, &answer);
  g_autoptr (JsonNode) node = answer.status == 200 ? json_from_string (answer.body, NULL) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return -1;
  JsonArray *all = json_object_get_array_member (json_node_get_object (node), "requests");
  const guint n = all ? json_array_get_length (all) : 0;
  if (secret != NULL && n > 0)
    *secret = g_strdup (
        json_object_get_string_member (json_array_get_object_element (all, n - 1), "pair_secret"));
  return (gint) n;
}

/* Waits until at most so many connections to HTTP are established, or not yet accepted. */
static gboolean
await_established (const Runner *runner, guint n, gboolean at_most, Sockets *sockets)
{
  const gint64 until = g_get_monotonic_time () + GONE_MS * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    sockets_read (runner->ports.http, sockets);
    if (at_most ? sockets->established <= n : sockets->unaccepted <= n)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

static GPtrArray *
ask_from_everywhere (const Runner *runner)
{
  GPtrArray *connections = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < ADDRESSES * OF_EACH; i++) {
    g_autofree gchar *address = g_strdup_printf ("127.0.0.%u", 10 + i / OF_EACH);
    g_autofree gchar *certificate = g_strdup_printf ("%08x", i);
    GSocketConnection *connection = pairing_ask (runner, address, certificate);
    if (connection != NULL)
      g_ptr_array_add (connections, connection);
  }
  return connections;
}

void
scenario_pair_abandoned (Runner *runner, Result *result)
{
  Sockets held, left;
  guint before, after, ignored;
  g_auto (Answer) answer = { 0 };

  metrics_descriptors (runner->pid, &before, &ignored);
  GPtrArray *clients = ask_from_everywhere (runner);
  expect_both (result, clients->len == ADDRESSES * OF_EACH, "clients ask to be paired");
  await_established (runner, 0, FALSE, &held);
  const gboolean few = await_established (runner, MOST, TRUE, &held);
  const gint pending = count_pending (runner, NULL);
  g_ptr_array_unref (clients);
  sockets_wait_no_close_wait (runner->ports.http, GONE_MS, &left);
  metrics_descriptors (runner->pid, &after, &ignored);
  ask_https_now (runner, 0, "/serverinfo", SOON_MS, &answer);
  result_int (result, "held", held.established);
  result_int (result, "pending", pending);
  result_int (result, "left_close_wait", left.close_wait);
  result_int (result, "descriptors_before", before);
  result_int (result, "descriptors_after", after);
  expect_both (result, answer.status == 200, "HTTPS answers");
  expect_fault (result, !few, "pairings without a PIN are held, however many");
  expect_held (result, few && pending >= 0 && pending <= MOST, "few pairings are pending");
  expect_fault (result, left.close_wait > 0, "their connections stay when the clients have left");
  expect_held (result, left.close_wait == 0 && after <= before + SPARE,
      "nothing stays of those who have left");
}

static void
enter_pin (const Runner *runner, const gchar *secret, Answer *answer)
{
  g_autofree gchar *body =
      g_strdup_printf ("{\"pair_secret\":\"%s\",\"pin\":\"1234\"}", secret ? secret : "");

  ask_api_now (runner, "POST", "/api/v1/pair/client", body, SOON_MS, answer);
}

/* Waits until one pairing is pending. */
static gchar *
await_secret (const Runner *runner)
{
  const gint64 until = g_get_monotonic_time () + SOON_MS * G_TIME_SPAN_MILLISECOND;
  gchar *secret = NULL;

  while (count_pending (runner, &secret) != 1 && g_get_monotonic_time () < until) {
    g_clear_pointer (&secret, g_free);
    wait_ms (LOOK_MS);
  }
  return secret;
}

/* Moonlight's clients have one id, so that two of one address differ by their certificates. */
void
scenario_pair_two (Runner *runner, Result *result)
{
  g_auto (Answer) entered = { 0 };
  Sockets sockets;
  g_autoptr (GSocketConnection) first = pairing_ask (runner, "127.0.0.1", "aa");
  g_autofree gchar *secret = await_secret (runner);
  g_autoptr (GSocketConnection) second = pairing_ask (runner, "127.0.0.1", "bb");

  expect_both (result, first != NULL && secret != NULL && second != NULL, "two ask to be paired");
  if (first == NULL || second == NULL)
    return;
  await_established (runner, 0, FALSE, &sockets);
  const gint refused = status_of (second, SHORT_PATIENCE_MS / 5); /* by then it has been read */
  enter_pin (runner, secret, &entered);
  const gint status = status_of (first, SHORT_PATIENCE_MS);
  const gint other = status_of (second, SHORT_PATIENCE_MS / 5);
  result_answer (result, "entered", &entered);
  result_int (result, "first_status", status);
  result_int (result, "second_status", other);
  expect_fault (result, status != 200, "the first one's PIN is not taken any more");
  expect_held (result, entered.status == 200 && status == 200, "the first one gets its PIN");
  expect_held (result, refused == 0 && other == 0, "the second one goes on waiting for its own");
}
