/* SPDX-License-Identifier: MIT */
#include "health-support.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

const char *
health_path (void)
{
  static char *path;

  if (!path) {
    g_autofree char *folder = g_dir_make_tmp ("wg-health-XXXXXX", NULL);

    path = g_build_filename (folder, "health.sock", NULL);
  }
  return path;
}

int
health_connect (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, health_path (), sizeof address.sun_path);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

char *
health_receive (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  ssize_t n;

  do {
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    g_assert_cmpint (poll (&wait, 1, AWAIT_S * 1000), ==, 1);
    n = read (fd, buffer, sizeof buffer);
    if (n > 0)
      g_string_append_len (text, buffer, n);
  } while (n > 0);
  close (fd);
  return g_string_free (text, FALSE);
}

/* --- the form */

static char *
type_of (JsonNode *node)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    return g_strdup ("object");
  if (JSON_NODE_HOLDS_ARRAY (node))
    return g_strdup ("list");
  if (JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("null");
  switch (json_node_get_value_type (node)) {
  case G_TYPE_STRING:
    return g_strdup ("text");
  case G_TYPE_BOOLEAN:
    return g_strdup ("boolean");
  case G_TYPE_INT64:
    return g_strdup ("integer");
  case G_TYPE_DOUBLE:
    return g_strdup ("number");
  default:
    return g_strdup ("?");
  }
}

/* Field → type, of the table's rows. */
static GHashTable *
read_table (void)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *page = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents (WG_HEALTH_PAGE, &page, NULL, NULL));
  lines = g_strsplit (strstr (page, "| field | type |"), "\n", -1);
  for (guint i = 2; g_str_has_prefix (lines[i], "| `"); i++) {
    g_auto (GStrv) cells = g_strsplit (lines[i], "|", -1);

    g_strdelimit (cells[1], "`", ' ');
    g_hash_table_insert (table, g_strdup (g_strstrip (cells[1])), g_strdup (g_strstrip (cells[2])));
  }
  g_assert_cmpuint (g_hash_table_size (table), >, 50);
  return table;
}

static gboolean
is_allowed (const char *type, const char *allowed)
{
  g_auto (GStrv) types = g_strsplit (allowed, " or ", -1);

  return g_strv_contains ((const char *const *) types, type);
}

/* Notes in `seen` what is there, all of it allowed by `table`. */
static void
walk (JsonNode *node, const char *path, GHashTable *table, GHashTable *seen)
{
  if (*path && !g_str_has_suffix (path, "[]")) {
    g_autofree char *type = type_of (node);
    const char *allowed = g_hash_table_lookup (table, path);

    if (!allowed || !is_allowed (type, allowed))
      g_error ("%s is %s, the table says %s", path, type, allowed ? allowed : "nothing of it");
    g_hash_table_add (seen, g_strdup (path));
  }
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    g_autoptr (GList) names = json_object_get_members (json_node_get_object (node));

    for (GList *l = names; l; l = l->next) {
      g_autofree char *inner = g_strconcat (path, *path ? "." : "", l->data, NULL);

      walk (json_object_get_member (json_node_get_object (node), l->data), inner, table, seen);
    }
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    g_autofree char *inner = g_strconcat (path, "[]", NULL);
    JsonArray *array = json_node_get_array (node);

    for (guint i = 0; i < json_array_get_length (array); i++) {
      g_assert_true (JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, i)));
      walk (json_array_get_element (array, i), inner, table, seen);
    }
  }
}

JsonObject *
health_parse (const char *text, gboolean whole)
{
  g_autoptr (GHashTable) table = read_table ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  GHashTableIter rows;
  gpointer field;

  node = json_from_string (text, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_suffix (text, "}\n"));
  walk (node, "", table, seen);
  g_hash_table_iter_init (&rows, table);
  while (g_hash_table_iter_next (&rows, &field, NULL))
    if ((whole || !strpbrk (field, ".")) && !g_hash_table_contains (seen, field))
      g_error ("%s is missing", (char *) field);
  return json_object_ref (json_node_get_object (node));
}

JsonObject *
health_read (void)
{
  g_autofree char *text = health_receive (health_connect ());

  return health_parse (text, FALSE);
}

JsonObject *
health_reason (JsonObject *document, const char *code)
{
  JsonArray *reasons = json_object_get_array_member (document, "reasons");

  for (guint i = 0; i < json_array_get_length (reasons); i++) {
    JsonObject *reason = json_array_get_object_element (reasons, i);

    if (g_str_equal (json_object_get_string_member (reason, "code"), code))
      return reason;
  }
  return NULL;
}

gboolean
health_says (gpointer code)
{
  g_autoptr (JsonObject) document = health_read ();

  return health_reason (document, code) != NULL;
}
