/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <gio/gio.h>

/* Between two exchanges: rare enough to take a few percent of a core. */
#define PAUSE_MS 50
/* There and back, as TLS 1.3 and a request go; and the bytes hashed on each way, some 0.3 ms. */
#define WAYS 4
#define WORK_BYTES (64 * 1024)

typedef struct {
  gint64 at; /* when it ended */
  gdouble ms;
} Exchange;

struct Machine {
  GSocket *listener;
  GSocketAddress *address;
  GCancellable *over;
  GThread *server, *client;
  GMutex lock;
  GCond ended; /* an exchange */
  GArray *exchanges;
  gint64 begun; /* of the exchange under way; 0: there is none */
};

static void
work (void)
{
  static const guchar bytes[WORK_BYTES];
  g_autofree gchar *sum G_GNUC_UNUSED =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, bytes, sizeof bytes);
}

/* Both ends: the one that is `first` writes before it reads. */
static void
exchange (GSocket *socket, gboolean first, GCancellable *over)
{
  gchar byte = 'x';

  for (guint i = 0; i < WAYS; i++) {
    work ();
    if (first && g_socket_send (socket, &byte, 1, over, NULL) != 1)
      return;
    if (g_socket_receive (socket, &byte, 1, over, NULL) != 1)
      return;
    if (!first && g_socket_send (socket, &byte, 1, over, NULL) != 1)
      return;
  }
}

static gpointer
serve (gpointer data)
{
  Machine *machine = data;

  while (!g_cancellable_is_cancelled (machine->over)) {
    g_autoptr (GSocket) socket = g_socket_accept (machine->listener, machine->over, NULL);
    if (socket != NULL)
      exchange (socket, FALSE, machine->over);
  }
  return NULL;
}

static GSocket *
new_socket (GError **error)
{
  return g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
}

static void
connect_once (Machine *machine)
{
  g_autoptr (GSocket) socket = new_socket (NULL);

  if (socket != NULL && g_socket_connect (socket, machine->address, machine->over, NULL))
    exchange (socket, TRUE, machine->over);
}

static gpointer
measure (gpointer data)
{
  Machine *machine = data;

  while (!g_cancellable_is_cancelled (machine->over)) {
    g_mutex_lock (&machine->lock);
    machine->begun = g_get_monotonic_time ();
    g_mutex_unlock (&machine->lock);
    connect_once (machine);
    g_mutex_lock (&machine->lock);
    Exchange done = { .at = g_get_monotonic_time () };
    done.ms = (gdouble) (done.at - machine->begun) / G_TIME_SPAN_MILLISECOND;
    g_array_append_val (machine->exchanges, done);
    machine->begun = 0;
    g_cond_broadcast (&machine->ended);
    /* Ends early when machine_end() says so. */
    const gint64 until = done.at + PAUSE_MS * G_TIME_SPAN_MILLISECOND;
    while (!g_cancellable_is_cancelled (machine->over)
        && g_cond_wait_until (&machine->ended, &machine->lock, until))
      ;
    g_mutex_unlock (&machine->lock);
  }
  return NULL;
}

Machine *
machine_start (GError **error)
{
  g_autoptr (GSocket) listener = new_socket (error);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  GSocketAddress *address = NULL;

  if (listener != NULL && g_socket_bind (listener, any, FALSE, error)
      && g_socket_listen (listener, error))
    address = g_socket_get_local_address (listener, error);
  if (address == NULL)
    return NULL;
  Machine *machine = g_new0 (Machine, 1);
  machine->listener = g_steal_pointer (&listener);
  machine->address = address;
  machine->over = g_cancellable_new ();
  machine->exchanges = g_array_new (FALSE, FALSE, sizeof (Exchange));
  g_mutex_init (&machine->lock);
  g_cond_init (&machine->ended);
  machine->server = g_thread_new ("machine server", serve, machine);
  machine->client = g_thread_new ("machine", measure, machine);
  return machine;
}

void
machine_end (Machine *machine)
{
  if (machine == NULL)
    return;
  g_cancellable_cancel (machine->over);
  g_mutex_lock (&machine->lock);
  g_cond_broadcast (&machine->ended);
  g_mutex_unlock (&machine->lock);
  g_thread_join (machine->client);
  g_thread_join (machine->server);
  g_array_unref (machine->exchanges);
  g_mutex_clear (&machine->lock);
  g_cond_clear (&machine->ended);
  g_object_unref (machine->listener);
  g_object_unref (machine->address);
  g_object_unref (machine->over);
  g_free (machine);
}

static gint
by_size (gconstpointer a, gconstpointer b)
{
  const gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return x < y ? -1 : x > y;
}

void
machine_times (Machine *machine, gint64 since, MachineTimes *times)
{
  g_autoptr (GArray) ms = g_array_new (FALSE, FALSE, sizeof (gdouble));

  g_mutex_lock (&machine->lock);
  while (machine->exchanges->len == 0
      || g_array_index (machine->exchanges, Exchange, machine->exchanges->len - 1).at < since)
    g_cond_wait (&machine->ended, &machine->lock);
  for (guint i = machine->exchanges->len; i-- > 0;) {
    const Exchange *done = &g_array_index (machine->exchanges, Exchange, i);
    if (done->at < since)
      break;
    g_array_append_val (ms, done->ms);
  }
  const gdouble under_way = machine->begun == 0
      ? 0
      : (gdouble) (g_get_monotonic_time () - machine->begun) / G_TIME_SPAN_MILLISECOND;
  g_mutex_unlock (&machine->lock);
  g_array_sort (ms, by_size);
  *times = (MachineTimes){
    .count = ms->len,
    .p50_ms = g_array_index (ms, gdouble, (ms->len - 1) / 2),
    .worst_ms = MAX (under_way, g_array_index (ms, gdouble, ms->len - 1)),
  };
}
