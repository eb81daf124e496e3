/* SPDX-License-Identifier: MIT
 *
 * life.h: the life of a session: which threads an event starts.
 *
 *   SESSION  ─▶ thread "video producer" ─ display is up ─▶ thread "runner" ─ its end ─▶ STOP
 *            ─▶ thread "audio producer"
 *   STREAM   ─▶ thread "video": waits for a ping, then streams
 *            ─▶ thread "audio": likewise
 *   STOP     unlists the session; the pipelines and the runner have handlers of their own
 */
#pragma once

#include "lab.h"

/* Registers the handlers, for good. */
void lab_life_begin (Lab *lab);
