/* SPDX-License-Identifier: MIT */
/* lab-process.c: a lab under test. */
#include "lab-process.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_US (5 * 1000) /* between two looks at what nothing announces */

struct LabProcess {
  gchar *dir;
  GPid pid; /* 0: ended */
  gint out;
  JsonObject *ready;
};

static GPtrArray *
words (const gchar *program, const gchar *first, va_list more)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (program));
  for (const gchar *word = first; word != NULL; word = va_arg (more, const gchar *))
    g_ptr_array_add (argv, g_strdup (word));
  return argv;
}

/* Runs it to its end; its exit status. */
static gint
run (GPtrArray *argv, gchar **out, gchar **err)
{
  g_autoptr (GError) error = NULL;
  gint status;

  g_ptr_array_add (argv, NULL);
  g_spawn_sync (
      NULL, (gchar **) argv->pdata, NULL, G_SPAWN_DEFAULT, NULL, NULL, out, err, &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* Certificates of all labs of a test program: a key takes half a second of a busy machine. */
static gchar *certificates;

static gchar *
file (const gchar *who, const gchar *name)
{
  return g_build_filename (certificates, who, name, NULL);
}

static void
make_certificate (const gchar *who)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *out = NULL;

  g_ptr_array_add (argv, g_strdup (PROBE_PROGRAM));
  g_ptr_array_add (argv, g_strdup ("cert"));
  g_ptr_array_add (argv, g_strdup ("--out"));
  g_ptr_array_add (argv, g_build_filename (certificates, who, NULL));
  g_assert_cmpint (run (argv, &out, NULL), ==, 0);
}

static void
remove_folder (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *inner = g_build_filename (path, name, NULL);
    if (g_file_test (inner, G_FILE_TEST_IS_DIR))
      remove_folder (inner);
    else
      g_unlink (inner);
  }
  g_rmdir (path);
}

static void
remove_certificates (void)
{
  remove_folder (certificates);
}

static void
make_certificates (void)
{
  if (certificates != NULL)
    return;
  certificates = g_dir_make_tmp ("wolf-lab-certificates-XXXXXX", NULL);
  make_certificate ("client");
  make_certificate ("stranger");
  atexit (remove_certificates);
}

static void
pair (const LabProcess *lab)
{
  g_autofree gchar *folder = g_build_filename (lab->dir, "clients", NULL);
  g_autofree gchar *cert = file ("client", "client.crt");
  g_autofree gchar *copy = g_build_filename (folder, "client.pem", NULL);
  g_autofree gchar *pem = NULL;

  g_mkdir (folder, 0700);
  g_assert_true (g_file_get_contents (cert, &pem, NULL, NULL));
  g_assert_true (g_file_set_contents (copy, pem, -1, NULL));
}

/* The one line. */
static JsonObject *
wait_ready (gint fd)
{
  const gint64 until = g_get_monotonic_time () + LAB_SOON_MS * G_TIME_SPAN_MILLISECOND;
  g_autoptr (GString) text = g_string_new (NULL);

  while (strchr (text->str, '\n') == NULL) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    const gint64 left = (until - g_get_monotonic_time ()) / G_TIME_SPAN_MILLISECOND;
    gchar chunk[512];
    g_assert_cmpint (left, >, 0);
    g_assert_cmpint (poll (&ready, 1, (gint) left), ==, 1);
    const gssize n = read (fd, chunk, sizeof chunk);
    g_assert_cmpint (n, >, 0); /* 0: it ended, its log says why */
    g_string_append_len (text, chunk, n);
  }
  g_autoptr (JsonNode) node = json_from_string (text->str, NULL);
  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

/* A test that aborts leaves no lab behind. */
static void
end_with_test (gpointer data G_GNUC_UNUSED)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

LabProcess *
lab_process_start (const gchar *first, ...)
{
  LabProcess *lab = g_new0 (LabProcess, 1);
  g_autoptr (GError) error = NULL;
  va_list more;

  lab->dir = g_dir_make_tmp ("wolf-lab-XXXXXX", NULL);
  make_certificates ();
  pair (lab);
  va_start (more, first);
  g_autoptr (GPtrArray) argv = words (LAB_PROGRAM, first, more);
  va_end (more);
  g_ptr_array_add (argv, g_strdup ("--dir"));
  g_ptr_array_add (argv, g_strdup (lab->dir));
  g_ptr_array_add (argv, NULL);
  g_spawn_async_with_pipes (NULL, (gchar **) argv->pdata, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
      end_with_test, NULL, &lab->pid, NULL, &lab->out, NULL, &error);
  g_assert_no_error (error);
  lab->ready = wait_ready (lab->out);
  g_assert_cmpint (json_object_get_int_member (lab->ready, "pid"), ==, lab->pid);
  return lab;
}

void
lab_process_free (LabProcess *lab)
{
  if (lab == NULL)
    return;
  if (lab->pid != 0) {
    kill (lab->pid, SIGKILL);
    waitpid (lab->pid, NULL, 0);
  }
  close (lab->out);
  json_object_unref (lab->ready);
  remove_folder (lab->dir);
  g_free (lab->dir);
  g_free (lab);
}

GPid
lab_process_pid (const LabProcess *lab)
{
  return lab->pid;
}

static void
add_port (const LabProcess *lab, GPtrArray *argv, const gchar *name)
{
  g_ptr_array_add (argv,
      g_strdup_printf (
          "--%s-port=%" G_GINT64_FORMAT, name, json_object_get_int_member (lab->ready, name)));
}

JsonObject *
lab_process_probe (
    LabProcess *lab, gboolean stranger, const gchar *event, gint *status, const gchar *command, ...)
{
  const gchar *who = stranger ? "stranger" : "client";
  g_autofree gchar *cert = file (who, "client.crt");
  g_autofree gchar *key = file (who, "client.key");
  g_autofree gchar *out = NULL;
  JsonObject *found = NULL;
  va_list more;

  va_start (more, command);
  g_autoptr (GPtrArray) argv = words (PROBE_PROGRAM, command, more);
  va_end (more);
  add_port (lab, argv, "http");
  add_port (lab, argv, "https");
  add_port (lab, argv, "rtsp");
  g_ptr_array_add (argv, g_strdup ("--json"));
  g_ptr_array_add (argv, g_strconcat ("--cert=", cert, NULL));
  g_ptr_array_add (argv, g_strconcat ("--key=", key, NULL));
  g_ptr_array_add (
      argv, g_strconcat ("--api=", json_object_get_string_member (lab->ready, "api"), NULL));
  g_ptr_array_add (argv, g_strdup_printf ("--timeout=%d", LAB_SOON_MS / 1000));
  const gint ended = run (argv, &out, NULL);
  if (status != NULL)
    *status = ended;
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++) {
    g_autoptr (JsonNode) node = json_from_string (*line, NULL);
    if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node)
        || g_strcmp0 (json_object_get_string_member_with_default (
                          json_node_get_object (node), "event", ""),
               event)
            != 0)
      continue;
    g_clear_pointer (&found, json_object_unref);
    found = json_node_dup_object (node);
  }
  return found;
}

gint
lab_process_api (
    LabProcess *lab, const gchar *method, const gchar *path, const gchar *body, JsonObject **answer)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address =
      g_unix_socket_address_new (json_object_get_string_member (lab->ready, "api"));
  g_autofree gchar *question =
      g_strdup_printf ("%s %s HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n"
                       "Content-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
          method, path, body ? strlen (body) : 0, body ? body : "");
  g_autoptr (GString) text = g_string_new (NULL);
  gchar chunk[4096];
  gssize n;

  g_socket_client_set_timeout (client, LAB_SOON_MS / 1000);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
  g_assert_nonnull (connection);
  g_assert_true (
      g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), question,
          strlen (question), NULL, NULL, NULL));
  while ((n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), chunk,
              sizeof chunk, NULL, NULL))
      > 0)
    g_string_append_len (text, chunk, n);
  g_assert_true (g_str_has_prefix (text->str, "HTTP/1.1 "));
  const gchar *content = strstr (text->str, "\r\n\r\n");
  g_assert_nonnull (content);
  if (answer != NULL) {
    g_autoptr (JsonNode) node = json_from_string (content + 4, NULL);
    g_assert_nonnull (node);
    *answer = json_node_dup_object (node);
  }
  return (gint) g_ascii_strtoll (text->str + strlen ("HTTP/1.1 "), NULL, 10);
}

gint
lab_process_end (LabProcess *lab, gdouble *took_ms)
{
  const gint64 begun = g_get_monotonic_time ();
  const gint64 until = begun + LAB_SOON_MS * G_TIME_SPAN_MILLISECOND;
  gint status;

  kill (lab->pid, SIGTERM);
  while (waitpid (lab->pid, &status, WNOHANG) == 0) {
    g_assert_cmpint (g_get_monotonic_time (), <, until);
    g_usleep (LOOK_US);
  }
  lab->pid = 0;
  *took_ms = (gdouble) (g_get_monotonic_time () - begun) / G_TIME_SPAN_MILLISECOND;
  return WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
}

guint
lab_process_children (const LabProcess *lab)
{
  g_autofree gchar *tasks = g_strdup_printf ("/proc/%d/task", lab->pid);
  g_autoptr (GDir) dir = g_dir_open (tasks, 0, NULL);
  const gchar *task;
  guint count = 0;

  while (dir != NULL && (task = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (tasks, task, "children", NULL);
    g_autofree gchar *text = NULL;
    if (!g_file_get_contents (path, &text, NULL, NULL))
      continue;
    g_auto (GStrv) pids = g_strsplit (g_strstrip (text), " ", -1);
    for (gchar **pid = pids; *pid != NULL; pid++)
      count += **pid != '\0';
  }
  return count;
}

gint
lab_process_run (gchar **out, gchar **err, const gchar *first, ...)
{
  va_list more;

  va_start (more, first);
  g_autoptr (GPtrArray) argv = words (LAB_PROGRAM, first, more);
  va_end (more);
  return run (argv, out, err);
}
