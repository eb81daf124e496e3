/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/child.h: a child process inherits its standard streams and nothing else
 * ==================================================================================
 *
 * A socket that a child inherits stays open for as long as the child lives: the peer's FIN leaves
 * it in CLOSE_WAIT, and a listener's port stays taken. Boost.Asio opens its sockets without
 * close-on-exec, and any library may open one between the fork and what the parent did about it. So
 * the matter is settled in the child, between fork and exec.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Mark every descriptor from `first` on close-on-exec. They are not closed, because one of them
 * reports a failing exec to the parent.
 *
 * Call it in the child, between fork and exec. It is async-signal-safe: it makes system calls only
 * (close_range, or on kernels before 5.11 a walk over /proc/self/fd). It does not block. Returns 0,
 * or an errno value when neither way worked; the child then inherits what it would have without the
 * call, and may exec all the same. */
int wg_child_keep_only_below (int first);

G_END_DECLS
