/* SPDX-License-Identifier: MIT
 *
 * commands: the subcommands. Each gets its own argv ("health", options...), blocks until it is
 * done, limited by its options, and returns the process's exit status (PROBE_EXIT_*, options.h).
 */
#pragma once

int probe_command_health (int argc, char **argv);
int probe_command_session (int argc, char **argv);
int probe_command_abuse (int argc, char **argv);
int probe_command_malformed (int argc, char **argv);
int probe_command_latency (int argc, char **argv);
int probe_command_cert (int argc, char **argv);
