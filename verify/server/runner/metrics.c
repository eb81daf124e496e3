/* SPDX-License-Identifier: MIT */
/* metrics.c: what /proc and the tracer tell of the server: threads, descriptors, memory, sockets,
 * pipelines. */
#include "metrics.h"
#include "timing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often a state that nothing announces is looked at. */
#define LOOK_MS 50

static guint
count_entries (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

static guint
rss_kb (GPid pid)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  const gchar *line = strstr (text, "VmRSS:");
  return line ? (guint) g_ascii_strtoull (line + strlen ("VmRSS:"), NULL, 10) : 0;
}

static void
count_in_tracer (Runner *runner, Metrics *metrics)
{
  g_autoptr (JsonObject) list = runner_order (runner, "list");

  if (list == NULL)
    return;
  JsonArray *elements = json_object_get_array_member (list, "elements");
  for (guint i = 0; i < json_array_get_length (elements); i++) {
    JsonObject *element = json_array_get_object_element (elements, i);
    metrics->pipelines +=
        g_strcmp0 (json_object_get_string_member (element, "factory"), "pipeline") == 0;
  }
  JsonArray *hits = json_object_get_array_member (list, "hits");
  for (guint i = 0; i < json_array_get_length (hits); i++)
    metrics->stalled +=
        !json_object_get_boolean_member (json_array_get_object_element (hits, i), "dead");
}

void
metrics_read (Runner *runner, Metrics *metrics)
{
  g_autofree gchar *task = g_strdup_printf ("/proc/%d/task", runner->pid);
  g_autofree gchar *fd = g_strdup_printf ("/proc/%d/fd", runner->pid);

  memset (metrics, 0, sizeof *metrics);
  count_in_tracer (runner, metrics);
  metrics->threads = count_entries (task);
  metrics->descriptors = count_entries (fd);
  metrics->rss_kb = rss_kb (runner->pid);
}

gboolean
metrics_wait_empty (Runner *runner, guint threads, gint64 within_ms, Metrics *metrics)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    metrics_read (runner, metrics);
    if (!runner_is_alive (runner))
      return FALSE; /* that is not how it is meant to become empty */
    if (metrics->pipelines == 0 && metrics->threads <= threads)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

/* States as /proc/net/tcp numbers them. */
enum { TCP_ESTABLISHED = 1, TCP_CLOSE_WAIT = 8 };

void
sockets_read (guint port, Sockets *sockets)
{
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;

  memset (sockets, 0, sizeof *sockets);
  if (!g_file_get_contents ("/proc/self/net/tcp", &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++) {
    guint local, state, inode;
    if (sscanf (*line, " %*u: %*8x:%4x %*x:%*x %2x %*x:%*x %*x:%*x %*x %*u %*u %u", &local, &state,
            &inode)
            != 3
        || local != port)
      continue;
    sockets->close_wait += state == TCP_CLOSE_WAIT;
    /* A socket that was not accepted belongs to no file. */
    sockets->unaccepted += inode == 0 && (state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT);
    sockets->established += inode != 0 && state == TCP_ESTABLISHED;
  }
}

gboolean
sockets_wait_no_close_wait (guint port, gint64 within_ms, Sockets *sockets)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  for (;;) {
    sockets_read (port, sockets);
    if (sockets->close_wait == 0)
      return TRUE;
    if (g_get_monotonic_time () >= until)
      return FALSE;
    wait_ms (LOOK_MS);
  }
}

void
metrics_descriptors (GPid pid, guint *all, guint *sockets)
{
  g_autofree gchar *path = g_strdup_printf ("/proc/%d/fd", pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  *all = *sockets = 0;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *link = g_build_filename (path, name, NULL);
    g_autofree gchar *target = g_file_read_link (link, NULL);
    *all += target != NULL;
    *sockets += target != NULL && g_str_has_prefix (target, "socket:");
  }
}

void
result_metrics (Result *result, const gchar *name, const Metrics *metrics)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "threads", metrics->threads);
  json_object_set_int_member (object, "descriptors", metrics->descriptors);
  json_object_set_int_member (object, "rss_kb", metrics->rss_kb);
  json_object_set_int_member (object, "pipelines", metrics->pipelines);
  json_object_set_int_member (object, "stalled", metrics->stalled);
  result_object (result, name, object);
}
