/* SPDX-License-Identifier: MIT
 *
 * abuse: a crowd of abusive clients of one kind.
 *
 * All clients of a crowd act at the same time, in one thread, with non-blocking sockets: a server
 * that is stuck must see all of them, not the first one for a whole timeout. A client that gets no
 * further (the server does not answer its handshake) leaves in its kind's way all the same when the
 * deadline has passed.
 *
 * The crowd's clients go through: connect -> opening -> sending -> left, or staying. A crowd
 * belongs to one thread.
 */
#pragma once

#include "abuse-kinds.h"
#include "exchange.h"
#include "tls.h"

#include <glib.h>

typedef struct _ProbeCrowd ProbeCrowd;

/* How the clients fared by the time when all of them had done what their kind does. */
typedef struct {
  guint clients;
  guint connected;  /* the kernel finished their TCP connect */
  guint opened;     /* their opening (the handshake, where there is one) was finished */
  guint refused;    /* the server ended it first: alert, close or reset (no certificate, for one) */
  guint unfinished; /* got no further until the deadline */
} ProbeCrowdOutcome;

/* @with_cert and @anonymous outlive the crowd. Connects nobody yet. Never NULL. */
ProbeCrowd *probe_crowd_new (const ProbeTarget *target, const ProbeAbuseKind *kind, guint count,
    ProbeTls *with_cert, ProbeTls *anonymous);

/* All sockets are closed. Accepts NULL. */
void probe_crowd_free (ProbeCrowd *crowd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeCrowd, probe_crowd_free)

/*
 * Lets all clients act until each has left or reached the state in which it stays; at most the
 * target's timeout. FALSE with @error set if sockets could not be had.
 */
gboolean probe_crowd_act (ProbeCrowd *crowd, ProbeCrowdOutcome *outcome, GError **error);

/* Lets the slow ones go on with being slow until @deadline, and waits for it. */
void probe_crowd_stay_until (ProbeCrowd *crowd, gint64 deadline);
