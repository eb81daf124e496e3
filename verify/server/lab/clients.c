/* SPDX-License-Identifier: MIT */
/* clients.c: the paired clients. */
#include "clients.h"

#include <string.h>

/* The first 64 bits of SHA-256, so that Wolf's own type for it would hold. */
static gchar *
id_of (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  guint64 number;

  g_object_get (certificate, "certificate", &der, NULL);
  g_checksum_update (sum, der->data, der->len);
  g_checksum_get_digest (sum, digest, &size);
  memcpy (&number, digest, sizeof number);
  return g_strdup_printf ("%" G_GUINT64_FORMAT, GUINT64_FROM_BE (number));
}

static void
client_free (gpointer data)
{
  LabClient *client = data;

  g_free (client->id);
  g_object_unref (client->certificate);
  g_free (client);
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  g_autofree gchar *x = g_utf8_collate_key_for_filename (*(const gchar *const *) a, -1);
  g_autofree gchar *y = g_utf8_collate_key_for_filename (*(const gchar *const *) b, -1);

  return strcmp (x, y);
}

static GPtrArray *
names_in (const gchar *folder)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".pem"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, by_name);
  return names;
}

GPtrArray *
lab_clients_read (const gchar *dir, GError **error)
{
  g_autofree gchar *folder = g_build_filename (dir, "clients", NULL);
  g_autoptr (GPtrArray) names = names_in (folder);
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (client_free);

  for (guint i = 0; i < names->len; i++) {
    g_autofree gchar *path = g_build_filename (folder, g_ptr_array_index (names, i), NULL);
    GTlsCertificate *certificate = g_tls_certificate_new_from_file (path, error);
    if (certificate == NULL) {
      g_prefix_error (error, "%s is no certificate in PEM: ", path);
      return NULL;
    }
    LabClient *client = g_new0 (LabClient, 1);
    client->certificate = certificate;
    client->id = id_of (certificate);
    g_ptr_array_add (clients, client);
  }
  return g_steal_pointer (&clients);
}

const LabClient *
lab_clients_find (GPtrArray *clients, GTlsCertificate *certificate)
{
  for (guint i = 0; certificate != NULL && i < clients->len; i++) {
    const LabClient *client = g_ptr_array_index (clients, i);
    if (g_tls_certificate_is_same (client->certificate, certificate))
      return client;
  }
  return NULL;
}

const LabClient *
lab_clients_find_id (GPtrArray *clients, const gchar *id)
{
  for (guint i = 0; i < clients->len; i++) {
    const LabClient *client = g_ptr_array_index (clients, i);
    if (g_strcmp0 (client->id, id) == 0)
      return client;
  }
  return NULL;
}
