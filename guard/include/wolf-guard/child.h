/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/child.h: a child process inherits its standard streams and nothing else
 * ==================================================================================
 *
 * A socket that a child inherits stays open for as long as the child lives: the peer's FIN leaves it in
 * CLOSE_WAIT, a listener's port stays taken. Boost.Asio opens its sockets without close-on-exec, and
 * any library may open one between the fork and whatever the parent did about it, so the only
 * place to settle the matter is the child, between fork and exec.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In the child, between fork and exec: mark every descriptor from `first` on close-on-exec. Marked
 * and not closed, since the one that reports a failing exec to the parent has to live until then.
 * Async-signal-safe: system calls only (close_range; on kernels before 5.11 a walk over
 * /proc/self/fd with getdents64). Returns 0, or an errno value when neither way worked; the child may
 * exec all the same, it then inherits what it would have without the call. */
int wg_child_keep_only_below (int first);

G_END_DECLS
