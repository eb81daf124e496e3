/* SPDX-License-Identifier: MIT
 *
 * handover.h: samples from a producer's appsink to the appsrc of each consumer that listens to its
 * name.
 *
 * What gst-interpipe does for Wolf, with less: names may be there twice (a client's producer that
 * is stuck, and its next one), there are no events, and a consumer's queue is limited and leaky.
 * The lock is held to copy a list, never while a sample is pushed.
 *
 * Threads: every function, any thread.
 */
#pragma once

#include "lab.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>

G_BEGIN_DECLS

LabHandover *lab_handover_new (void);

/* From now on, for as long as it lives, `sink` gives what it gets to those who listen to its name.
 */
void lab_handover_offer (LabHandover *handover, GstAppSink *sink);

/* `src` listens to `name` until lab_handover_leave(). */
void lab_handover_listen (LabHandover *handover, GstAppSrc *src, const gchar *name);
void lab_handover_leave (LabHandover *handover, GstAppSrc *src);

G_END_DECLS
