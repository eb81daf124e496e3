/* SPDX-License-Identifier: MIT */
/*
 * checks.h: what the tests of faults share: orders to the tracer in this very process, and calls
 * into GStreamer whose return is waited for with a timeout.
 */
#pragma once

#include <gst/gst.h>

/* How long a healthy call may take; a return within it counts as "at once". Generous: busy
 * machines. */
#define PROMPT_MS 3000
/* How long a call is watched before it counts as blocked. */
#define BLOCKED_MS 300

typedef void (*CallFn) (gpointer data);

/* A call in a thread of its own. Never freed: the thread may be stuck in it for good. */
typedef struct Call Call;

Call *call_start (CallFn fn, gpointer data);
gboolean call_returns (Call *call, gint64 within_ms);

/* The calls that a stop can consist of; each takes the pipeline or element. */
void call_eos (gpointer pipeline);
void call_null (gpointer pipeline);
void call_play (gpointer pipeline);
void call_eos_to_peers (gpointer pipeline);

/* Sends an order to the tracer in this process, as a client of its own; the answer must be "ok".
 * The caller frees it. */
gchar *order (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* The same, and the answer says that what was waited for came to be. */
gboolean order_reached (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* A pipeline that plays, from a description; asserts that it does. */
GstElement *run_pipeline (const gchar *description);

/* Waits for a message of this type on the pipeline's bus. */
gboolean bus_has (GstElement *pipeline, GstMessageType type, gint64 within_ms);

/* Ends a healthy pipeline and drops it. */
void end (GstElement *pipeline);
