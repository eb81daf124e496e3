/* SPDX-License-Identifier: MIT
 *
 * malformed-session: sessions that ask for a stream that there cannot be, and what the API is told
 * of a session.
 *
 * Each is a whole session: launched, announced, pinged, cancelled. What of it makes no sense is
 * read late, some of it in the threads of its own pipelines.
 */
#pragma once

#include "malformed.h"

guint probe_malformed_session_count (void);
const char *probe_malformed_session_name (guint index);
ProbeMalformedClass probe_malformed_session_class (guint index);
ProbeMalformedEnd probe_malformed_session_send (
    const ProbeMalformed *to, guint index, ProbeMalformedAnswer *answer);
