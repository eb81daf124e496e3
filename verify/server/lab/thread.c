/* SPDX-License-Identifier: MIT */
/* thread.c: threads with a name and, if wanted, a record. */
#include "thread.h"

#include <wolf-guard/beat.h>
#include <wolf-guard/thread.h>

typedef struct {
  gboolean record;
  gchar *name, *session;
  LabThreadFunc func;
  gpointer data;
} Start;

static gpointer
thread_main (gpointer data)
{
  Start *start = data;

  if (start->record)
    wg_thread_enter (start->name, start->session, "");
  start->func (start->data);
  if (start->record)
    wg_thread_leave ();
  g_free (start->name);
  g_free (start->session);
  g_free (start);
  return NULL;
}

void
lab_thread_start (
    const Lab *lab, const gchar *name, const gchar *session, LabThreadFunc func, gpointer data)
{
  Start *start = g_new0 (Start, 1);

  *start = (Start){ lab->options.records, g_strdup (name), g_strdup (session), func, data };
  g_thread_unref (g_thread_new (name, thread_main, start));
}

typedef struct {
  const gchar *name;
  GMainContext *context;
} Server;

/* Begins with a beat, so that its thread is known from then on. */
static void
serve (gpointer data)
{
  const Server *server = data;
  GMainLoop *loop = g_main_loop_new (server->context, FALSE);

  wg_beat_now (wg_beat_new_for_context (server->name, server->context, loop));
  g_main_context_push_thread_default (server->context);
  g_main_loop_run (loop);
}

gboolean
lab_thread_serve (Lab *lab, const gchar *name, LabSetup setup, GError **error)
{
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  const gboolean ready = setup (lab, error);
  g_main_context_pop_thread_default (context);
  if (!ready) {
    g_main_context_unref (context);
    return FALSE;
  }
  Server *server = g_new (Server, 1);
  *server = (Server){ name, context };
  lab_thread_start (lab, name, NULL, serve, server);
  return TRUE;
}
