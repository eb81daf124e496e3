/* SPDX-License-Identifier: MIT
 *
 * A session as a host has them: a thread that owns a pipeline and runs its loop until a stop, an
 * ERROR or an EOS, with a sync handler of the host's. It notes what the tests ask about. What the
 * handler touches belongs to the bus (HostData), as the header of pipeline.h demands.
 */
#pragma once

#include "gate.h"
#include "support.h"

#include <stdatomic.h>
#include <wolf-guard/inspect.h>
#include <wolf-guard/pipeline.h>
#include <wolf-guard/shutdown.h>

typedef struct Session Session;

/* Given to the bus; its memory is really freed by the notify, for the sanitizer to see. */
typedef struct {
  Session *session;
  atomic_uint messages;
} HostData;

/* Called in the owner's thread before PLAYING. */
typedef void (*SessionPrepare) (Session *session, GstElement *element);

/* The session outlives its thread: pipelines in quarantine speak to it for longer. */
struct Session {
  const char *description;
  SessionPrepare prepare;
  gpointer data; /* the test's */
  guint owner_late_ms;
  WgLoop *loop;
  pthread_t thread;

  WgPipeline *pipeline; /* a reference of the session's, until session_free() */
  GError *error;        /* why there is none */
  GstElement *borrowed; /* the GstPipeline, without a reference: valid while not finalized */
  WgPipelineEnd end;
  WgPipelineStats stats; /* as they were right after the end */

  atomic_bool made, playing, ended;
  atomic_uint finalized /* GstPipelines */, data_freed /* HostData */;
  atomic_uint messages; /* that the host's handler was asked about */

  /* The element "sink", by the order of things: 0 means never. */
  atomic_uint clock, eos_at_sink, sink_down;
  atomic_uint eos_count; /* EOS events into "sink" */
};

Session *session_new (const char *description, SessionPrepare prepare, gpointer data);
void session_start (Session *session);
/* Wait for the pipeline to be PLAYING and a buffer at "sink". */
void session_await_playing (Session *session);
void session_stop (Session *session);
/* Let guard's clock run (clock_install()) until the owner's thread is through, and join it. */
void session_expire (Session *session);
/* Wait until the owner's thread is through, and join it. */
void session_join (Session *session);
/* Wait until nothing is left of the pipeline, then free. */
void session_free (Session *session);

/* A pipeline on a loop that the test's thread owns, not playing. */
typedef struct {
  WgLoop *loop;
  WgPipeline *pipeline;
} Idle;

Idle idle_new (const char *description);
void idle_free (Idle *idle);

/* Conditions for assert_comes(). */
gboolean session_made (Session *session);      /* its pipeline is about to be told to play */
gboolean session_ended (Session *session);     /* its owner is free */
gboolean session_drained (Session *session);   /* its EOS was on the bus, and it is ending */
gboolean session_finalized (Session *session); /* GstPipeline and the handler's data are gone */

/* Condition: no pipeline in quarantine. Data unused. */
gboolean quarantine_is_empty (gpointer unused);
