/* SPDX-License-Identifier: MIT */
#include "health.h"

#include "deadline.h"
#include "options.h"
#include "report.h"
#include "rtsp.h"
#include "sockdiag.h"

#include <string.h>

typedef struct {
  const ProbeTarget *target;
  ProbeTls *tls;
  double slow_ms;
  ProbeHealthCheck *check;
  GThread *thread;
} Job;

const char *
probe_health_state_name (ProbeHealthState state)
{
  switch (state) {
  case PROBE_HEALTH_OK:
    return "ok";
  case PROBE_HEALTH_SLOW:
    return "slow";
  case PROBE_HEALTH_UNEXPECTED:
    return "unexpected";
  case PROBE_HEALTH_SILENT:
    return "silent";
  }
  return "unknown";
}

/* "https 47984", "api /run/wolf.sock" */
static char *
describe_port (const Job *job)
{
  if (job->check->port == 0)
    return g_strdup_printf ("%s %s", job->check->name, job->target->api_path);
  return g_strdup_printf ("%s %s:%u", job->check->name, job->target->host, job->check->port);
}

/* What the kernel knows about connections that wait there; for this machine's own ports only. */
static char *
describe_unaccepted (Job *job)
{
  if (job->check->port == 0 || !probe_address_is_loopback (job->target->host))
    return g_strdup ("");
  job->check->unaccepted = probe_sockdiag_count_unaccepted (job->check->port);
  if (job->check->unaccepted < 0)
    return g_strdup ("");
  return g_strdup_printf (", %d connection%s not accepted", job->check->unaccepted,
      job->check->unaccepted == 1 ? "" : "s");
}

static void
conclude_silent (Job *job, const GError *error)
{
  g_autofree char *port = describe_port (job);
  g_autofree char *unaccepted = describe_unaccepted (job);

  job->check->state = PROBE_HEALTH_SILENT;
  if (g_error_matches (error, PROBE_ERROR, PROBE_ERROR_REFUSED)) {
    job->check->message = g_strdup_printf (
        "%s: silent in phase %s: nobody listens", port, probe_phase_name (job->check->phase));
    return;
  }
  job->check->message = g_strdup_printf ("%s: silent in phase %s after %.0f ms: %s%s", port,
      probe_phase_name (job->check->phase), job->check->ms, error->message, unaccepted);
}

static void
conclude_answered (Job *job, gboolean expected, const char *answer)
{
  g_autofree char *port = describe_port (job);
  gboolean slow = job->check->ms > job->slow_ms;

  job->check->state = !expected ? PROBE_HEALTH_UNEXPECTED
      : slow                    ? PROBE_HEALTH_SLOW
                                : PROBE_HEALTH_OK;
  job->check->message = g_strdup_printf ("%s: %s, %s in %.1f ms", port,
      probe_health_state_name (job->check->state), answer, job->check->ms);
}

/* What an exchange says about the HTTP-like ports. @allowed2 is a second good status. */
static void
conclude_exchange (Job *job, const ProbeExchange *exchange, int allowed2)
{
  g_autofree char *answer = NULL;
  int status = exchange->response.status;

  job->check->phase = exchange->phase;
  job->check->ms = exchange->ms;
  job->check->status = status;
  if (!exchange->ok) {
    conclude_silent (job, exchange->error);
    return;
  }
  answer = g_strdup_printf ("answered %d", status);
  conclude_answered (job, status == 200 || status == allowed2, answer);
}

static gpointer
check_http (gpointer data)
{
  g_auto (ProbeExchange) exchange = { 0 };
  Job *job = data;

  probe_exchange_http (job->target, "/serverinfo", &exchange);
  conclude_exchange (job, &exchange, 200);
  return NULL;
}

/*
 * Without a certificate, so it works on any server and without its keys. A server that asks for one
 * refuses with an alert in TLS 1.2; in TLS 1.3 the client's side of the handshake ends first.
 */
static gpointer
check_https (gpointer data)
{
  g_auto (ProbeExchange) exchange = { 0 };
  Job *job = data;

  probe_exchange_https (job->target, job->tls, NULL, &exchange);
  job->check->phase = exchange.phase;
  job->check->ms = exchange.ms;
  if (exchange.ok)
    conclude_answered (job, TRUE, "answered the handshake");
  else if (exchange.alert)
    conclude_answered (job, TRUE, "answered the handshake with an alert");
  else
    conclude_silent (job, exchange.error);
  return NULL;
}

static gpointer
check_https_request (gpointer data)
{
  g_auto (ProbeExchange) exchange = { 0 };
  Job *job = data;

  probe_exchange_https (job->target, job->tls, "/serverinfo", &exchange);
  conclude_exchange (job, &exchange, 401);
  return NULL;
}

static gpointer
check_rtsp (gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (ProbeRtspReply) reply = { 0 };
  g_autofree char *uri = NULL;
  g_autofree char *answer = NULL;
  Job *job = data;
  ProbeRtspRequest request = { .method = "OPTIONS", .host = job->target->host, .sequence = 1 };
  gboolean answered;

  request.uri = uri = g_strdup_printf ("rtsp://%s:%u", job->target->host, job->target->rtsp_port);
  answered = probe_rtsp_call (job->target->host, job->target->rtsp_port, &request,
      probe_deadline_in (job->target->timeout_us), &reply, &error);
  job->check->phase = reply.phase;
  job->check->ms = reply.ms;
  job->check->status = reply.status;
  if (!answered) {
    conclude_silent (job, error);
    return NULL;
  }
  answer = reply.status != 0 ? g_strdup_printf ("answered %d", reply.status)
                             : g_strdup ("closed the connection, as it does for strangers");
  conclude_answered (job, TRUE, answer);
  return NULL;
}

static gpointer
check_api (gpointer data)
{
  g_auto (ProbeExchange) exchange = { 0 };
  Job *job = data;

  probe_exchange_api (job->target, "/api/v1/sessions", &exchange);
  conclude_exchange (job, &exchange, 200);
  return NULL;
}

/* Prepares the next check and starts it. */
static void
start (ProbeHealth *health, Job *job, const char *name, guint16 port, gboolean required,
    GThreadFunc function)
{
  ProbeHealthCheck *check = &health->checks[health->count++];

  *check = (ProbeHealthCheck){ .name = name, .port = port, .required = required, .unaccepted = -1 };
  job->check = check;
  job->thread = g_thread_new (name, function, job);
}

/* The worst of the checks decides. */
static void
judge (ProbeHealth *health)
{
  health->exit_status = PROBE_EXIT_OK;
  for (guint i = 0; i < health->count; i++) {
    const ProbeHealthCheck *check = &health->checks[i];

    if (check->state == PROBE_HEALTH_SILENT && check->required)
      health->exit_status = PROBE_EXIT_SILENT;
    else if (check->state != PROBE_HEALTH_OK)
      health->exit_status = MAX (health->exit_status, PROBE_EXIT_DEGRADED);
  }
}

void
probe_health_run (const ProbeTarget *target, ProbeTls *client, double slow_ms, ProbeHealth *health)
{
  g_autoptr (ProbeTls) anonymous = probe_tls_new_anonymous ();
  Job jobs[G_N_ELEMENTS (health->checks)];
  Job *job = jobs;

  memset (health, 0, sizeof *health);
  /* The error domain and GLib's table of domains are made on first use: let that be before there
   * are threads, where ThreadSanitizer cannot follow GLib's locks. */
  g_error_free (g_error_new_literal (PROBE_ERROR, PROBE_ERROR_TIMEOUT, "first use"));
  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    jobs[i] = (Job){ .target = target, .tls = anonymous, .slow_ms = slow_ms };

  start (health, job++, "http", target->http_port, TRUE, check_http);
  start (health, job++, "https", target->https_port, TRUE, check_https);
  if (client != NULL) {
    job->tls = client;
    start (health, job++, "https-request", target->https_port, TRUE, check_https_request);
  }
  start (health, job++, "rtsp", target->rtsp_port, FALSE, check_rtsp);
  if (target->api_path != NULL)
    start (health, job++, "api", 0, FALSE, check_api);
  for (guint i = 0; i < health->count; i++)
    g_thread_join (jobs[i].thread);
  judge (health);
}

void
probe_health_run_https (const ProbeTarget *target, double slow_ms, ProbeHealth *health)
{
  g_autoptr (ProbeTls) anonymous = probe_tls_new_anonymous ();
  Job job = { .target = target, .tls = anonymous, .slow_ms = slow_ms };

  memset (health, 0, sizeof *health);
  start (health, &job, "https", target->https_port, TRUE, check_https);
  g_thread_join (job.thread);
  judge (health);
}

char *
probe_health_summary (const ProbeHealth *health)
{
  static const char *const words[] = { "OK", "WARNING", "CRITICAL" };
  GString *text = g_string_new (words[health->exit_status]);
  const char *separator = ": ";
  double slowest = 0;

  for (guint i = 0; i < health->count; i++) {
    const ProbeHealthCheck *check = &health->checks[i];

    slowest = MAX (slowest, check->ms);
    if (check->state == PROBE_HEALTH_OK)
      continue;
    g_string_append_printf (
        text, "%s%s %s", separator, check->name, probe_health_state_name (check->state));
    separator = ", ";
  }
  if (health->exit_status == PROBE_EXIT_OK)
    g_string_append_printf (
        text, ": all %u checks answered, the slowest in %.1f ms", health->count, slowest);
  return g_string_free (text, FALSE);
}

void
probe_health_clear (ProbeHealth *health)
{
  for (guint i = 0; i < health->count; i++)
    g_free (health->checks[i].message);
  memset (health, 0, sizeof *health);
}

JsonObject *
probe_health_to_json (const ProbeHealth *health)
{
  JsonObject *object = probe_report_event ("health");
  JsonArray *checks = json_array_new ();

  json_object_set_boolean_member (object, "ok", health->exit_status == PROBE_EXIT_OK);
  json_object_set_int_member (object, "exit_status", health->exit_status);
  for (guint i = 0; i < health->count; i++) {
    const ProbeHealthCheck *check = &health->checks[i];
    JsonObject *entry = json_object_new ();

    json_object_set_string_member (entry, "name", check->name);
    json_object_set_int_member (entry, "port", check->port);
    json_object_set_boolean_member (entry, "required", check->required);
    json_object_set_string_member (entry, "state", probe_health_state_name (check->state));
    json_object_set_string_member (entry, "phase", probe_phase_name (check->phase));
    json_object_set_double_member (entry, "ms", check->ms);
    json_object_set_int_member (entry, "status", check->status);
    if (check->unaccepted >= 0)
      json_object_set_int_member (entry, "unaccepted", check->unaccepted);
    else
      json_object_set_null_member (entry, "unaccepted");
    json_object_set_string_member (entry, "message", check->message);
    json_array_add_object_element (checks, entry);
  }
  json_object_set_array_member (object, "checks", checks);
  return object;
}
