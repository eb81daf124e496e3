/* SPDX-License-Identifier: MIT
 *
 * wgstucksrc: a live source of 64-byte buffers, one each 5 ms, that gets stuck on command, deaf to
 * unlock() as a hung compositor's source is, or loses its streaming thread.
 *
 *   hold    boolean (true)   stands at the gates `stuck_start` and `stuck_create`; the gate
 *                            `stuck_init` is passed by all, before there are properties
 *   refuse  boolean (false)  fails to go to PAUSED and says nothing
 *   die     boolean (false)  the streaming thread ends by a bare exit in its second create()
 *   chatty  boolean (false)  posts an application message with each buffer
 */
#pragma once

#include "gate.h"

#include <gst/gst.h>

extern Gate stuck_init, stuck_start, stuck_create;

/* Upstream events that any wgstucksrc has got in its event vmethod, of type CUSTOM_UPSTREAM. */
guint stuck_source_events (void);

void stuck_source_register (void);
