/* SPDX-License-Identifier: MIT */
/* launch.c: pages for paired clients. */
#include "launch.h"
#include "icons.h"
#include "number.h"
#include "pages.h"
#include "peer.h"
#include "sessions.h"

#define MODE_MAX 8192
#define FPS_MAX 1000
#define CHANNELS_MAX 8

/* NULL: not paired, and told so. */
static const LabClient *
who_asks (const Lab *lab, SoupServerMessage *message)
{
  const LabClient *client = lab_clients_find (lab->clients, lab_peer_certificate (message));

  if (client == NULL)
    lab_page_answer (message, SOUP_STATUS_UNAUTHORIZED,
        "<status_message>this certificate is not paired</status_message>");
  return client != NULL && lab_page_is_get (message) ? client : NULL;
}

static const gchar *
parameter (GHashTable *query, const gchar *name, const gchar *otherwise)
{
  const gchar *value = query ? g_hash_table_lookup (query, name) : NULL;

  return value ? value : otherwise;
}

static void
refuse (SoupServerMessage *message, const gchar *why)
{
  g_autofree gchar *inner = g_strdup_printf ("<status_message>%s</status_message>", why);

  lab_log ("HTTPS: refused: %s", why);
  lab_page_answer (message, SOUP_STATUS_BAD_REQUEST, inner);
}

/* "640x360x30". What is no number upstream's web server catches; where a number is missing,
 * upstream reads beyond the end of its list. */
static gboolean
parse_mode (const Lab *lab, GHashTable *query, LabMode *mode)
{
  const gchar *text = parameter (query, "mode", "1920x1080x60");
  guint64 numbers[3] = { 0 }, surround;
  g_auto (GStrv) words = g_strsplit (text, "x", -1);

  for (guint i = 0; i < 3; i++) {
    if (i >= g_strv_length (words))
      lab_number_unreadable (lab, "HTTPS", "mode");
    if (i >= g_strv_length (words) || !lab_number_read (words[i], &numbers[i]) || numbers[i] == 0
        || numbers[i] > (i < 2 ? MODE_MAX : FPS_MAX))
      return FALSE;
  }
  if (words[3] != NULL
      || !lab_number_read (parameter (query, "surroundAudioInfo", "196610"), &surround))
    return FALSE;
  *mode = (LabMode){ (gint) numbers[0], (gint) numbers[1], (gint) numbers[2],
    (gint) CLAMP (surround & 0xffff, 1, CHANNELS_MAX) };
  return TRUE;
}

static void
serverinfo (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message,
    const char *path G_GNUC_UNUSED, GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  const Lab *lab = data;
  const LabClient *client = who_asks (lab, message);

  if (client == NULL)
    return;
  g_autoptr (LabSession) session = lab_sessions_find (lab->sessions, client->id);
  lab_page_serverinfo (lab, message, TRUE, session ? LAB_APP_ID : "0");
}

static void
applist (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path G_GNUC_UNUSED,
    GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  if (who_asks (data, message) != NULL)
    lab_page_answer (message, SOUP_STATUS_OK,
        "<App><IsHdrSupported>0</IsHdrSupported><AppTitle>" LAB_APP_TITLE
        "</AppTitle><ID>" LAB_APP_ID "</ID></App>");
}

static void
appasset (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message,
    const char *path G_GNUC_UNUSED, GHashTable *query, gpointer data)
{
  if (who_asks (data, message) != NULL)
    lab_icons_answer (data, message, parameter (query, "appid", ""));
}

static void
answer_url (const Lab *lab, SoupServerMessage *message, const LabSession *session, gboolean resumed)
{
  g_autofree gchar *inner =
      g_strdup_printf ("<sessionUrl0>rtsp://%s:%u</sessionUrl0><%s>1</%s>", session->rtsp_ip,
          lab->rtsp, resumed ? "resume" : "gamesession", resumed ? "resume" : "gamesession");

  lab_page_answer (message, SOUP_STATUS_OK, inner);
}

/* The new launch takes the old one's place and its display; its producers go on. */
static void
resume_session (const Lab *lab, SoupServerMessage *message, LabSession *old, const LabMode *mode)
{
  g_autofree gchar *ip = lab_page_client_ip (message);
  g_autoptr (LabSession) session = lab_session_resume (lab, old, mode, ip);

  lab_sessions_remove (lab->sessions, old->id);
  lab_sessions_add (lab->sessions, session);
  if (lab_session_was_stopped (old)) { /* meanwhile: there is nothing left to resume */
    wg_launch_stop (session->launch);
    lab_sessions_remove (lab->sessions, session->id);
  }
  answer_url (lab, message, session, TRUE);
}

static void
start_session (const Lab *lab, SoupServerMessage *message, const gchar *id, const LabMode *mode)
{
  g_autofree gchar *ip = lab_page_client_ip (message);
  g_autoptr (LabSession) session = lab_session_new (lab, id, mode, ip, NULL);
  const LabEvent event = { .type = LAB_EVENT_SESSION, .session = session };

  lab_bus_fire (lab->bus, &event);
  lab_sessions_add (lab->sessions, session);
  if (lab_session_was_stopped (session)) /* before it was listed: nobody found it there */
    lab_sessions_remove (lab->sessions, session->id);
  answer_url (lab, message, session, FALSE);
}

/* /launch with a session there is a /resume: a second program would take the first one's place. */
static void
begin (const Lab *lab, SoupServerMessage *message, GHashTable *query, gboolean may_start)
{
  const LabClient *client = who_asks (lab, message);
  LabMode mode;

  if (client == NULL)
    return;
  g_autoptr (LabSession) old = lab_sessions_find (lab->sessions, client->id);
  if (may_start && !g_str_equal (parameter (query, "appid", ""), LAB_APP_ID))
    refuse (message, "there is no such appid");
  else if (!parse_mode (lab, query, &mode))
    refuse (message, "mode is not WIDTHxHEIGHTxFPS, or surroundAudioInfo no number");
  else if (old != NULL)
    resume_session (lab, message, old, &mode);
  else if (may_start)
    start_session (lab, message, client->id, &mode);
  else
    refuse (message, "there is no session to resume");
}

static void
launch (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path G_GNUC_UNUSED,
    GHashTable *query, gpointer lab)
{
  begin (lab, message, query, TRUE);
}

static void
resume (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path G_GNUC_UNUSED,
    GHashTable *query, gpointer lab)
{
  begin (lab, message, query, FALSE);
}

static void
cancel (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, const char *path G_GNUC_UNUSED,
    GHashTable *query G_GNUC_UNUSED, gpointer data)
{
  const Lab *lab = data;
  const LabClient *client = who_asks (lab, message);

  if (client == NULL)
    return;
  g_autoptr (LabSession) session = lab_sessions_find (lab->sessions, client->id);
  if (session != NULL) {
    lab_bus_fire_id (lab->bus, LAB_EVENT_STOP, client->id);
    lab_sessions_remove (lab->sessions, client->id);
  }
  lab_page_answer (message, SOUP_STATUS_OK, "<cancel>1</cancel>");
}

static const LabPage pages[] = {
  { "/serverinfo", "HTTPS /serverinfo", serverinfo },
  { "/applist", "HTTPS /applist", applist },
  { "/appasset", "HTTPS /appasset", appasset },
  { "/launch", "HTTPS /launch", launch },
  { "/resume", "HTTPS /resume", resume },
  { "/cancel", "HTTPS /cancel", cancel },
  { NULL, NULL, NULL },
};

void
lab_launch_add_handlers (Lab *lab, SoupServer *soup)
{
  lab_page_serve (lab, soup, pages);
}
