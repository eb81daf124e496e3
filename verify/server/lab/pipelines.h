/* SPDX-License-Identifier: MIT
 *
 * pipelines.h: a thread runs a pipeline until its session stops: before the series, and after it.
 *
 * With --stop=eos the thread makes every call into GStreamer itself, and a stop sends EOS into the
 * pipeline from the thread that fires the event. With --stop=guard a worker makes them
 * (wolf-guard/pipeline.h), and a stop is wg_loop_stop().
 */
#pragma once

#include "sessions.h"

G_BEGIN_DECLS

typedef struct LabPipeline LabPipeline;

/* Called when it is parsed, before it plays, in the thread that runs it: the time to look for
 * elements, to connect to the bus and to register handlers. `element` is borrowed. What callbacks
 * point to must belong to the pipeline, which may outlive this thread. */
typedef void (*LabPipelineReady) (LabPipeline *pipeline, GstElement *element, gpointer data);

/* Parses, plays and runs it. Returns when it has ended, or guard has put it aside. `name` says what
 * it is, in log lines. */
void lab_pipeline_run (Lab *lab, const gchar *name, LabSession *session, const gchar *description,
    LabPipelineReady ready, gpointer data);

/* Has events of `type` that name the session stop the pipeline. From within LabPipelineReady only.
 */
void lab_pipeline_stop_on (LabPipeline *pipeline, LabEventType type);

G_END_DECLS
