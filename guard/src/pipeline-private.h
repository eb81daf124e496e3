/* SPDX-License-Identifier: MIT
 *
 * What the files of the pipeline share. Calls go down this list only:
 *
 *   pipeline-start.c     makes a pipeline and its worker
 *   pipeline-worker.c    the worker: parses, runs commands, goes to NULL
 *   pipeline-streams.c   what streaming threads do
 *   pipeline-end.c       EOS, the wait for it, and the owner's wait for the worker
 *   pipeline-events.c    upstream events for the worker
 *   pipeline-commands.c  what others post to the worker
 *   pipeline-inspect.c   what the health report says of pipelines
 *   shutdown.c           the list of all pipelines and the deadline of the process
 *   pipeline.c           the object: references, getters, its description
 *
 * References: `refs` counts guard's own (the worker, each EOS helper, the quarantine, the
 * GstPipeline's qdata and bus handler) and one for all users together. `users` counts those of the
 * public API. The last user lets go of `for_owner` and has the worker end the pipeline, if nobody
 * asked for it yet.
 *
 * Invariants:
 *  - `stats.ending` and `to_null` are set once and never cleared; no command starts after `ending`;
 *  - one thread ends the pipeline, the one that set `ending`: the worker when it is in no call,
 *    else the owner;
 *  - `done` is set once, by the worker, after its last call into GStreamer;
 *  - no wait is without a deadline but the worker's for work.
 */
#pragma once

#include "loop-private.h"
#include "sync.h"

#include <stdatomic.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/pipeline.h>

typedef struct {
  const char *what;
  WgPipelineFunc func;
  gpointer data;
  GDestroyNotify notify;
  gboolean plays; /* it is the one that goes to PLAYING */
  gboolean vital; /* taken when ordinary ones are refused */
  /* Merge the newer one's data into those of one that waits and has the same function here. TRUE:
   * done. Called under the mutex; NULL: never merged. */
  gboolean (*merge) (gpointer waiting, gpointer newer);
} WgCommand;

struct WgPipeline {
  atomic_uint refs;
  char *name, *session, *description;
  WgLoop *loop;
  sem_t *work; /* the loop's; posted for the worker after each change that it has to look at */

  /* What follows belongs to `mutex`. Taken with it held are only the quarantine's and that of the
   * list of all pipelines. */
  pthread_mutex_t mutex;
  pthread_cond_t changed; /* broadcast when something changed that somebody awaits */
  guint users;
  GstElement *element;   /* the worker's reference; it alone makes calls that can block */
  GstElement *for_owner; /* so that the owner has one until wg_pipeline_end() */
  GstBus *bus;
  GError *parse_error;
  gboolean parsed; /* successfully or not */
  GSource *wake;   /* tells the owner; made and destroyed by the worker */
  gboolean woken;  /* it has been dispatched; the owner's */
  gboolean playing /* PLAYING has begun */, played /* and returned */;
  gboolean end_asked; /* by the owner, or for lack of one */
  gboolean draining;  /* one thread has taken that upon itself */
  gboolean owner_waits;
  gboolean to_null, done, quarantined;
  gboolean nothing_to_drain; /* the helper found no pad to send EOS to */
  GQueue commands;           /* of WgCommand */
  WgPipelineStats stats;
  gint64 asked, began; /* when the end was asked for, and when it began; 0: not yet */
  const char *call;    /* what the worker is in, NULL: nothing */
  gint64 call_since;
  GstBusSyncHandler host_handler;
  gpointer host_data;
  GDestroyNotify host_notify;
};

/* --- pipeline.c */

WgPipeline *wg_pipeline_alloc (
    const char *name, const char *session, const char *description, WgLoop *loop);
/* guard's own references. */
WgPipeline *wg_pipeline_hold (WgPipeline *pipeline);
void wg_pipeline_release (WgPipeline *pipeline);
GQuark wg_pipeline_quark (void); /* of the GstPipeline's qdata */
void wg_command_free (WgCommand *command);
/* "'NAME' of session S: in CALL for T s"; free with g_free(). Copies under the mutex. */
char *wg_pipeline_describe (gpointer pipeline);
/* What `iterator` goes over, each once, with references; frees the iterator. Complete before
 * anything is done with it, because a bin that changes meanwhile makes it start again. */
GPtrArray *wg_collect (GstIterator *iterator);

/* --- shutdown.c */

typedef enum { WG_DEADLINE_EOS, WG_DEADLINE_NULL } WgDeadline;

/* FALSE: the process is shutting down. */
gboolean wg_shutdown_list (WgPipeline *pipeline);
void wg_shutdown_unlist (WgPipeline *pipeline);
/* Call look() for each pipeline, under the list's mutex: pipelines stay alive for the call, which
 * may try a pipeline's mutex and not wait for it. FALSE: the mutex was not free until `until`. */
gboolean wg_shutdown_each (
    void (*look) (WgPipeline *pipeline, gpointer data), gpointer data, gint64 until);
/* `at`, or the shutdown's own deadline if that comes first. */
gint64 wg_shutdown_shorten (WgDeadline which, gint64 at);

/* --- pipeline-streams.c */

/* A STREAM_STATUS message. Posted by the streaming thread itself, first and last. A task that is
 * stopped before its thread has begun posts LEAVE only (gsttask.c). */
void wg_stream_status (WgPipeline *pipeline, GstMessage *message);

/* --- pipeline-end.c */

/* End the streams, if no other thread does: refuse commands, EOS, wait for it, allow NULL. Else
 * wait until the other one has. */
void wg_pipeline_end_streams (WgPipeline *pipeline);

/* --- pipeline-commands.c */

/* Copies `command`. FALSE: refused, and its data freed. */
gboolean wg_pipeline_post_command (WgPipeline *pipeline, const WgCommand *command);

/* --- pipeline-worker.c */

/* The worker's thread; takes over a reference. */
void *wg_pipeline_worker (void *pipeline);
