/* SPDX-License-Identifier: MIT */
/*
 * elements.c: the elements that are alive.
 */
#include "wgfaults.h"

/* An element that was constructed; the reference is weak, and the entry goes when the element does.
 */
typedef struct {
  GWeakRef ref;
  gpointer address;
} Known;

static GMutex lock;
static GPtrArray *known; /* of Known, in the order of construction */

static void
known_free (Known *entry)
{
  g_weak_ref_clear (&entry->ref);
  g_free (entry);
}

GPtrArray *
wgf_elements_alive (void)
{
  GPtrArray *alive = g_ptr_array_new_with_free_func (gst_object_unref);

  g_mutex_lock (&lock);
  for (guint i = 0; known != NULL && i < known->len; i++) {
    Known *entry = known->pdata[i];
    gpointer element = g_weak_ref_get (&entry->ref);
    if (element != NULL)
      g_ptr_array_add (alive, element);
  }
  g_mutex_unlock (&lock);
  return alive;
}

static void
element_gone (gpointer data, GObject *address)
{
  (void) data;
  g_mutex_lock (&lock);
  for (guint i = known->len; i-- > 0;)
    if (((Known *) known->pdata[i])->address == address) {
      g_ptr_array_remove_index (known, i);
      break;
    }
  g_mutex_unlock (&lock);
}

void
wgf_note_element (GstElement *element)
{
  Known *entry = g_new0 (Known, 1);

  g_weak_ref_init (&entry->ref, element);
  entry->address = element;
  g_mutex_lock (&lock);
  if (known == NULL)
    known = g_ptr_array_new_with_free_func ((GDestroyNotify) known_free);
  g_ptr_array_add (known, entry);
  g_mutex_unlock (&lock);
  g_object_weak_ref (G_OBJECT (element), element_gone, NULL);
}

gint
wgf_element_rank (GstElement *element, const WgfSpec *spec)
{
  g_autoptr (GPtrArray) alive = wgf_elements_alive ();
  gint rank = 0;

  for (guint i = 0; i < alive->len; i++) {
    WgfIdentity identity;
    wgf_identify (alive->pdata[i], &identity);
    rank += wgf_identity_matches (&identity, spec);
    wgf_identity_clear (&identity);
    if (alive->pdata[i] == element)
      return rank;
  }
  return 0;
}

guint
wgf_elements_count (const WgfSpec *like)
{
  g_autoptr (GPtrArray) alive = wgf_elements_alive ();
  guint count = 0;

  for (guint i = 0; i < alive->len; i++) {
    WgfIdentity identity;
    wgf_identify (alive->pdata[i], &identity);
    count += wgf_identity_matches (&identity, like);
    wgf_identity_clear (&identity);
  }
  return count;
}

void
wgf_elements_report (GString *json)
{
  g_autoptr (GPtrArray) alive = wgf_elements_alive ();

  for (guint i = 0; i < alive->len; i++) {
    WgfIdentity identity;
    wgf_identify (alive->pdata[i], &identity);
    g_string_append (json, i > 0 ? ",{\"element\":" : "{\"element\":");
    wgf_json_string (json, identity.name);
    wgf_json_member (
        json, "factory", identity.factory ? identity.factory : g_type_name (identity.type));
    wgf_json_member (json, "pipeline", identity.pipeline);
    /* Read without the state lock, which a stalled thread can hold. */
    wgf_json_member (json, "state", gst_element_state_get_name (GST_STATE (alive->pdata[i])));
    g_string_append_c (json, '}');
    wgf_identity_clear (&identity);
  }
}

static void
report_value (GString *json, GstElement *element, const gchar *property)
{
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), property);
  GValue value = G_VALUE_INIT;

  if (spec == NULL || !(spec->flags & G_PARAM_READABLE)) {
    g_string_append (json, "null");
    return;
  }
  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (element), property, &value);
  g_autofree gchar *text =
      G_VALUE_HOLDS_STRING (&value) ? g_value_dup_string (&value) : gst_value_serialize (&value);
  if (g_value_type_transformable (spec->value_type, G_TYPE_INT64) && text != NULL
      && (g_ascii_isdigit (text[0]) || text[0] == '-'))
    g_string_append (json, text);
  else
    wgf_json_string (json, text);
  g_value_unset (&value);
}

void
wgf_report_property (GString *json, const WgfSpec *like, const gchar *property)
{
  g_autoptr (GPtrArray) alive = wgf_elements_alive ();
  gboolean first = TRUE;

  for (guint i = 0; i < alive->len; i++) {
    WgfIdentity identity;
    wgf_identify (alive->pdata[i], &identity);
    if (wgf_identity_matches (&identity, like)) {
      g_string_append (json, first ? "{\"element\":" : ",{\"element\":");
      wgf_json_string (json, identity.name);
      wgf_json_member (json, "pipeline", identity.pipeline);
      g_string_append (json, ",\"value\":");
      report_value (json, alive->pdata[i], property);
      g_string_append_c (json, '}');
      first = FALSE;
    }
    wgf_identity_clear (&identity);
  }
}
