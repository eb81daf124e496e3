/* SPDX-License-Identifier: MIT */
/* log.h: the log, which is standard error. */
#pragma once

#include <glib.h>

/* One line. Any thread. Before lab_log_begin() it waits until the line is written; afterwards it
 * waits for nobody: a line for which there is no room is dropped and counted. */
void lab_log (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
/* From now on a thread of the log's own writes. Once. */
void lab_log_begin (void);
/* Waits at most a second for what has been said to be written. */
void lab_log_flush (void);
