/* SPDX-License-Identifier: MIT */
/*
 * pair.c: with --pairing=keep an answer is held until the PIN comes, and a client makes the others
 * of its address fall into oblivion. With =limit it is let go, see lab/README.md.
 */
#include "pair.h"

#include "pages.h"

#include <errno.h>
#include <sys/socket.h>

#define SOCKET "lab-pair-socket"
#define MOST 8
#define MOST_PER_ADDRESS 2
#define LIMIT_S 60

typedef struct {
  gchar *secret, *ip;
  SoupServerMessage *message; /* paused; touched in the HTTP thread only */
  GSource *left, *limit;      /* or NULL */
} Pairing;

static GMutex lock; /* for the list; the HTTP thread alone changes it, but for those that fall */
static GQueue pairings = G_QUEUE_INIT;
static GMainContext *context;
static guint count;

void
lab_pair_begin (void)
{
  context = g_main_context_ref_thread_default ();
}

void
lab_pair_remember (GSocketAddress *remote, GSocket *socket)
{
  g_object_set_data_full (G_OBJECT (remote), SOCKET, g_object_ref (socket), g_object_unref);
}

static void
end_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
pairing_answer (Pairing *pairing, guint status)
{
  g_mutex_lock (&lock);
  g_queue_remove (&pairings, pairing);
  g_mutex_unlock (&lock);
  end_source (&pairing->left);
  end_source (&pairing->limit);
  lab_page_answer (pairing->message, status, NULL);
  soup_message_headers_append (
      soup_server_message_get_response_headers (pairing->message), "Connection", "close");
  soup_server_message_unpause (pairing->message);
  g_object_unref (pairing->message);
  g_free (pairing->secret);
  g_free (pairing->ip);
  g_free (pairing);
}

static void
let_go (Pairing *pairing, const gchar *why)
{
  lab_log ("pairing of %s: %s", pairing->ip, why);
  pairing_answer (pairing, SOUP_STATUS_BAD_REQUEST);
}

static gboolean
on_limit (gpointer data)
{
  let_go (data, "no PIN was entered within 60 s");
  return G_SOURCE_REMOVE;
}

static gboolean
on_readable (GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  gchar byte;
  const gssize n = recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  if (n < 0 && errno == EAGAIN)
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    let_go (data, "its client has left");
  return G_SOURCE_REMOVE;
}

/* The first of them, of one address or, with NULL, of all; `n` counts them. */
static Pairing *
first_of (const gchar *ip, guint *n)
{
  Pairing *first = NULL;

  *n = 0;
  for (GList *it = pairings.head; it != NULL; it = it->next) {
    Pairing *pairing = it->data;
    if (ip != NULL && !g_str_equal (pairing->ip, ip))
      continue;
    if ((*n)++ == 0)
      first = pairing;
  }
  return first;
}

static void
make_room (const gchar *ip)
{
  guint n;
  Pairing *first = first_of (ip, &n);

  if (n >= MOST_PER_ADDRESS)
    let_go (first, "too many clients of this address");
  first = first_of (NULL, &n);
  if (n >= MOST)
    let_go (first, "too many clients");
}

/* They stay, and nobody can find them any more. */
static void
forget_others (const gchar *ip)
{
  guint n;
  Pairing *first;

  g_mutex_lock (&lock);
  while ((first = first_of (ip, &n)) != NULL)
    g_queue_remove (&pairings, first);
  g_mutex_unlock (&lock);
}

static void
watch (Pairing *pairing)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (pairing->message);
  GSocket *socket = g_object_get_data (G_OBJECT (remote), SOCKET);

  pairing->limit = g_timeout_source_new_seconds (LIMIT_S);
  g_source_set_callback (pairing->limit, on_limit, pairing, NULL);
  g_source_attach (pairing->limit, context);
  pairing->left = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (pairing->left, G_SOURCE_FUNC (on_readable), pairing, NULL);
  g_source_attach (pairing->left, context);
}

void
lab_pair_ask (const Lab *lab, SoupServerMessage *message, GHashTable *query)
{
  if (query == NULL || g_hash_table_lookup (query, "uniqueid") == NULL
      || g_hash_table_lookup (query, "salt") == NULL
      || g_hash_table_lookup (query, "clientcert") == NULL) {
    lab_page_answer (message, SOUP_STATUS_BAD_REQUEST, NULL);
    return;
  }
  Pairing *pairing = g_new0 (Pairing, 1);
  pairing->ip = lab_page_client_ip (message);
  pairing->secret = g_strdup_printf ("%08x", ++count);
  pairing->message = g_object_ref (message);
  lab_log ("pairing of %s: waits for its PIN", pairing->ip);
  if (lab->options.limit_pairing)
    make_room (pairing->ip);
  else
    forget_others (pairing->ip);
  soup_server_message_pause (message);
  if (lab->options.limit_pairing)
    watch (pairing);
  g_mutex_lock (&lock);
  g_queue_push_tail (&pairings, pairing);
  g_mutex_unlock (&lock);
}

void
lab_pair_list (JsonBuilder *answer)
{
  g_mutex_lock (&lock);
  for (GList *it = pairings.head; it != NULL; it = it->next) {
    const Pairing *pairing = it->data;
    json_builder_begin_object (answer);
    json_builder_set_member_name (answer, "pair_secret");
    json_builder_add_string_value (answer, pairing->secret);
    json_builder_set_member_name (answer, "client_ip");
    json_builder_add_string_value (answer, pairing->ip);
    json_builder_end_object (answer);
  }
  g_mutex_unlock (&lock);
}

static Pairing *
find (const gchar *secret)
{
  for (GList *it = pairings.head; it != NULL; it = it->next)
    if (g_str_equal (((Pairing *) it->data)->secret, secret))
      return it->data;
  return NULL;
}

/* It may have been let go meanwhile. */
static gboolean
on_entered (gpointer secret)
{
  Pairing *pairing = find (secret);

  if (pairing != NULL)
    pairing_answer (pairing, SOUP_STATUS_OK);
  return G_SOURCE_REMOVE;
}

gboolean
lab_pair_enter (const gchar *secret)
{
  g_mutex_lock (&lock);
  const gboolean waits = find (secret) != NULL;
  g_mutex_unlock (&lock);
  if (waits)
    g_main_context_invoke_full (context, G_PRIORITY_DEFAULT, on_entered, g_strdup (secret), g_free);
  return waits;
}
