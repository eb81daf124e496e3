/* SPDX-License-Identifier: MIT */
/* runner-options.h: what the command line says, for all scenarios of a run. */
#pragma once

#include "result.h" /* verify/report/result */
#include "server.h"
#include "switches.h"

G_BEGIN_DECLS

struct RunnerOptions {
  const Server *server;
  gchar *binary, *interpipe, *probe, *plugins;
  gchar *side; /* "before" or "after" */
  gchar **lab_argv;
  const Switch *without;
  gchar *label, *commit, *only, *out, *scratch;
  gint jobs;
  gboolean append, json, long_run, keep, plugin_after;
  ResultHead head;
};

G_END_DECLS
