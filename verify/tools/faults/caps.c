/* SPDX-License-Identifier: MIT */
/*
 * caps.c: does each raw video frame have the size that its caps say?
 *
 * A frame that leaves an element under the caps of another size is a defect of that element,
 * whatever its neighbours make of it. A *caps watch* looks at each buffer just before it is pushed
 * and holds its size against that of the pad's current caps. Watched are pads of elements that
 * match when their first buffer passes; which watch a pad belongs to is kept with the pad.
 *
 * Frames whose layout is not in the caps (memory of a GPU) are not counted.
 */
#include "wgfaults.h"

#include <gst/video/video.h>
#include <string.h>

typedef struct {
  WgfSpec spec;
  gint frames, wrong; /* atomic */
  gchar *first;       /* what the first wrong one was; lock */
} Watch;

gint wgf_caps_watched;

static GMutex lock;
static Watch *watches[WGF_CAPS_WATCHES]; /* set once each, under the lock, never freed */

/* Which watch a pad belongs to: its number + 1, or NO_WATCH. */
#define NO_WATCH GINT_TO_POINTER (-1)
static GQuark
watch_quark (void)
{
  return g_quark_from_static_string ("wgf-caps-watch");
}

guint
wgf_caps_watch (WgfSpec *spec)
{
  guint id = 0;

  g_mutex_lock (&lock);
  const gint n = g_atomic_int_get (&wgf_caps_watched);
  if (n < WGF_CAPS_WATCHES) {
    watches[n] = g_new0 (Watch, 1);
    watches[n]->spec = *spec;
    memset (spec, 0, sizeof *spec);
    g_atomic_int_set (&wgf_caps_watched, n + 1);
    id = (guint) n + 1;
  }
  g_mutex_unlock (&lock);
  return id;
}

static Watch *
watch_of (GstPad *pad, GstElement *element)
{
  gpointer known = g_object_get_qdata (G_OBJECT (pad), watch_quark ());

  if (known == NULL) {
    const gint n = g_atomic_int_get (&wgf_caps_watched);
    WgfIdentity identity;

    known = NO_WATCH;
    wgf_identify (element, &identity);
    for (gint i = 0; i < n && known == NO_WATCH; i++)
      if (wgf_identity_matches (&identity, &watches[i]->spec))
        known = GINT_TO_POINTER (i + 1);
    wgf_identity_clear (&identity);
    g_object_set_qdata (G_OBJECT (pad), watch_quark (), known);
  }
  return known == NO_WATCH ? NULL : watches[GPOINTER_TO_INT (known) - 1];
}

static void
look_at (Watch *watch, const GstVideoInfo *info, GstElement *element, GstBuffer *buffer)
{
  const gsize size = gst_buffer_get_size (buffer);

  g_atomic_int_inc (&watch->frames);
  if (size == GST_VIDEO_INFO_SIZE (info))
    return;
  g_atomic_int_inc (&watch->wrong);
  g_autofree gchar *name = gst_object_get_name (GST_OBJECT (element));
  g_mutex_lock (&lock);
  if (watch->first == NULL)
    watch->first =
        g_strdup_printf ("%s: %" G_GSIZE_FORMAT " bytes under caps of %dx%d, %" G_GSIZE_FORMAT,
            name, size, info->width, info->height, GST_VIDEO_INFO_SIZE (info));
  g_mutex_unlock (&lock);
}

void
wgf_caps_look (GstPad *pad, GstElement *element, GstMiniObject *data)
{
  Watch *watch = watch_of (pad, element);
  g_autoptr (GstCaps) caps = watch != NULL ? gst_pad_get_current_caps (pad) : NULL;
  GstVideoInfo info;

  if (caps == NULL || gst_caps_features_contains (gst_caps_get_features (caps, 0), "memory:DMABuf")
      || !gst_video_info_from_caps (&info, caps)
      || GST_VIDEO_INFO_FORMAT (&info) == GST_VIDEO_FORMAT_ENCODED)
    return;
  if (GST_IS_BUFFER (data)) {
    look_at (watch, &info, element, GST_BUFFER (data));
    return;
  }
  GstBufferList *list = GST_BUFFER_LIST (data);
  for (guint i = 0; i < gst_buffer_list_length (list); i++)
    look_at (watch, &info, element, gst_buffer_list_get (list, i));
}

void
wgf_caps_report (GString *json)
{
  g_mutex_lock (&lock);
  for (gint i = 0; i < wgf_caps_watched; i++) {
    g_string_append_printf (json,
        "%s{\"id\":%d,\"frames\":%d,\"wrong\":%d,\"first\":", i > 0 ? "," : "", i + 1,
        g_atomic_int_get (&watches[i]->frames), g_atomic_int_get (&watches[i]->wrong));
    wgf_json_string (json, watches[i]->first);
    g_string_append_c (json, '}');
  }
  g_mutex_unlock (&lock);
}
