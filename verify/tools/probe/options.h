/* SPDX-License-Identifier: MIT
 *
 * options: the command line's options that all subcommands share.
 *
 * Values are filled in by GOption; they point into the struct, which the subcommand keeps on its
 * stack for as long as it runs. Errors of the command line are printed to standard error here, with
 * what to do next.
 */
#pragma once

#include "exchange.h"
#include "tls.h"

#include <glib.h>

/* Exit statuses of every subcommand. */
enum {
  PROBE_EXIT_OK = 0,
  PROBE_EXIT_DEGRADED = 1, /* answers, but slowly or not as it should */
  PROBE_EXIT_SILENT = 2,   /* HTTPS or HTTP does not answer */
  PROBE_EXIT_USAGE = 3,
};

typedef struct {
  char *host;
  int http_port;
  int https_port;
  int rtsp_port;
  int video_port;
  int audio_port;
  int control_port;
  char *api_path;
  char *cert_path;
  char *key_path;
  double timeout; /* seconds */
  gboolean json;
} ProbeOptions;

void probe_options_init (ProbeOptions *options);
void probe_options_clear (ProbeOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ProbeOptions, probe_options_clear)

/*
 * Parses @argv with the common options and @own (may be NULL). @summary and @description frame the
 * -h text, which ends the process with status 0. FALSE when the arguments cannot be used; that was
 * printed.
 */
gboolean probe_options_parse (ProbeOptions *options, const char *command, const char *summary,
    const char *description, const GOptionEntry *own, int *argc, char ***argv);

/* The target that the options describe; its strings belong to @options. */
void probe_options_get_target (const ProbeOptions *options, ProbeTarget *target);

/*
 * The client that --cert and --key describe. When they are not given: NULL without error. NULL with
 * @error set when they cannot be used.
 */
ProbeTls *probe_options_get_client (const ProbeOptions *options, GError **error);

/* Prints "wolf-probe COMMAND: message" and a hint at -h; returns PROBE_EXIT_USAGE. */
int probe_usage_error (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);
