/* SPDX-License-Identifier: MIT
 *
 * malformed: messages that no server should take, and what it does with each.
 *
 * Each goes over a connection of its own to one of the server's doors; then the sending side is shut
 * down, so that a server that waits for more knows that none will come. What counts is only that the
 * server ends it: by an answer, by closing, by a reset. That it still serves others is asked apart.
 */
#pragma once

#include "exchange.h"
#include "tls.h"

#include <glib.h>

/* A session is no port: it goes through all of them, and says nonsense about the stream that it wants. */
typedef enum {
  PROBE_DOOR_HTTPS,
  PROBE_DOOR_HTTP,
  PROBE_DOOR_API,
  PROBE_DOOR_RTSP,
  PROBE_DOOR_SESSION,
} ProbeDoor;
#define PROBE_DOORS 5

/* Static. */
const char *probe_door_name (ProbeDoor door);

typedef enum {
  PROBE_MALFORMED_ANSWERED, /* some bytes came */
  PROBE_MALFORMED_CLOSED,   /* none, and the connection was ended */
  PROBE_MALFORMED_SILENT,   /* neither within the target's timeout */
  PROBE_MALFORMED_NOWHERE,  /* there was no connection to send it over */
} ProbeMalformedEnd;

/* Static. */
const char *probe_malformed_end_name (ProbeMalformedEnd end);

/* How many messages there are for a door. */
guint probe_malformed_count (ProbeDoor door);
/* Its name; static. */
const char *probe_malformed_name (ProbeDoor door, guint index);

/* Whom they go to; strings and objects belong to the caller. */
typedef struct {
  const ProbeTarget *target;
  ProbeTls *client; /* for HTTPS and sessions */
  const char *app;  /* the id of an app; NULL: messages that would have one have "1" */
} ProbeMalformed;

/* Sends one. Blocks for the target's timeout at most (a session: for that in each of its steps); fills in the first
 * line of an answer, or "" (the caller frees it). */
ProbeMalformedEnd probe_malformed_send (
    const ProbeMalformed *to, ProbeDoor door, guint index, char **first_line);
