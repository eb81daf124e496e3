/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/health.h: how the process is, for whoever asks at a unix socket
 * ==========================================================================
 *
 * A thread of guard's own listens at a unix socket of mode 0600. It sends one JSON document to
 * everybody that connects, and closes. docs/health.md has the document's fields.
 *
 *   wg_health_start ("/run/wolf/health.sock", "wolf 2024.1");
 *   $ wolf-probe health --health /run/wolf/health.sock
 *
 * Alive:     the thread waits for no other one. It reads what threads do from their slots (watch.h)
 *            and copies guard's books under mutexes that are held for list operations; one that is
 *            not free within 30 ms is named in the document, which comes all the same. It never
 *            logs, never calls into GStreamer or the host, and keeps one descriptor in reserve.
 * Readers:   one that does not take its document within 1 s is dropped. Beyond 16 that are slow
 *            the one that has waited longest goes. What a reader sends is not read.
 * Size:      at most 64 threads, 64 loops, 64 pipelines, 32 queues and 32 tasks; the rest is
 *            counted.
 * Secrets:   names, numbers and static texts only: no keys, no PINs, no addresses.
 * Settings:  environment: WOLF_GUARD_HEALTH is the socket's path, or "off".
 * Threads:   any, for every function. They may log.
 */
#pragma once

#include <wolf-guard/lock-inspect.h>

G_BEGIN_DECLS

#define WG_HEALTH_SCHEMA 1

/* Listen at WOLF_GUARD_HEALTH, or at `path` when that is not set; NULL: not at all. `version` names
 * the program in the document; static text. Starts the scanner of watch.h as well. A socket that a
 * former process left there is replaced, anything else is not. The second call does nothing. FALSE:
 * it does not listen, the log says why, and a later call tries again. */
gboolean wg_health_start (const char *path, const char *version);

/* Show the numbers of locks under that name, which must be static text. Each copy of guard in the
 * process has its own. At most 4; FALSE: there is no more room. `get` must not block. */
gboolean wg_health_add_locks (const char *name, void (*get) (WgLockCounts *counts));

G_END_DECLS
