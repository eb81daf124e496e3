/* SPDX-License-Identifier: MIT
 *
 * wolf-probe: looks at a game-streaming server from outside, as its clients and the kernel see it.
 */
#include "commands.h"
#include "options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int (*run) (int argc, char **argv);
  const char *summary;
} commands[] = {
  { "health", probe_command_health, "ask every port once whether the server answers" },
  { "session", probe_command_session, "stream as a Moonlight client does, count packets, cancel" },
  { "latency", probe_command_latency, "ask HTTPS in a loop, percentiles and a time line" },
  { "abuse", probe_command_abuse, "24 kinds of abusive client, and the sockets they leave" },
  { "malformed", probe_command_malformed, "messages that no server should take" },
  { "cert", probe_command_cert, "make a client certificate" },
};

static void
print_usage (FILE *stream)
{
  fputs ("Usage: wolf-probe COMMAND [OPTIONS]\n\n", stream);
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++)
    fprintf (stream, "  %-9s %s\n", commands[i].name, commands[i].summary);
  fputs ("\nwolf-probe COMMAND -h shows a command's options.\n"
         "Exit status: 0 fine; 1 degraded; 2 HTTPS or HTTP silent; 3 wrong usage.\n",
      stream);
}

int
main (int argc, char **argv)
{
  /* A server that hangs up is a result, not our end. */
  signal (SIGPIPE, SIG_IGN);

  if (argc < 2) {
    print_usage (stderr);
    return PROBE_EXIT_USAGE;
  }
  if (strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "--help") == 0) {
    print_usage (stdout);
    return PROBE_EXIT_OK;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (strcmp (argv[1], commands[i].name) == 0)
      return commands[i].run (argc - 1, argv + 1);
  }
  fprintf (stderr, "wolf-probe: there is no command '%s'\n\n", argv[1]);
  print_usage (stderr);
  return PROBE_EXIT_USAGE;
}
