/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "health.h"
#include "options.h"
#include "report.h"

#define DEFAULT_SLOW_MS 1000 /* a person waiting for Moonlight notices */

static const char description[] =
    "A port is healthy when the server answers on it in time: a TLS handshake (an alert counts),\n"
    "an HTTP answer, an RTSP answer or an orderly close. A TCP connection alone is no answer.\n"
    "The first line sums up, as a monitoring system shows it: OK, WARNING or CRITICAL.\n"
    "\n"
    "Exit status: 0 all answer; 1 slow, an unexpected status, or RTSP or API silent;\n"
    "2 HTTPS or HTTP silent; 3 wrong usage.";

int
probe_command_health (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_auto (ProbeHealth) health = { 0 };
  g_autoptr (ProbeTls) client = NULL;
  g_autoptr (GError) error = NULL;
  int slow_ms = DEFAULT_SLOW_MS;
  ProbeTarget target;
  const GOptionEntry own[] = {
    { "slow", 0, 0, G_OPTION_ARG_INT, &slow_ms, "An answer above this is slow (1000)", "MS" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (&options, "health", "ask every port once whether the server answers",
          description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  client = probe_options_get_client (&options, &error);
  if (error != NULL)
    return probe_usage_error ("health", "%s", error->message);
  probe_options_get_target (&options, &target);

  probe_health_run (&target, client, slow_ms, &health);
  if (options.json) {
    probe_report_line (probe_health_to_json (&health));
  } else {
    g_autofree char *summary = probe_health_summary (&health);

    g_print ("%s\n", summary);
    for (guint i = 0; i < health.count; i++)
      g_print ("%s\n", health.checks[i].message);
  }
  return health.exit_status;
}
