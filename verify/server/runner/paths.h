/* SPDX-License-Identifier: MIT */
/* paths.h: where the files of a runner are. All paths are newly allocated. */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

/* In a server's folder. */
#define SERVER_LOG "server.log"
#define SERVER_STDOUT "server.out" /* only of a server that says by a line that it is ready */

/* Where a server looks for a sound server; as a rule there is none. */
#define SOUND_SOCKET "pulse.sock"

/* A path in the runner's folder. */
gchar *runner_path (const Runner *runner, const gchar *name);
/* What the log says so far; NULL if there is none. */
gchar *runner_log (const Runner *runner);
/* Whether that text comes to be in it. */
gboolean runner_log_says (const Runner *runner, const gchar *text, gint64 within_ms);
/* "client.crt" or "client.key" of the client with that number. */
gchar *runner_client_file (const RunnerOptions *options, guint number, const gchar *file);

G_END_DECLS
