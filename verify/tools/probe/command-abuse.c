/* SPDX-License-Identifier: MIT */
#include "abuse.h"
#include "commands.h"
#include "deadline.h"
#include "health.h"
#include "options.h"
#include "report.h"
#include "sockdiag.h"

#include <string.h>
#include <sys/resource.h>

#define DEFAULT_COUNT 200
#define COUNT_MAX 20000
#define DEFAULT_AT "0,10,60"
#define AT_MAX_SECONDS 3600
#define SLOW_MS 1000

static const char description[] =
    "For each kind: N clients act at once; then, at each time of --at, the HTTPS port's sockets\n"
    "by state and owner, those that the server has not accepted apart; and whether it still\n"
    "answers a handshake. Silent and slow clients stay until the last of these times. Without\n"
    "--cert a certificate of its own is used. Loopback only. --list names the kinds.\n"
    "\n"
    "Exit status: 0 no CLOSE_WAIT at the last time and the server answers; 1 CLOSE_WAIT, slow, or\n"
    "clients who did not get to act within --timeout; 2 it does not answer; 3 wrong usage.";

typedef struct {
  const ProbeTarget *target;
  ProbeTls *with_cert;
  ProbeTls *anonymous;
  guint count;
  GArray *at; /* int seconds, ascending, not empty */
  gboolean json;
  int worst;
} Abuse;

static int
list_kinds (gboolean json)
{
  for (guint i = 0; i < PROBE_ABUSE_KINDS; i++) {
    const ProbeAbuseKind *kind = &probe_abuse_kinds[i];

    if (json) {
      JsonObject *line = probe_report_event ("kind");

      json_object_set_string_member (line, "kind", kind->name);
      json_object_set_string_member (line, "description", kind->description);
      probe_report_line (line);
    } else {
      g_print ("%-20s %s\n", kind->name, kind->description);
    }
  }
  return PROBE_EXIT_OK;
}

/* "0,10,60" into ascending seconds. */
static gboolean
parse_at (const char *text, GArray *at)
{
  g_auto (GStrv) parts = g_strsplit (text, ",", -1);

  for (guint i = 0; parts[i] != NULL; i++) {
    char *end;
    gint64 value = g_ascii_strtoll (g_strstrip (parts[i]), &end, 10);
    int seconds = (int) value;

    if (end == parts[i] || *end != '\0' || value < 0 || value > AT_MAX_SECONDS
        || (at->len > 0 && seconds <= g_array_index (at, int, at->len - 1)))
      return FALSE;
    g_array_append_val (at, seconds);
  }
  return at->len > 0;
}

/* As many descriptors as we may have: the crowd and some for ourselves. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

/* Sockets of one state and owner, counted. */
static JsonArray *
group_by_owner (const GArray *sockets)
{
  g_autoptr (GHashTable) groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < sockets->len; i++) {
    const ProbeSocket *socket = &g_array_index (sockets, ProbeSocket, i);
    gboolean unaccepted = probe_socket_is_unaccepted (socket);
    g_autofree char *owner = NULL;
    g_autofree char *key = NULL;
    JsonObject *group;

    owner = unaccepted          ? g_strdup ("unaccepted")
        : socket->owner != NULL ? g_strdup (socket->owner)
        : socket->inode == 0    ? g_strdup ("kernel")
                                : g_strdup_printf ("uid %u", socket->uid);
    key = g_strdup_printf ("%u %s", socket->state, owner);
    group = g_hash_table_lookup (groups, key);
    if (group == NULL) {
      group = json_object_new ();
      json_object_set_string_member (group, "state", probe_tcp_state_name (socket->state));
      json_object_set_string_member (group, "owner", owner);
      json_object_set_int_member (group, "count", 0);
      json_array_add_object_element (array, group);
      g_hash_table_insert (groups, g_steal_pointer (&key), group);
    }
    json_object_set_int_member (group, "count", json_object_get_int_member (group, "count") + 1);
  }
  return array;
}

static void
print_groups (int at, JsonArray *groups, const ProbePortSummary *summary)
{
  g_print ("  +%d s:", at);
  for (guint i = 0; i < json_array_get_length (groups); i++) {
    JsonObject *group = json_array_get_object_element (groups, i);

    g_print ("%s %" G_GINT64_FORMAT " %s of %s", i > 0 ? "," : "",
        json_object_get_int_member (group, "count"), json_object_get_string_member (group, "state"),
        json_object_get_string_member (group, "owner"));
  }
  g_print ("; not accepted: %u\n", MAX (summary->unaccepted, summary->accept_queue));
}

/* The port's sockets now. Returns how many are in CLOSE_WAIT, accepted or not; -1 if the kernel
 * does not tell. */
static int
sample (const Abuse *abuse, const ProbeAbuseKind *kind, int at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) sockets = probe_sockdiag_list (abuse->target->https_port, &error);
  JsonArray *groups;
  ProbePortSummary summary;
  int close_wait;

  if (sockets == NULL) {
    g_printerr ("wolf-probe abuse: %s\n", error->message);
    return -1;
  }
  probe_sockdiag_find_owners (sockets);
  probe_sockdiag_summarize (sockets, &summary);
  groups = group_by_owner (sockets);
  close_wait = (int) (summary.states[TCP_CLOSE_WAIT] + summary.unaccepted_states[TCP_CLOSE_WAIT]);
  if (abuse->json) {
    JsonObject *line = probe_report_event ("sockets");

    json_object_set_string_member (line, "kind", kind->name);
    json_object_set_int_member (line, "at_s", at);
    json_object_set_int_member (line, "port", abuse->target->https_port);
    json_object_set_int_member (line, "established", summary.states[TCP_ESTABLISHED]);
    json_object_set_int_member (line, "close_wait", summary.states[TCP_CLOSE_WAIT]);
    json_object_set_int_member (line, "unaccepted", MAX (summary.unaccepted, summary.accept_queue));
    json_object_set_int_member (
        line, "unaccepted_established", summary.unaccepted_states[TCP_ESTABLISHED]);
    json_object_set_int_member (
        line, "unaccepted_close_wait", summary.unaccepted_states[TCP_CLOSE_WAIT]);
    json_object_set_array_member (line, "sockets", groups);
    probe_report_line (line);
  } else {
    print_groups (at, groups, &summary);
    json_array_unref (groups);
  }
  return close_wait;
}

static void
report_crowd (
    const Abuse *abuse, const ProbeAbuseKind *kind, const ProbeCrowdOutcome *outcome, double ms)
{
  if (abuse->json) {
    JsonObject *line = probe_report_event ("abuse");

    json_object_set_string_member (line, "kind", kind->name);
    json_object_set_int_member (line, "clients", outcome->clients);
    json_object_set_int_member (line, "connected", outcome->connected);
    json_object_set_int_member (line, "opened", outcome->opened);
    json_object_set_int_member (line, "refused", outcome->refused);
    json_object_set_int_member (line, "unfinished", outcome->unfinished);
    json_object_set_double_member (line, "ms", ms);
    probe_report_line (line);
    return;
  }
  g_print ("%s: %s\n  %u clients: %u connected, %u through their opening, %u turned away, "
           "%u unfinished, %.0f ms\n",
      kind->name, kind->description, outcome->clients, outcome->connected, outcome->opened,
      outcome->refused, outcome->unfinished, ms);
}

/* The verdict on one kind. Clients who never came to do what their kind does prove nothing about
 * it. */
static void
conclude (Abuse *abuse, const ProbeAbuseKind *kind, guint unfinished, int close_wait)
{
  g_auto (ProbeHealth) health = { 0 };
  gboolean clean = close_wait == 0 && unfinished == 0;
  int status;

  probe_health_run_https (abuse->target, SLOW_MS, &health);
  status = MAX (health.exit_status, clean ? PROBE_EXIT_OK : PROBE_EXIT_DEGRADED);
  abuse->worst = MAX (abuse->worst, status);
  if (abuse->json) {
    JsonObject *line = probe_report_event ("verdict");

    json_object_set_string_member (line, "kind", kind->name);
    json_object_set_boolean_member (line, "ok", status == PROBE_EXIT_OK);
    json_object_set_int_member (line, "unfinished", unfinished);
    json_object_set_int_member (line, "close_wait", close_wait);
    json_object_set_string_member (line, "https", probe_health_state_name (health.checks[0].state));
    json_object_set_double_member (line, "https_ms", health.checks[0].ms);
    json_object_set_string_member (line, "message", health.checks[0].message);
    probe_report_line (line);
  } else {
    g_print ("  %s; %u unfinished, %d in CLOSE_WAIT at the end; %s\n",
        status == PROBE_EXIT_OK ? "ok" : "NOT OK", unfinished, close_wait,
        health.checks[0].message);
  }
}

/* FALSE with @error set if the crowd could not be gathered. */
static gboolean
run_kind (Abuse *abuse, const ProbeAbuseKind *kind, GError **error)
{
  g_autoptr (ProbeCrowd) crowd =
      probe_crowd_new (abuse->target, kind, abuse->count, abuse->with_cert, abuse->anonymous);
  gint64 start = g_get_monotonic_time ();
  ProbeCrowdOutcome outcome;
  int close_wait = -1;

  if (!probe_crowd_act (crowd, &outcome, error))
    return FALSE;
  report_crowd (abuse, kind, &outcome, probe_ms_since (start));
  start = g_get_monotonic_time ();
  for (guint i = 0; i < abuse->at->len; i++) {
    int at = g_array_index (abuse->at, int, i);

    probe_crowd_stay_until (crowd, start + (gint64) at * G_USEC_PER_SEC);
    close_wait = sample (abuse, kind, at);
  }
  conclude (abuse, kind, outcome.unfinished, close_wait);
  return TRUE;
}

int
probe_command_abuse (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_autoptr (ProbeTls) with_cert = NULL;
  g_autoptr (ProbeTls) anonymous = probe_tls_new_anonymous ();
  g_autoptr (GArray) at = g_array_new (FALSE, FALSE, sizeof (int));
  g_autoptr (GError) error = NULL;
  g_autofree char *kind_name = NULL;
  g_autofree char *at_text = NULL;
  const ProbeAbuseKind *only = NULL;
  int count = DEFAULT_COUNT;
  gboolean list = FALSE;
  ProbeTarget target;
  Abuse abuse = { .target = &target, .at = at, .anonymous = anonymous };
  const GOptionEntry own[] = {
    { "list", 0, 0, G_OPTION_ARG_NONE, &list, "Name the kinds", NULL },
    { "kind", 0, 0, G_OPTION_ARG_STRING, &kind_name, "One kind, or all (all)", "NAME" },
    { "count", 0, 0, G_OPTION_ARG_INT, &count, "Clients of a kind (200)", "N" },
    { "at", 0, 0, G_OPTION_ARG_STRING, &at_text, "When to look (" DEFAULT_AT ")", "SECONDS,..." },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (&options, "abuse", "clients that misbehave, and what they leave behind",
          description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  if (list)
    return list_kinds (options.json);
  if (kind_name != NULL && strcmp (kind_name, "all") != 0
      && (only = probe_abuse_kind_find (kind_name)) == NULL)
    return probe_usage_error ("abuse", "there is no kind '%s' (--list names them)", kind_name);
  if (count < 1 || count > COUNT_MAX)
    return probe_usage_error ("abuse", "--count must be 1 to %d", COUNT_MAX);
  if (!parse_at (at_text != NULL ? at_text : DEFAULT_AT, at))
    return probe_usage_error ("abuse", "--at wants ascending seconds, such as " DEFAULT_AT);
  if (!probe_address_is_loopback (options.host))
    return probe_usage_error ("abuse", "--host %s: only loopback may be abused", options.host);
  with_cert = probe_options_get_client (&options, &error);
  if (with_cert == NULL && error == NULL)
    with_cert = probe_tls_new_stranger (&error);
  if (error != NULL)
    return probe_usage_error ("abuse", "%s", error->message);
  probe_options_get_target (&options, &target);
  raise_descriptor_limit ();

  abuse.with_cert = with_cert;
  abuse.count = (guint) count;
  abuse.json = options.json;
  for (guint i = 0; i < PROBE_ABUSE_KINDS; i++) {
    if (only != NULL && only != &probe_abuse_kinds[i])
      continue;
    if (!run_kind (&abuse, &probe_abuse_kinds[i], &error))
      return probe_usage_error ("abuse", "%s", error->message);
  }
  return abuse.worst;
}
