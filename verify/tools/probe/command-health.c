/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "deadline.h"
#include "health.h"
#include "inside.h"
#include "metrics.h"
#include "options.h"
#include "report.h"

#include <string.h>

#define DEFAULT_SLOW_MS 1000 /* a person waiting for Moonlight notices */

static const char description[] =
    "A port is healthy when the server answers on it in time: a TLS handshake (an alert counts),\n"
    "an HTTP answer, an RTSP answer or an orderly close. A TCP connection alone is no answer.\n"
    "The first line sums up, as a monitoring system shows it: OK, WARNING or CRITICAL.\n"
    "With --health, or WOLF_GUARD_HEALTH when a socket is there, a patched server is asked, too.\n"
    "\n"
    "Exit status: 0 all is well; 1 slow, an unexpected status, RTSP, API or the health socket\n"
    "silent, or the server says degraded; 2 HTTPS or HTTP silent, or the server says failing;\n"
    "3 wrong usage.";

/* What the server says of itself. */
typedef struct {
  const char *path;     /* NULL: not asked */
  JsonObject *document; /* NULL: `error` says why */
  GError *error;
} Inside;

static const char *
find_socket (const char *option)
{
  const char *setting = g_getenv ("WOLF_GUARD_HEALTH");

  if (option != NULL)
    return option;
  return setting != NULL && g_file_test (setting, G_FILE_TEST_EXISTS) ? setting : NULL;
}

static void
ask (Inside *inside, const ProbeTarget *target, ProbeHealth *health)
{
  int status = PROBE_EXIT_DEGRADED;

  if (inside->path == NULL)
    return;
  inside->document =
      probe_inside_read (inside->path, probe_deadline_in (target->timeout_us), &inside->error);
  if (inside->document != NULL)
    status = probe_inside_exit_status (inside->document);
  health->exit_status = MAX (health->exit_status, status);
}

static char *
describe_inside (const Inside *inside)
{
  if (inside->document != NULL)
    return probe_inside_summary (inside->document);
  return g_strdup_printf ("inside: silent at %s: %s", inside->path, inside->error->message);
}

static void
print_json (const ProbeHealth *health, const Inside *inside)
{
  JsonObject *object = probe_health_to_json (health);

  if (inside->document != NULL)
    json_object_set_object_member (object, "inside", json_object_ref (inside->document));
  else
    json_object_set_null_member (object, "inside");
  if (inside->error != NULL)
    json_object_set_string_member (object, "inside_error", inside->error->message);
  probe_report_line (object);
}

static void
print_text (const ProbeHealth *health, const Inside *inside)
{
  g_autofree char *line = inside->path != NULL ? describe_inside (inside) : NULL;
  g_autofree char *summary = probe_health_summary (health);
  gboolean is_reason = inside->error != NULL
      || (inside->document != NULL && probe_inside_exit_status (inside->document) > 0);

  g_print ("%s%s%s\n", summary, is_reason ? "; " : "", is_reason ? line : "");
  for (guint i = 0; i < health->count; i++)
    g_print ("%s\n", health->checks[i].message);
  if (line != NULL)
    g_print ("%s\n", line);
}

int
probe_command_health (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_auto (ProbeHealth) health = { 0 };
  g_autoptr (ProbeTls) client = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *socket = NULL;
  gboolean metrics = FALSE;
  int slow_ms = DEFAULT_SLOW_MS;
  ProbeTarget target;
  Inside inside = { 0 };
  const GOptionEntry own[] = {
    { "slow", 0, 0, G_OPTION_ARG_INT, &slow_ms, "An answer above this is slow (1000)", "MS" },
    { "health", 0, 0, G_OPTION_ARG_FILENAME, &socket,
        "The server's health socket (WOLF_GUARD_HEALTH)", "PATH" },
    { "metrics", 0, 0, G_OPTION_ARG_NONE, &metrics, "Prometheus' text format instead", NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (&options, "health", "ask every port once whether the server answers",
          description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  client = probe_options_get_client (&options, &error);
  if (error != NULL)
    return probe_usage_error ("health", "%s", error->message);
  if (metrics && options.json)
    return probe_usage_error ("health", "--metrics and --json exclude each other");
  probe_options_get_target (&options, &target);
  inside.path = find_socket (socket);

  probe_health_run (&target, client, slow_ms, &health);
  ask (&inside, &target, &health);
  if (metrics) {
    g_autofree char *text = probe_metrics_text (&health, inside.document);

    g_print ("%s", text);
  } else if (options.json) {
    print_json (&health, &inside);
  } else {
    print_text (&health, &inside);
  }
  g_clear_pointer (&inside.document, json_object_unref);
  g_clear_error (&inside.error);
  return health.exit_status;
}
