/* SPDX-License-Identifier: MIT */
/* log.h: the log, which is standard error. */
#pragma once

#include <glib.h>

/* One line. Any thread. */
void lab_log (const gchar *format, ...) G_GNUC_PRINTF (1, 2);
