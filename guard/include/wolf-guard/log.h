/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/log.h: the one way out for everything that guard has to say
 * ======================================================================
 *
 * The host installs one function; until it does, lines go to stderr. guard never logs while it
 * holds a lock of its own, so the function may take the host's locks. It may be called from any
 * thread, GStreamer's streaming threads included, from several at once, and should not block for
 * long: whoever logs waits for it. That thread may be in its thread-specific destructors (thread.h
 * reports from there), where C++ has destroyed its thread_local objects already.
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

/* One line, without a newline (those in the arguments become spaces); `line` starts with "[GUARD] "
 * and lives until the call returns. */
typedef void (*WgLogFunc) (WgLogLevel level, const char *line);

/* Install `func`; NULL goes back to stderr. Any thread; blocks on nothing. */
void wg_log_set_func (WgLogFunc func);

/* Format and hand over one line. Any thread, with no guard lock held. Keeps errno, and is no
 * cancellation point, whatever the function does. */
void wg_log (WgLogLevel level, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
