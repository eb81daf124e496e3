/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "deadline.h"
#include "options.h"
#include "percentile.h"
#include "report.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DEFAULT_DURATION 10.0
#define DURATION_MAX 86400.0
#define DEFAULT_INTERVAL_MS 50

static const char description[] =
    "One request after the other: the next starts when the last has ended and the interval is\n"
    "over. Without --cert a certificate of its own is used (Wolf answers 401, which counts).\n"
    "--json prints a line for each request and a summary. SIGINT and SIGTERM end it early, with\n"
    "the summary; a request that is under way is waited for. Loopback only.\n"
    "\n"
    "Exit status: 0 every request was answered; 1 some were not; 2 none was; 3 wrong usage.";

typedef struct {
  gint64 start;
  GArray *times; /* of answered requests, double ms */
  guint failures;
  guint connections; /* that were made; fewer than requests only with --keepalive */
  double longest_failure_ms;
  gboolean json;
} Account;

static void
record (Account *account, gint64 began, const ProbeExchange *exchange)
{
  /* Wolf says 401 to strangers; that is an answer of the same thread. */
  gboolean ok =
      exchange->ok && (exchange->response.status == 200 || exchange->response.status == 401);

  account->connections += exchange->connected;
  if (ok) {
    g_array_append_val (account->times, exchange->ms);
  } else {
    account->failures++;
    account->longest_failure_ms = MAX (account->longest_failure_ms, exchange->ms);
  }
  if (account->json) {
    JsonObject *line = json_object_new ();

    json_object_set_double_member (line, "t_ms", (double) (began - account->start) / 1000.0);
    json_object_set_double_member (line, "ms", exchange->ms);
    json_object_set_boolean_member (line, "ok", ok);
    json_object_set_string_member (line, "phase", probe_phase_name (exchange->phase));
    probe_report_set_ms (line, "handshake_ms", exchange->handshake_ms);
    json_object_set_int_member (line, "status", exchange->response.status);
    if (exchange->error != NULL)
      json_object_set_string_member (line, "error", exchange->error->message);
    probe_report_line (line);
  }
}

static void
summarize (Account *account)
{
  double seconds = probe_ms_since (account->start) / 1000.0;
  double p50;
  double p90;
  double p99;
  double max;

  probe_percentile_sort (account->times);
  p50 = probe_percentile (account->times, 50);
  p90 = probe_percentile (account->times, 90);
  p99 = probe_percentile (account->times, 99);
  max = probe_percentile (account->times, 100);
  if (account->json) {
    JsonObject *line = probe_report_event ("latency");

    json_object_set_boolean_member (line, "ok", account->failures == 0 && account->times->len > 0);
    json_object_set_int_member (line, "requests", account->times->len + account->failures);
    json_object_set_int_member (line, "failures", account->failures);
    json_object_set_int_member (line, "connections", account->connections);
    json_object_set_double_member (line, "seconds", seconds);
    probe_report_set_ms (line, "p50_ms", p50);
    probe_report_set_ms (line, "p90_ms", p90);
    probe_report_set_ms (line, "p99_ms", p99);
    probe_report_set_ms (line, "max_ms", max);
    probe_report_set_ms (
        line, "longest_failure_ms", account->failures > 0 ? account->longest_failure_ms : -1);
    probe_report_line (line);
    return;
  }
  g_print ("%u requests over %u connections in %.1f s, %u without an answer",
      account->times->len + account->failures, account->connections, seconds, account->failures);
  if (account->failures > 0)
    g_print (" (the longest wait %.0f ms)", account->longest_failure_ms);
  g_print ("\n");
  if (account->times->len > 0)
    g_print (
        "answered in: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms\n", p50, p90, p99, max);
}

/* SIGINT and SIGTERM as a descriptor, or -1 (the signals then end the process, without summary). */
static int
open_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  if (pthread_sigmask (SIG_BLOCK, &set, NULL) != 0)
    return -1;
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Waits until @deadline. FALSE: a signal asked for the end. */
static gboolean
wait_until (gint64 deadline, int signals)
{
  do {
    struct pollfd entry = { .fd = signals, .events = POLLIN };

    if (poll (&entry, 1, probe_deadline_poll_ms (deadline)) > 0)
      return FALSE;
  } while (!probe_deadline_passed (deadline));
  return TRUE;
}

int
probe_command_latency (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_autoptr (ProbeTls) client = NULL;
  g_autoptr (ProbeConn) kept = NULL;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GError) error = NULL;
  double duration = DEFAULT_DURATION;
  int interval_ms = DEFAULT_INTERVAL_MS;
  gboolean keepalive = FALSE;
  Account account = { .times = times };
  ProbeTarget target;
  gint64 next;
  gint64 end;
  int signals;
  const GOptionEntry own[] = {
    { "duration", 0, 0, G_OPTION_ARG_DOUBLE, &duration, "How long (10)", "SECONDS" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &interval_ms, "Between two starts, at least (50)", "MS" },
    { "keepalive", 0, 0, G_OPTION_ARG_NONE, &keepalive, "One connection for all requests", NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (&options, "latency", "GET /serverinfo over HTTPS in a closed loop",
          description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  if (!(duration > 0 && duration <= DURATION_MAX) || interval_ms < 0)
    return probe_usage_error ("latency", "--duration and --interval must be reasonable times");
  if (!probe_address_is_loopback (options.host))
    return probe_usage_error ("latency", "--host %s: only loopback may be loaded", options.host);
  client = probe_options_get_client (&options, &error);
  if (client == NULL && error == NULL)
    client = probe_tls_new_stranger (&error);
  if (error != NULL)
    return probe_usage_error ("latency", "%s", error->message);
  probe_options_get_target (&options, &target);

  signals = open_signals ();
  account.json = options.json;
  account.start = next = g_get_monotonic_time ();
  end = account.start + (gint64) (duration * (double) G_USEC_PER_SEC);
  do {
    g_auto (ProbeExchange) exchange = { 0 };
    gint64 began = g_get_monotonic_time ();

    if (keepalive)
      probe_exchange_https_kept (&target, client, "/serverinfo", &kept, &exchange);
    else
      probe_exchange_https (&target, client, "/serverinfo", &exchange);
    record (&account, began, &exchange);
    next = MAX (began + interval_ms * PROBE_US_PER_MS, g_get_monotonic_time ());
  } while (next < end && wait_until (next, signals));
  summarize (&account);
  if (signals >= 0)
    close (signals);
  if (account.failures == 0)
    return PROBE_EXIT_OK;
  return times->len > 0 ? PROBE_EXIT_DEGRADED : PROBE_EXIT_SILENT;
}
