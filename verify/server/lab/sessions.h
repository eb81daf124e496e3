/* SPDX-License-Identifier: MIT
 *
 * sessions.h: one client's session, and the list of those that run.
 *
 * The id of a session is its client's: it repeats with every launch of that client. A LabSession is
 * one launch, counted; whatever thread works for it holds a reference. What is in it does not
 * change. The list only says who is there: a session that has left it goes on until its threads
 * have noticed.
 *
 * Threads: every function, any thread. Blocking: for list operations at most.
 */
#pragma once

#include "bus.h"
#include "clients.h"

#include <gst/gst.h>
#include <wolf-guard/launch.h>

G_BEGIN_DECLS

#define LAB_PAYLOAD_SIZE 16 /* of a ping; Moonlight's number */

typedef struct {
  gint width, height, fps, channels;
} LabMode;

/* Where input goes. A session that is resumed shares the one of the session before. */
typedef struct LabDisplay LabDisplay;

struct LabSession {
  gint refs;
  gchar *id;
  LabMode mode;
  gchar *client_ip;
  gchar *rtsp_ip;                      /* made up, by which RTSP finds the session */
  gchar payload[LAB_PAYLOAD_SIZE + 1]; /* printable: what the client's pings carry */
  WgLaunch *launch;                    /* NULL with --tokens=off */
  LabDisplay *display;
};

/* A launch of the session `id`: one reference. With --tokens=on its token is on file from here on.
 */
LabSession *lab_session_new (const Lab *lab, const gchar *id, const LabMode *mode,
    const gchar *client_ip, const gchar *rtsp_ip);
/* Another launch of `old`: with its display, and the made-up address new. */
LabSession *lab_session_resume (
    const Lab *lab, const LabSession *old, const LabMode *mode, const gchar *client_ip);
LabSession *lab_session_ref (LabSession *session);
void lab_session_unref (LabSession *session); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LabSession, lab_session_unref)

/* FALSE where there are no tokens. */
gboolean lab_session_was_stopped (const LabSession *session);

/* The element, with a reference of its own; NULL: there is none, yet or any more. */
void lab_session_set_display (const LabSession *session, GstElement *element);
/* A new reference, or NULL. */
GstElement *lab_session_get_display (const LabSession *session);

LabSessions *lab_sessions_new (void);
void lab_sessions_add (LabSessions *sessions, LabSession *session);
/* Every session of that id. */
void lab_sessions_remove (LabSessions *sessions, const gchar *id);
/* New references. find: NULL when there is none. */
LabSession *lab_sessions_find (LabSessions *sessions, const gchar *id);
LabSession *lab_sessions_find_rtsp (
    LabSessions *sessions, const gchar *rtsp_ip, const gchar *client_ip);
/* All, with references: free with g_ptr_array_unref(). */
GPtrArray *lab_sessions_list (LabSessions *sessions);

G_END_DECLS
