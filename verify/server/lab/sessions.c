/* SPDX-License-Identifier: MIT */
/* sessions.c: sessions and their list. */
#include "sessions.h"

#include <string.h>

#define KEPT_PICTURES 64 /* by the planted fault, of each session; of 320 x 180, 5.5 MB */

struct LabSessions {
  GMutex lock;
  GPtrArray *list;
};

struct LabDisplay {
  gint refs;
  GMutex lock;
  GstElement *element;
};

static LabDisplay *
display_new (void)
{
  LabDisplay *display = g_new0 (LabDisplay, 1);

  g_atomic_int_set (&display->refs, 1);
  g_mutex_init (&display->lock);
  return display;
}

static LabDisplay *
display_ref (LabDisplay *display)
{
  g_atomic_int_inc (&display->refs);
  return display;
}

static void
display_unref (LabDisplay *display)
{
  if (!g_atomic_int_dec_and_test (&display->refs))
    return;
  g_clear_pointer (&display->element, gst_object_unref);
  g_mutex_clear (&display->lock);
  g_free (display);
}

/* The planted fault: pictures of every session are kept, written to, so that they are there. */
static void
keep_pictures (const LabMode *mode)
{
  const gsize size = (gsize) mode->width * (gsize) mode->height * 3 / 2; /* I420 */

  for (gint i = 0; i < KEPT_PICTURES; i++)
    memset (g_malloc (size), 1, size);
}

/* Takes the display. */
static LabSession *
new_session (const Lab *lab, const gchar *id, const LabMode *mode, const gchar *client_ip,
    const gchar *rtsp_ip, LabDisplay *display)
{
  LabSession *session = g_new0 (LabSession, 1);

  g_atomic_int_set (&session->refs, 1);
  session->display = display;
  session->id = g_strdup (id);
  session->mode = *mode;
  session->client_ip = g_strdup (client_ip);
  session->rtsp_ip = rtsp_ip
      ? g_strdup (rtsp_ip)
      : g_strdup_printf ("%d.%d.%d.%d", g_random_int_range (1, 224), g_random_int_range (0, 256),
          g_random_int_range (0, 256), g_random_int_range (1, 255));
  for (guint i = 0; i < LAB_PAYLOAD_SIZE; i++)
    session->payload[i] = (gchar) g_random_int_range ('!', '~' + 1);
  if (lab->options.tokens)
    session->launch = wg_launch_begin (id);
  if (lab->options.leak_references)
    keep_pictures (mode);
  return session;
}

LabSession *
lab_session_new (const Lab *lab, const gchar *id, const LabMode *mode, const gchar *client_ip,
    const gchar *rtsp_ip)
{
  return new_session (lab, id, mode, client_ip, rtsp_ip, display_new ());
}

LabSession *
lab_session_resume (
    const Lab *lab, const LabSession *old, const LabMode *mode, const gchar *client_ip)
{
  return new_session (lab, old->id, mode, client_ip, NULL, display_ref (old->display));
}

LabSession *
lab_session_ref (LabSession *session)
{
  g_atomic_int_inc (&session->refs);
  return session;
}

void
lab_session_unref (LabSession *session)
{
  if (session == NULL || !g_atomic_int_dec_and_test (&session->refs))
    return;
  display_unref (session->display);
  wg_launch_unref (session->launch);
  g_free (session->rtsp_ip);
  g_free (session->client_ip);
  g_free (session->id);
  g_free (session);
}

gboolean
lab_session_was_stopped (const LabSession *session)
{
  return session->launch != NULL && wg_launch_is_stopped (session->launch);
}

void
lab_session_set_display (const LabSession *session, GstElement *element)
{
  LabDisplay *display = session->display;

  g_mutex_lock (&display->lock);
  GstElement *before = display->element;
  display->element = element ? gst_object_ref (element) : NULL;
  g_mutex_unlock (&display->lock);
  if (before != NULL)
    gst_object_unref (before);
}

GstElement *
lab_session_get_display (const LabSession *session)
{
  LabDisplay *display = session->display;

  g_mutex_lock (&display->lock);
  GstElement *element = display->element ? gst_object_ref (display->element) : NULL;
  g_mutex_unlock (&display->lock);
  return element;
}

LabSessions *
lab_sessions_new (void)
{
  LabSessions *sessions = g_new0 (LabSessions, 1);

  g_mutex_init (&sessions->lock);
  sessions->list = g_ptr_array_new_with_free_func ((GDestroyNotify) lab_session_unref);
  return sessions;
}

void
lab_sessions_add (LabSessions *sessions, LabSession *session)
{
  g_mutex_lock (&sessions->lock);
  g_ptr_array_add (sessions->list, lab_session_ref (session));
  g_mutex_unlock (&sessions->lock);
}

void
lab_sessions_remove (LabSessions *sessions, const gchar *id)
{
  g_autoptr (GPtrArray) gone =
      g_ptr_array_new_with_free_func ((GDestroyNotify) lab_session_unref); /* outside of the lock */

  g_mutex_lock (&sessions->lock);
  for (guint i = sessions->list->len; i-- > 0;) {
    LabSession *session = g_ptr_array_index (sessions->list, i);
    if (g_str_equal (session->id, id)) {
      g_ptr_array_add (gone, lab_session_ref (session));
      g_ptr_array_remove_index (sessions->list, i);
    }
  }
  g_mutex_unlock (&sessions->lock);
}

LabSession *
lab_sessions_find (LabSessions *sessions, const gchar *id)
{
  g_autoptr (GPtrArray) list = lab_sessions_list (sessions);

  for (guint i = 0; id != NULL && i < list->len; i++) {
    LabSession *session = g_ptr_array_index (list, i);
    if (g_str_equal (session->id, id))
      return lab_session_ref (session);
  }
  return NULL;
}

/* A client that names no host is known by its address. */
LabSession *
lab_sessions_find_rtsp (LabSessions *sessions, const gchar *rtsp_ip, const gchar *client_ip)
{
  g_autoptr (GPtrArray) list = lab_sessions_list (sessions);
  const gboolean nameless = rtsp_ip == NULL || g_str_equal (rtsp_ip, "0.0.0.0");

  for (guint i = 0; i < list->len; i++) {
    LabSession *session = g_ptr_array_index (list, i);
    if (nameless ? g_strcmp0 (session->client_ip, client_ip) == 0
                 : g_str_equal (session->rtsp_ip, rtsp_ip))
      return lab_session_ref (session);
  }
  return NULL;
}

static gpointer
copy_ref (gconstpointer session, gpointer data G_GNUC_UNUSED)
{
  return lab_session_ref ((LabSession *) session);
}

GPtrArray *
lab_sessions_list (LabSessions *sessions)
{
  g_mutex_lock (&sessions->lock);
  GPtrArray *list = g_ptr_array_copy (sessions->list, copy_ref, NULL);
  g_mutex_unlock (&sessions->lock);
  return list;
}
