/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "malformed.h"
#include "options.h"
#include "report.h"

#define ALL (-1)

static const char description[] =
    "Sends broken requests, oversized headers and junk, one connection each, to HTTPS, HTTP, RTSP\n"
    "and, with --api, the API. With --app it also sends sessions that make no sense, and messages\n"
    "to the control port. Each message has a number, and a class: the least that its sender has\n"
    "to be. --json prints a line for each message and a summary. Loopback only.\n"
    "\n"
    "Exit status: 0 the server ended each of them; 1 it was silent about some, read a body\n"
    "without end, or accepted a message without its key; 2 some could not be sent; 3 wrong usage.";

typedef struct {
  ProbeMalformed to;
  gboolean json;
  guint ends[PROBE_MALFORMED_ENDS];
  guint accepted; /* without the key */
} Run;

static void
print_json (ProbeDoor door, guint index, ProbeMalformedEnd end, const ProbeMalformedAnswer *answer)
{
  JsonObject *report = json_object_new ();
  g_autofree char *text = g_utf8_make_valid (answer->line, -1);

  json_object_set_string_member (report, "door", probe_door_name (door));
  json_object_set_int_member (report, "number", probe_malformed_number (door, index));
  json_object_set_string_member (
      report, "class", probe_malformed_class_name (probe_malformed_class (door, index)));
  json_object_set_string_member (report, "message", probe_malformed_name (door, index));
  json_object_set_string_member (report, "end", probe_malformed_end_name (end));
  json_object_set_string_member (report, "answer", text);
  if (answer->asked)
    json_object_set_boolean_member (report, "accepted", answer->accepted);
  probe_report_line (report);
}

static void
send_one (Run *run, ProbeDoor door, guint index)
{
  ProbeMalformedAnswer answer;
  const ProbeMalformedEnd end = probe_malformed_send (&run->to, door, index, &answer);
  const ProbeMalformedClass class = probe_malformed_class (door, index);

  run->ends[end]++;
  run->accepted += answer.accepted && class == PROBE_MALFORMED_ADDRESS;
  if (run->json)
    print_json (door, index, end, &answer);
  else
    g_print ("%3u %-7s %-8s %-24s %-9s %s%s\n", probe_malformed_number (door, index),
        probe_door_name (door), probe_malformed_class_name (class),
        probe_malformed_name (door, index), probe_malformed_end_name (end),
        answer.asked ? answer.accepted ? "accepted " : "refused " : "", answer.line);
  g_free (answer.line);
}

static int
conclude (const Run *run)
{
  const int status = run->ends[PROBE_MALFORMED_NOWHERE] > 0 ? PROBE_EXIT_SILENT
      : run->ends[PROBE_MALFORMED_SILENT] + run->ends[PROBE_MALFORMED_SWALLOWED] + run->accepted > 0
      ? PROBE_EXIT_DEGRADED
      : PROBE_EXIT_OK;

  if (run->json) {
    JsonObject *line = probe_report_event ("malformed");

    json_object_set_boolean_member (line, "ok", status == PROBE_EXIT_OK);
    for (guint i = 0; i < G_N_ELEMENTS (run->ends); i++)
      json_object_set_int_member (
          line, probe_malformed_end_name ((ProbeMalformedEnd) i), run->ends[i]);
    json_object_set_int_member (line, "accepted", run->accepted);
    probe_report_line (line);
  }
  return status;
}

static gboolean
is_door (const char *name)
{
  for (guint door = 0; door < PROBE_DOORS; door++) {
    if (g_str_equal (name, probe_door_name ((ProbeDoor) door)))
      return TRUE;
  }
  return FALSE;
}

int
probe_command_malformed (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_autoptr (ProbeTls) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *only = NULL;
  g_autofree char *app = NULL;
  ProbeTarget target;
  Run run = { 0 };
  int message = ALL, number = ALL;
  const GOptionEntry own[] = {
    { "door", 0, 0, G_OPTION_ARG_STRING, &only, "https, http, api, rtsp, session, control (all)",
        "NAME" },
    { "message", 0, 0, G_OPTION_ARG_INT, &message, "Only the Nth of each door, from 0 (all)", "N" },
    { "number", 0, 0, G_OPTION_ARG_INT, &number, "Only the message of that number (all)", "N" },
    { "app", 0, 0, G_OPTION_ARG_STRING, &app, "The id of an app that exists", "ID" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (&options, "malformed", "messages that no server should take",
          description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  if (only != NULL && !is_door (only))
    return probe_usage_error (
        "malformed", "--door %s is none of https, http, api, rtsp, session, control", only);
  if (!probe_address_is_loopback (options.host))
    return probe_usage_error ("malformed", "--host %s: only loopback may be abused", options.host);
  client = probe_options_get_client (&options, &error);
  if (client == NULL && error == NULL)
    client = probe_tls_new_stranger (&error);
  if (error != NULL)
    return probe_usage_error ("malformed", "%s", error->message);
  probe_options_get_target (&options, &target);
  run.to = (ProbeMalformed){ &target, client, app };
  run.json = options.json;
  for (guint door = 0; door < PROBE_DOORS; door++) {
    if ((door == PROBE_DOOR_API && target.api_path == NULL)
        || (door >= PROBE_DOOR_SESSION && app == NULL))
      continue;
    if (only != NULL && !g_str_equal (only, probe_door_name ((ProbeDoor) door)))
      continue;
    for (guint i = 0; i < probe_malformed_count ((ProbeDoor) door); i++)
      if ((message == ALL || message == (int) i)
          && (number == ALL || number == (int) probe_malformed_number ((ProbeDoor) door, i)))
        send_one (&run, (ProbeDoor) door, i);
  }
  return conclude (&run);
}
