/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/log.h: all log lines of guard go through one function of the host
 * ============================================================================
 *
 * Until the host installs a function, lines go to stderr. guard never logs while it holds a mutex
 * of its own, so the function may take the host's locks.
 *
 * The function is called from any thread, GStreamer's streaming threads included, and from several
 * at once. The logging thread waits for it, so it should not block. A thread may log from its
 * thread-specific destructors (thread.h does): C++ has destroyed its thread_local objects by then.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  WG_LOG_TRACE,
  WG_LOG_DEBUG,
  WG_LOG_INFO,
  WG_LOG_WARNING,
  WG_LOG_ERROR,
} WgLogLevel;

/* One line without a newline; newlines in the arguments become spaces. `line` starts with "[GUARD]
 * " and is valid until the call returns. */
typedef void (*WgLogFunc) (WgLogLevel level, const char *line);

/* Install `func`; NULL goes back to stderr. Any thread. Does not block. */
void wg_log_set_func (WgLogFunc func);

/* Format one line and hand it over. Any thread that holds no mutex of guard's. Blocks as long as
 * the function does. Keeps errno and is no cancellation point. */
void wg_log (WgLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
