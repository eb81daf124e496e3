/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/beat.h: loops that must go round
 * ===========================================
 *
 * A scope (watch.h) shows an operation that takes too long. A loop that is stuck outside of all
 * scopes shows nothing, and so it has a *beat*:
 *
 *   an event loop is asked: the scanner posts a ping, and the loop answers with wg_beat_now(). The
 *                 time that the ping waits is the loop's age. At most one ping waits.
 *   a plain loop  calls wg_beat_now() each time that it goes round. Its age is the time since.
 *
 * Levels, log lines and lateness are those of watch.h. A loop whose thread is in a scope gives no
 * line of its own: the scope's says more.
 *
 * Ping:      the post function is called by the scanner, twice a second. It must neither block nor
 *            allocate: set a flag and write to an eventfd, or g_main_context_wakeup().
 * Idle:      a loop that may stand still, because it is not run or waits for work, says so by its
 *            `where` function, which the scanner asks when the loop is late.
 * Threads:   any, for every function. wg_beat_now() is for the loop's.
 * Blocking:  new and free wait for the scanner's post and where functions, which do not block.
 *            wg_beat_now() takes no lock and allocates nothing.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct WgBeat WgBeat;

#define WG_BEATS 512
#define WG_BEAT_PING_MS 500

/* A stream's loop serves one session, every other kind serves everybody. */
typedef enum { WG_BEAT_LOOP, WG_BEAT_STREAM } WgBeatKind;

typedef struct {
  WgBeatKind kind;
  const char *name;             /* copied, cut after 47 bytes */
  void (*post) (gpointer data); /* NULL: a plain loop */
  const char *(*where) (
      gpointer data); /* static text; NULL: it waits for work, and is not late. The
                                         function may be NULL: it is never idle */
  gpointer data;
  guint allowed_ms; /* that it may take before its time begins to count */
} WgBeatSpec;

/* NULL: there are WG_BEATS. Every function takes NULL and does nothing. */
WgBeat *wg_beat_new (const WgBeatSpec *spec);

/* A thread that runs `context` for ever or, when `loop` is not NULL, whenever that is running. Both
 * must outlive the beat, and nobody may run the context when it is freed. */
WgBeat *wg_beat_new_for_context (const char *name, GMainContext *context, GMainLoop *loop);

/* After this neither function is called, nor running. */
void wg_beat_free (WgBeat *beat);

/* The loop goes round: by its thread. */
void wg_beat_now (WgBeat *beat);

G_END_DECLS
