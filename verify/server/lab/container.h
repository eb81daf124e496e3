/* SPDX-License-Identifier: MIT
 *
 * container.h: a session's program in a container.
 *
 * With --containers=bus the handler of STOP asks the engine to stop it and waits for the answer, in
 * the thread that fires the event. With --containers=runner the thread that runs the program does
 * that.
 */
#pragma once

#include "sessions.h"

/* Starts it, waits for its end; a stop of the session ends it. In the calling thread. */
void lab_container_run (Lab *lab, LabSession *session);
/* Asks the engine, if there is one, for a sound server, as Wolf does at its start. It has none. */
void lab_container_ask_for_sound (const Lab *lab);
/* Waits until none runs. Returns how many still do. */
guint lab_container_wait (guint within_ms);
