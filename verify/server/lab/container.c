/* SPDX-License-Identifier: MIT */
#include "container.h"
#include "docker.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>

/* How often it is asked whether the container still runs. */
#define LOOK_MS 500
/* The engine gives a program so long to end; after that and 5 s more it does not answer. */
#define GRACE_S 1
#define STOP_S (GRACE_S + 5)
#define REQUEST_S 10
#define TRIES 3

/* Of all sessions. */
static GMutex running_lock;
static GCond running_changed;
static guint running;

typedef struct {
  gint refs;
  Lab *lab;
  gchar *session, *name;
  GMutex lock;
  GCond changed;
  gboolean stopped;
} Container;

static void
container_unref (gpointer data)
{
  Container *container = data;

  if (!g_atomic_int_dec_and_test (&container->refs))
    return;
  g_mutex_clear (&container->lock);
  g_cond_clear (&container->changed);
  g_free (container->session);
  g_free (container->name);
  g_free (container);
}

/* 0 without a limit is before the series. */
static guint
ask (const Container *container, const gchar *method, const gchar *what, guint timeout_s,
    gchar **body)
{
  const LabOptions *options = &container->lab->options;
  g_autofree gchar *path = g_strdup_printf ("%s%s", container->name, what);

  return lab_docker_ask (container->lab, method, path, options->check_docker ? timeout_s : 0, body);
}

static gboolean
stop_container (const Container *container)
{
  g_autofree gchar *what = g_strdup_printf ("/stop?t=%d", GRACE_S);
  const guint status = ask (container, "POST", what, STOP_S, NULL);

  if (status != 204 && status != 304)
    lab_log ("container %s is not stopped: status %u", container->name, status);
  return status == 204 || status == 304;
}

static void
on_stop (const LabEvent *event, gpointer data)
{
  Container *container = data;

  if (!g_str_equal (event->id, container->session))
    return;
  if (!container->lab->options.own_containers) {
    stop_container (container);
    return;
  }
  g_mutex_lock (&container->lock);
  container->stopped = TRUE;
  g_cond_signal (&container->changed);
  g_mutex_unlock (&container->lock);
}

/* What is no JSON ends the lab before the series, as an exception that nobody catches does. */
static gboolean
is_status (const Lab *lab, const gchar *body, const gchar *status)
{
  g_autoptr (JsonNode) node = json_from_string (body, NULL);
  g_autofree gchar *text = g_strdup_printf ("\"Status\":\"%s\"", status);

  if (node == NULL && !lab->options.check_docker) {
    lab_log ("the container engine's answer is no JSON");
    abort ();
  }
  return node != NULL && strstr (body, text) != NULL;
}

static gboolean
still_runs (const Container *container)
{
  g_autofree gchar *body = NULL;

  return ask (container, "GET", "/json", REQUEST_S, &body) == 200
      && is_status (container->lab, body, "running");
}

static gboolean
start (const Container *container)
{
  g_autofree gchar *path = g_strconcat ("create?name=", container->name, NULL);
  g_autofree gchar *body = NULL;
  const LabOptions *options = &container->lab->options;
  const guint status =
      lab_docker_ask (container->lab, "POST", path, options->check_docker ? REQUEST_S : 0, &body);

  if (status == 201)
    is_status (container->lab, body, "created"); /* read, as Wolf does */
  return status == 201 && ask (container, "POST", "/start", REQUEST_S, NULL) == 204;
}

/* Until it has ended or, with --containers=runner, the session was stopped. */
static gboolean
wait_for_end (Container *container, const LabSession *session)
{
  do {
    g_mutex_lock (&container->lock);
    const gint64 until = g_get_monotonic_time () + LOOK_MS * G_TIME_SPAN_MILLISECOND;
    while (!container->stopped && g_cond_wait_until (&container->changed, &container->lock, until))
      ;
    const gboolean stopped = container->stopped;
    g_mutex_unlock (&container->lock);
    if (stopped || (container->lab->options.own_containers && lab_session_was_stopped (session)))
      return TRUE;
  } while (still_runs (container));
  return FALSE;
}

static void
count_running (gint change)
{
  g_mutex_lock (&running_lock);
  running += (guint) change;
  g_cond_broadcast (&running_changed);
  g_mutex_unlock (&running_lock);
}

void
lab_container_run (Lab *lab, LabSession *session)
{
  Container *container = g_new0 (Container, 1);

  *container = (Container){ .refs = 2, .lab = lab, .session = g_strdup (session->id) };
  container->name = g_strdup_printf ("program_%s_%p", session->id, (void *) session);
  g_mutex_init (&container->lock);
  g_cond_init (&container->changed);
  const guint number =
      lab_bus_register (lab->bus, LAB_EVENT_STOP, on_stop, container, container_unref);
  count_running (1);
  if (start (container)) {
    if (wait_for_end (container, session))
      for (guint i = 0; i < TRIES && !stop_container (container); i++)
        ;
  } else {
    lab_log ("container %s does not start", container->name);
  }
  count_running (-1);
  lab_bus_unregister (lab->bus, number);
  container_unref (container);
}

void
lab_container_ask_for_sound (const Lab *lab)
{
  if (lab_docker_is_there (lab))
    lab_docker_ask (
        lab, "POST", "create?name=WolfPulseAudio", lab->options.check_docker ? REQUEST_S : 0, NULL);
}

guint
lab_container_wait (guint within_ms)
{
  const gint64 until = g_get_monotonic_time () + within_ms * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock (&running_lock);
  while (running > 0 && g_cond_wait_until (&running_changed, &running_lock, until))
    ;
  const guint left = running;
  g_mutex_unlock (&running_lock);
  return left;
}
