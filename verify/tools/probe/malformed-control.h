/* SPDX-License-Identifier: MIT
 *
 * malformed-control: messages to the control port.
 *
 * Each belongs to a whole session: launched, announced, streaming, then the message, then
 * cancelled. Some ask the server to pause the session: whether it did shows in the stream, and
 * says whether it accepted the message.
 */
#pragma once

#include "malformed.h"

guint probe_malformed_control_count (void);
const char *probe_malformed_control_name (guint index);
ProbeMalformedClass probe_malformed_control_class (guint index);
ProbeMalformedEnd probe_malformed_control_send (
    const ProbeMalformed *to, guint index, ProbeMalformedAnswer *answer);
