/* SPDX-License-Identifier: MIT
 *
 * runner.h: the program of a session, here `sleep`, or a container (container.h).
 */
#pragma once

#include "sessions.h"

/* Starts it in a process group of its own and waits for its end; a stop of the session kills it. In
 * the calling thread. With --inherit=yes it gets every descriptor that has no close-on-exec. */
void lab_runner_run (Lab *lab, LabSession *session);
