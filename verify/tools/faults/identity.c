/* SPDX-License-Identifier: MIT */
/* identity.c: who an element is: its own name, its factory, the pipeline around it. */
#include "wgfaults.h"

#include <string.h>

static GstObject *
top_of (GstElement *element)
{
  GstObject *top = gst_object_ref (GST_OBJECT (element));

  for (GstObject *up; (up = gst_object_get_parent (top)) != NULL; top = up)
    gst_object_unref (top);
  return top;
}

static gchar **
names_in (GstBin *bin)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GstIterator *it = gst_bin_iterate_recurse (bin);
  GValue item = G_VALUE_INIT;
  gboolean done = FALSE;

  while (!done) {
    switch (gst_iterator_next (it, &item)) {
    case GST_ITERATOR_OK:
      g_ptr_array_add (names, gst_object_get_name (g_value_get_object (&item)));
      g_value_reset (&item);
      break;
    case GST_ITERATOR_RESYNC:
      g_ptr_array_set_size (names, 0);
      gst_iterator_resync (it);
      break;
    default:
      done = TRUE;
    }
  }
  g_value_unset (&item);
  gst_iterator_free (it);
  g_ptr_array_add (names, NULL);
  return (gchar **) g_ptr_array_steal (names, NULL);
}

void
wgf_identify (GstElement *element, WgfIdentity *identity)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  g_autoptr (GstObject) top = top_of (element);

  memset (identity, 0, sizeof *identity);
  identity->name = gst_object_get_name (GST_OBJECT (element));
  identity->type = G_OBJECT_TYPE (element);
  identity->factory = factory ? g_strdup (GST_OBJECT_NAME (factory)) : NULL;
  identity->pipeline = gst_object_get_name (top);
  identity->siblings = GST_IS_BIN (top) ? names_in (GST_BIN (top)) : NULL;
}

void
wgf_identity_clear (WgfIdentity *identity)
{
  g_clear_pointer (&identity->name, g_free);
  g_clear_pointer (&identity->factory, g_free);
  g_clear_pointer (&identity->pipeline, g_free);
  g_clear_pointer (&identity->siblings, g_strfreev);
}

static gboolean
glob (const gchar *pattern, const gchar *text)
{
  return pattern == NULL || (text != NULL && g_pattern_match_simple (pattern, text));
}

static gboolean
any_glob (const gchar *pattern, gchar **texts)
{
  if (pattern == NULL)
    return TRUE;
  for (gchar **text = texts; text != NULL && *text != NULL; text++)
    if (glob (pattern, *text))
      return TRUE;
  return FALSE;
}

/* The class learns its factory only after its first instance was constructed, so the type counts
 * too.
 */
static gboolean
made_by (const WgfIdentity *identity, const gchar *factory)
{
  if (factory == NULL || g_strcmp0 (identity->factory, factory) == 0)
    return TRUE;
  if (identity->factory != NULL)
    return FALSE;
  g_autoptr (GstElementFactory) found = gst_element_factory_find (factory);
  return found != NULL && gst_element_factory_get_element_type (found) == identity->type;
}

gboolean
wgf_identity_matches (const WgfIdentity *identity, const WgfSpec *spec)
{
  return glob (spec->element, identity->name) && made_by (identity, spec->factory)
      && glob (spec->pipeline, identity->pipeline) && any_glob (spec->with, identity->siblings);
}
