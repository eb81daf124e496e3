/* SPDX-License-Identifier: MIT
 *
 * input.h: what a client does with its mouse, on its way to the compositor.
 */
#pragma once

#include "sessions.h"

/* `packet` is Moonlight's, in hexadecimal digits. Relative mouse moves and buttons go to the
 * session's display; there is no other device in the lab. FALSE: it is no packet.
 *
 * With --input=element it goes there at once, and the call waits for the element's STATE_LOCK. With
 * pad guard's worker takes it, and the call waits for nothing. */
gboolean lab_input_take (const Lab *lab, LabSession *session, const gchar *packet);
