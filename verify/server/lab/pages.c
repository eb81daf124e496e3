/* SPDX-License-Identifier: MIT */
/* pages.c: flat XML. */
#include "pages.h"

#include <string.h>
#include <wolf-guard/watch.h>

#define VERSION "7.1.431.-1" /* of the protocol, as Moonlight asks for it */
#define GFE_VERSION "3.23.0.74"
#define H264_ONLY 1
#define BODY_MAX (64 * 1024)

void
lab_page_answer (SoupServerMessage *message, guint status, const gchar *inner)
{
  g_autofree gchar *xml = g_strdup_printf ("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
                                           "<root status_code=\"%u\">%s</root>\n",
      status, inner ? inner : "");

  lab_log ("%s %s: %u", soup_server_message_get_method (message),
      g_uri_get_path (soup_server_message_get_uri (message)), status);
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (
      message, "application/xml", SOUP_MEMORY_COPY, xml, strlen (xml));
}

void
lab_page_serverinfo (const Lab *lab, SoupServerMessage *message, gboolean paired, const gchar *game)
{
  const gboolean busy = !g_str_equal (game, "0");
  g_autofree gchar *inner =
      g_strdup_printf ("<hostname>wolf-lab</hostname><appversion>" VERSION "</appversion>"
                       "<GfeVersion>" GFE_VERSION "</GfeVersion>"
                       "<uniqueid>00000000-0000-4000-8000-00000000001a</uniqueid>"
                       "<MaxLumaPixelsHEVC>0</MaxLumaPixelsHEVC>"
                       "<ServerCodecModeSupport>%d</ServerCodecModeSupport>"
                       "<HttpsPort>%u</HttpsPort><ExternalPort>%u</ExternalPort>"
                       "<mac>02:00:00:00:00:1a</mac><LocalIP>127.0.0.1</LocalIP>"
                       "<SupportedDisplayMode><DisplayMode><Width>640</Width><Height>360</Height>"
                       "<RefreshRate>30</RefreshRate></DisplayMode></SupportedDisplayMode>"
                       "<PairStatus>%d</PairStatus><currentgame>%s</currentgame><state>%s</state>",
          H264_ONLY, lab->https, lab->http, paired, game,
          busy ? "SUNSHINE_SERVER_BUSY" : "SUNSHINE_SERVER_FREE");

  lab_page_answer (message, SOUP_STATUS_OK, inner);
}

void
lab_page_not_found (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message,
    const char *path G_GNUC_UNUSED, GHashTable *query G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  lab_page_answer (message, SOUP_STATUS_NOT_FOUND, NULL);
}

gchar *
lab_page_client_ip (SoupServerMessage *message)
{
  const char *host = soup_server_message_get_remote_host (message);

  return g_strdup (host ? host : "");
}

static void
turn_away (SoupServerMessage *message)
{
  g_autoptr (GIOStream) stream = soup_server_message_steal_connection (message);

  lab_log ("a body of more than %d bytes", BODY_MAX);
  if (stream != NULL)
    g_io_stream_close (stream, NULL, NULL);
}

static void
on_headers (SoupServerMessage *message, gpointer data G_GNUC_UNUSED)
{
  if (soup_message_headers_get_content_length (soup_server_message_get_request_headers (message))
      > BODY_MAX)
    turn_away (message);
}

/* Without a length the body is counted as it comes. */
static void
on_chunk (SoupServerMessage *message, gpointer data G_GNUC_UNUSED)
{
  if (soup_server_message_get_request_body (message)->length > BODY_MAX)
    turn_away (message);
}

static void
on_request (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer data G_GNUC_UNUSED)
{
  g_signal_connect (message, "got-headers", G_CALLBACK (on_headers), NULL);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), NULL);
}

void
lab_page_limit_bodies (const Lab *lab, SoupServer *soup)
{
  if (lab->options.close_malformed)
    g_signal_connect (soup, "request-started", G_CALLBACK (on_request), NULL);
}

gboolean
lab_page_is_get (SoupServerMessage *message)
{
  if (g_strcmp0 (soup_server_message_get_method (message), SOUP_METHOD_GET) == 0)
    return TRUE;
  lab_page_answer (message, SOUP_STATUS_NOT_FOUND, NULL);
  return FALSE;
}

typedef struct {
  Lab *lab;
  const LabPage *page;
} Served;

static void
serve (SoupServer *soup, SoupServerMessage *message, const char *path, GHashTable *query,
    gpointer data)
{
  const Served *served = data;

  wg_watch_begin (served->page->operation);
  served->page->handler (soup, message, path, query, served->lab);
  wg_watch_end ();
}

void
lab_page_serve (Lab *lab, SoupServer *soup, const LabPage *pages)
{
  soup_server_add_handler (soup, NULL, lab_page_not_found, NULL, NULL);
  for (const LabPage *page = pages; page->path != NULL; page++) {
    Served *served = g_new (Served, 1);

    *served = (Served){ lab, page };
    soup_server_add_handler (soup, page->path, serve, served, g_free);
  }
}
