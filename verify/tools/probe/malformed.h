/* SPDX-License-Identifier: MIT
 *
 * malformed: messages that no server should take, and what it does with each.
 *
 * Each goes over a connection of its own to one of the server's doors; then the sending side is
 * shut down, so that a server that waits for more knows that none will come. What counts is only
 * that the server ends it: by an answer, by closing, by a reset. That it still serves others is
 * asked apart.
 */
#pragma once

#include "exchange.h"
#include "tls.h"

#include <glib.h>

/* A session is no port: it goes through all of them. */
typedef enum {
  PROBE_DOOR_HTTPS,
  PROBE_DOOR_HTTP,
  PROBE_DOOR_API,
  PROBE_DOOR_RTSP,
  PROBE_DOOR_SESSION,
  PROBE_DOOR_CONTROL,
} ProbeDoor;
#define PROBE_DOORS 6

/* Static. */
const char *probe_door_name (ProbeDoor door);

typedef enum {
  PROBE_MALFORMED_ANSWERED,  /* some bytes came */
  PROBE_MALFORMED_CLOSED,    /* none, and the connection was ended */
  PROBE_MALFORMED_SILENT,    /* neither within the target's timeout */
  PROBE_MALFORMED_NOWHERE,   /* there was no connection to send it over */
  PROBE_MALFORMED_SWALLOWED, /* it took a body of many MiB to its end */
} ProbeMalformedEnd;
#define PROBE_MALFORMED_ENDS 5

/* Static. */
const char *probe_malformed_end_name (ProbeMalformedEnd end);

/* The least that one has to be for sending the message. */
typedef enum {
  PROBE_MALFORMED_STRANGER, /* anybody who reaches the port */
  PROBE_MALFORMED_ADDRESS,  /* has the address of a client that streams */
  PROBE_MALFORMED_CLIENT,   /* a paired client */
  PROBE_MALFORMED_API,      /* may open the API's socket */
} ProbeMalformedClass;

/* Static. */
const char *probe_malformed_class_name (ProbeMalformedClass class);

/* How many messages there are for a door. */
guint probe_malformed_count (ProbeDoor door);
/* Its name; static. */
const char *probe_malformed_name (ProbeDoor door, guint index);
/* Its number, which does not change when messages are added. */
guint probe_malformed_number (ProbeDoor door, guint index);
ProbeMalformedClass probe_malformed_class (ProbeDoor door, guint index);

/* Whom they go to; strings and objects belong to the caller. */
typedef struct {
  const ProbeTarget *target;
  ProbeTls *client; /* for HTTPS and sessions */
  const char *app;  /* the id of an app; NULL: messages that would have one have "1" */
} ProbeMalformed;

/* What came back. */
typedef struct {
  char *line;        /* the first of an answer, or ""; the caller frees it */
  gboolean asked;    /* whether acceptance of this message shows */
  gboolean accepted; /* and whether it was accepted */
} ProbeMalformedAnswer;

/* Sends one. Blocks for the target's timeout at most; a session does so in each of its steps, and a
 * message to the control port looks at the stream for up to 20 s. */
ProbeMalformedEnd probe_malformed_send (
    const ProbeMalformed *to, ProbeDoor door, guint index, ProbeMalformedAnswer *answer);
