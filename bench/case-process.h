/* SPDX-License-Identifier: MIT
 *
 * case-process.h: one measurement in a process of its own, bench-interpipe-case, which can crash
 * or hang without taking the others along.
 *
 * Threads: one. Blocks until the process has ended, or bound_ms is over; then it is killed.
 */
#pragma once

#include <glib.h>

typedef struct {
  const char *runner;      /* the program */
  const char *plugin;      /* its first argument: a plugin's file, or what stands for one */
  const char *path;        /* GST_PLUGIN_PATH, a folder */
  const char *registry;    /* GST_REGISTRY, a file */
  const char *const *args; /* the case's, up to NULL; at most five */
  int ms;                  /* the last argument: how long it measures */
  int bound_ms;
} CaseProcess;

/* Appends what it printed to `out`. FALSE if it was late, ended by a signal or by a status other
 * than 0; why is on stderr. */
gboolean case_process_run (const CaseProcess *process, GString *out);
