/* SPDX-License-Identifier: MIT */
/* icons.c: what is shared here belongs to the HTTPS thread; downloads are the dispatcher's. */
#include "icons.h"

#include "download.h"
#include "pages.h"

#include <wolf-guard/dispatch.h>

#define QUEUES 4
#define BEGINS_MS 10000 /* else there is none this time */
#define ENDS_MS 15000
#define KEPT_S 3600
#define FAILURE_KEPT_S 60

typedef struct {
  GBytes *bytes; /* NULL: there is none */
  gint64 until;  /* 0: it is being fetched */
  GPtrArray *waiting;
  guint queue;
} Icon;

typedef struct {
  Icon *icon;
  gchar *url;
  GBytes *bytes;
  GMainContext *context;
} Fetch;

static GHashTable *icons; /* of Icon, by name; never freed, as there are few */
static guint lengths[QUEUES];

GHashTable *
lab_icons_read (const gchar *dir)
{
  GHashTable *urls = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree gchar *path = g_build_filename (dir, "icons", NULL);
  g_autofree gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return urls;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (gchar **line = lines; *line != NULL; line++) {
    g_auto (GStrv) words = g_strsplit (*line, " ", 2);
    if (g_strv_length (words) == 2)
      g_hash_table_insert (urls, g_strdup (words[0]), g_strdup (words[1]));
  }
  return urls;
}

static void
answer (SoupServerMessage *message, GBytes *bytes)
{
  gsize size = 0;

  if (bytes == NULL) {
    lab_page_answer (message, SOUP_STATUS_NOT_FOUND, NULL);
    return;
  }
  const gchar *text = g_bytes_get_data (bytes, &size);
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "image/png", SOUP_MEMORY_COPY, text, size);
}

static gboolean
on_fetched (gpointer data)
{
  Fetch *fetch = data;
  Icon *icon = fetch->icon;

  lengths[icon->queue]--;
  icon->bytes = fetch->bytes;
  icon->until = g_get_monotonic_time ()
      + (icon->bytes ? KEPT_S : FAILURE_KEPT_S) * (gint64) G_TIME_SPAN_SECOND;
  for (guint i = 0; i < icon->waiting->len; i++) {
    answer (g_ptr_array_index (icon->waiting, i), icon->bytes);
    soup_server_message_unpause (g_ptr_array_index (icon->waiting, i));
  }
  g_ptr_array_set_size (icon->waiting, 0);
  g_main_context_unref (fetch->context);
  g_free (fetch->url);
  g_free (fetch);
  return G_SOURCE_REMOVE;
}

/* In a thread of the dispatcher. */
static void
fetch_now (gpointer data)
{
  Fetch *fetch = data;

  fetch->bytes = lab_download (fetch->url, TRUE);
}

/* After that, or instead of it. */
static void
fetch_done (gpointer data)
{
  Fetch *fetch = data;

  g_main_context_invoke (fetch->context, on_fetched, fetch);
}

static void
fetch_later (Icon *icon, const gchar *url)
{
  g_autofree gchar *name = NULL;
  Fetch *fetch = g_new0 (Fetch, 1);

  icon->queue = 0;
  for (guint i = 1; i < QUEUES; i++)
    if (lengths[i] < lengths[icon->queue])
      icon->queue = i;
  lengths[icon->queue]++;
  g_clear_pointer (&icon->bytes, g_bytes_unref);
  icon->until = 0;
  *fetch = (Fetch){ icon, g_strdup (url), NULL, g_main_context_ref_thread_default () };
  name = g_strdup_printf ("icons %u", icon->queue);
  WgDispatch *queue = wg_dispatch_get (name);
  const WgTask task = { .what = "icon",
    .func = fetch_now,
    .data = fetch,
    .notify = fetch_done,
    .deadline_ms = BEGINS_MS,
    .limit_ms = ENDS_MS };
  wg_dispatch_post (queue, &task, NULL);
  wg_dispatch_unref (queue);
}

static Icon *
find (const gchar *name)
{
  if (icons == NULL)
    icons = g_hash_table_new (g_str_hash, g_str_equal);
  Icon *icon = g_hash_table_lookup (icons, name);
  if (icon == NULL) {
    icon = g_new0 (Icon, 1);
    icon->waiting = g_ptr_array_new_with_free_func (g_object_unref);
    icon->until = 1; /* long ago */
    g_hash_table_insert (icons, g_strdup (name), icon);
  }
  return icon;
}

void
lab_icons_answer (const Lab *lab, SoupServerMessage *message, const gchar *name)
{
  const gchar *url = g_hash_table_lookup (lab->icons, name);

  if (url == NULL || !lab->options.own_icons) {
    g_autoptr (GBytes) bytes = url ? lab_download (url, FALSE) : NULL;
    answer (message, bytes);
    return;
  }
  Icon *icon = find (name);
  if (icon->until > g_get_monotonic_time ()) {
    answer (message, icon->bytes);
    return;
  }
  soup_server_message_pause (message);
  g_ptr_array_add (icon->waiting, g_object_ref (message));
  if (icon->until != 0)
    fetch_later (icon, url);
}
