/* SPDX-License-Identifier: MIT */
/*
 * freeze.h: one thread of the server stands still, all others go on, as if it were in a call that
 * does not return. By ptrace, so that the server is an unmodified one.
 */
#pragma once

#include "runner.h"

G_BEGIN_DECLS

typedef struct Freeze Freeze;

/* Whether the thread stands where it should; asked before each of its system calls, of that
 * number. */
typedef gboolean (*FreezeHere) (Runner *runner, glong call, gpointer data);

/* The first thread of the server with that name; 0: there is none. */
pid_t freeze_find (const Runner *runner, const gchar *name);
/* Freezes a thread at its first system call for which here() says so or, with NULL, wherever it is.
 * `here` is asked in a thread of the freeze. NULL: `tid` is 0. */
Freeze *freeze_begin (Runner *runner, pid_t tid, FreezeHere here, gpointer data);
/* Whether it stands; waits at most `within_ms`. */
gboolean freeze_stands (Freeze *freeze, gint64 within_ms);
/* Lets it go. Accepts NULL. */
void freeze_end (Freeze *freeze);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Freeze, freeze_end)

G_END_DECLS
