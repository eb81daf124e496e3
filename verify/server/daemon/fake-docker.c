/* SPDX-License-Identifier: MIT */
/*
 * fake-docker.c: wolf-fake-docker, the part of a container engine's API that Wolf uses, without
 * containers.
 *
 *   wolf-fake-docker SOCKET
 *
 * A container is an entry in a list: created, running or exited. How an operation is answered is
 * set at run time, so that a scenario decides when the engine fails:
 *
 *   POST /fake/OPERATION/ANSWER   create, start, stop, inspect; good, held, garbage, reset
 *   GET /fake                     counts: running, stops, held
 *
 * `held` waits: setting another answer for the operation lets those that wait go on with it.
 * `garbage` is a good status with a body that is none. `reset` closes the connection.
 */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

typedef enum { CREATE, START, STOP, INSPECT, OPERATIONS } Operation;
typedef enum { GOOD, HELD, GARBAGE, RESET, ANSWERS } Answer;

static const gchar *const operations[] = { "create", "start", "stop", "inspect" };
static const gchar *const answers[] = { "good", "held", "garbage", "reset" };

typedef struct {
  gchar *id, *name;
  const gchar *status;
} Container;

typedef struct {
  SoupServerMessage *message; /* paused */
  Operation operation;
  Container *container; /* NULL: to be created */
} Waiting;

static struct {
  SoupServer *soup;
  GPtrArray *containers;
  GArray *waiting;
  Answer answer[OPERATIONS];
  guint stops;
} fake;

static void
reply (SoupServerMessage *message, guint status, const gchar *json)
{
  soup_server_message_set_status (message, status, NULL);
  if (json != NULL)
    soup_server_message_set_response (
        message, "application/json", SOUP_MEMORY_COPY, json, strlen (json));
}

static Container *
find (const gchar *id)
{
  for (guint i = 0; i < fake.containers->len; i++) {
    Container *container = g_ptr_array_index (fake.containers, i);
    if (g_str_equal (container->id, id) || g_str_equal (container->name, id))
      return container;
  }
  return NULL;
}

static Container *
create (const gchar *name)
{
  Container *container = g_new0 (Container, 1);

  container->id = g_strdup_printf ("%064x", fake.containers->len + 1);
  container->name = g_strdup (name);
  container->status = "created";
  g_ptr_array_add (fake.containers, container);
  return container;
}

static void
answer_well (Operation operation, Container *container, SoupServerMessage *message)
{
  g_autofree gchar *json = NULL;

  switch (operation) {
  case CREATE:
    json = g_strdup_printf ("{\"Id\":\"%s\",\"Warnings\":[]}", container->id);
    reply (message, 201, json);
    break;
  case START:
    container->status = "running";
    reply (message, 204, NULL);
    break;
  case STOP:
    container->status = "exited";
    fake.stops++;
    reply (message, 204, NULL);
    break;
  default:
    json = g_strdup_printf (
        "{\"Id\":\"%s\",\"Name\":\"/%s\",\"Image\":\"fake\",\"State\":{\"Status\":\"%s\"},"
        "\"HostConfig\":{\"PortBindings\":{},\"Devices\":[]},\"Mounts\":[],"
        "\"Config\":{\"Image\":\"fake\",\"Env\":[],\"Hostname\":\"fake\"}}",
        container->id, container->name, container->status);
    reply (message, 200, json);
  }
}

/* As the answer of the operation is now. */
static void
answer_now (const Waiting *it)
{
  switch (fake.answer[it->operation]) {
  case GARBAGE:
    reply (it->message, it->operation == CREATE ? 201 : 200, "{\"Id\":[{]");
    break;
  case RESET:
    g_io_stream_close (soup_server_message_steal_connection (it->message), NULL, NULL);
    break;
  default:
    answer_well (it->operation, it->container, it->message);
  }
}

static void
obey (SoupServerMessage *message, Operation operation, Container *container)
{
  const Waiting it = { g_object_ref (message), operation, container };

  if (fake.answer[operation] == HELD) {
    soup_server_message_pause (message);
    g_array_append_val (fake.waiting, it);
    return;
  }
  answer_now (&it);
  g_object_unref (message);
}

static void
set_answer (Operation operation, Answer answer)
{
  fake.answer[operation] = answer;
  for (guint i = fake.waiting->len; answer != HELD && i-- > 0;) {
    const Waiting it = g_array_index (fake.waiting, Waiting, i);
    if (it.operation != operation)
      continue;
    g_array_remove_index (fake.waiting, i);
    answer_now (&it);
    soup_server_message_unpause (it.message);
    g_object_unref (it.message);
  }
}

static gint
index_of (const gchar *const *names, gint n, const gchar *name)
{
  for (gint i = 0; i < n; i++)
    if (g_strcmp0 (names[i], name) == 0)
      return i;
  return -1;
}

/* /fake and what is behind it. */
static void
on_fake (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
    GHashTable *query G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  g_auto (GStrv) words = g_strsplit (path, "/", -1); /* "", "fake", … */
  guint running = 0;

  if (g_strv_length (words) == 4) {
    const gint operation = index_of (operations, OPERATIONS, words[2]);
    const gint answer = index_of (answers, ANSWERS, words[3]);
    if (operation >= 0 && answer >= 0)
      set_answer ((Operation) operation, (Answer) answer);
    reply (message, operation >= 0 && answer >= 0 ? 200 : 404, "{}");
    return;
  }
  for (guint i = 0; i < fake.containers->len; i++)
    running +=
        g_str_equal (((Container *) g_ptr_array_index (fake.containers, i))->status, "running");
  g_autofree gchar *json = g_strdup_printf (
      "{\"running\":%u,\"stops\":%u,\"held\":%u}", running, fake.stops, fake.waiting->len);
  reply (message, 200, json);
}

/* "/v1.40/containers/create", "/v1.40/containers/ID/stop" … */
static void
on_request (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path,
    GHashTable *query, gpointer data G_GNUC_UNUSED)
{
  g_auto (GStrv) words = g_strsplit (path, "/", -1);
  const gchar *name = query ? g_hash_table_lookup (query, "name") : NULL;
  const guint n = g_strv_length (words);

  if (g_str_has_suffix (path, "/version")) {
    reply (message, 200, "{\"ApiVersion\":\"1.40\"}");
  } else if (n == 4 && g_str_equal (words[3], "create")) {
    /* There is no sound server in here. */
    const gboolean sound = name == NULL || g_str_equal (name, "WolfPulseAudio");
    if (sound && fake.answer[CREATE] == GOOD)
      reply (message, 500, "{\"message\":\"not in here\"}");
    else
      obey (message, CREATE, create (name));
  } else if (n >= 4 && find (words[3]) != NULL) {
    Container *container = find (words[3]);
    const gint operation = n == 4        ? -1
        : g_str_equal (words[4], "json") ? INSPECT
                                         : index_of (operations, OPERATIONS, words[4]);
    if (operation > CREATE)
      obey (message, (Operation) operation, container);
    else
      reply (message, 204, NULL); /* removed; logs, exec */
  } else {
    reply (message, 404, "{\"message\":\"no such container\"}");
  }
}

static gboolean
on_connection (GSocketService *service G_GNUC_UNUSED, GSocketConnection *connection,
    GObject *source G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote = g_socket_connection_get_remote_address (connection, NULL);

  if (local != NULL && remote != NULL)
    soup_server_accept_iostream (fake.soup, G_IO_STREAM (connection), local, remote, NULL);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GSocketService) service = g_socket_service_new ();

  if (argc != 2 || argv[1][0] == '-') {
    g_printerr ("Usage: wolf-fake-docker SOCKET\n\nA container engine without containers; "
                "verify/server/README.md tells its answers.\n");
    return 2;
  }
  signal (SIGPIPE, SIG_IGN);
  g_unlink (argv[1]);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (argv[1]);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service), address, G_SOCKET_TYPE_STREAM,
          G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error)) {
    g_printerr ("wolf-fake-docker: %s: %s\n", argv[1], error->message);
    return EXIT_FAILURE;
  }
  fake.soup = soup_server_new ("server-header", "fake-docker", NULL);
  fake.containers = g_ptr_array_new ();
  fake.waiting = g_array_new (FALSE, FALSE, sizeof (Waiting));
  soup_server_add_handler (fake.soup, NULL, on_request, NULL, NULL);
  soup_server_add_handler (fake.soup, "/fake", on_fake, NULL, NULL);
  g_signal_connect (service, "incoming", G_CALLBACK (on_connection), NULL);
  g_main_loop_run (loop);
}
