/* SPDX-License-Identifier: MIT
 *
 * abuse-kinds: the table of abusive clients.
 *
 * A kind is an opening (how far into TLS it goes), what it sends after that, and how it leaves. The
 * table is the whole definition: abuse.c knows the steps, and no kind by name.
 */
#pragma once

#include "tls.h"

#include <glib.h>

typedef enum {
  PROBE_OPEN_TCP,        /* connect, no TLS */
  PROBE_OPEN_HALF_HELLO, /* connect, the first half of a ClientHello */
  PROBE_OPEN_HELLO,      /* connect, a whole ClientHello, wait for the server's first bytes */
  PROBE_OPEN_TLS,        /* connect, handshake */
} ProbeAbuseOpening;

typedef enum {
  PROBE_SEND_NOTHING,
  PROBE_SEND_GARBAGE,      /* bytes that are no TLS */
  PROBE_SEND_HALF_REQUEST, /* the first half of a GET */
  PROBE_SEND_REQUEST,      /* a whole GET */
  PROBE_SEND_PIPELINED,    /* several GETs at once */
  PROBE_SEND_BIG_HEADER,   /* a GET with a header far above any limit */
  PROBE_SEND_SLOW_HEADER,  /* a GET, a byte at a time, never finished */
  PROBE_SEND_SLOW_BODY,    /* a POST's header, then its body a byte at a time, never finished */
} ProbeAbuseSending;

typedef enum {
  PROBE_LEAVE_FIN,    /* FIN, and never RST: what the server still sends is taken and thrown away */
  PROBE_LEAVE_RST,    /* RST */
  PROBE_LEAVE_NOTIFY, /* TLS close_notify, then FIN */
  PROBE_LEAVE_HALF_CLOSE, /* FIN, but stay and read nothing */
  PROBE_LEAVE_NEVER,      /* stay, say nothing (or go on with the slow sending) */
} ProbeAbuseLeaving;

typedef struct {
  const char *name;
  const char *description;
  ProbeAbuseOpening opening;
  ProbeTlsVersion version;
  gboolean without_cert;
  ProbeAbuseSending sending;
  ProbeAbuseLeaving leaving;
} ProbeAbuseKind;

#define PROBE_ABUSE_KINDS 24

extern const ProbeAbuseKind probe_abuse_kinds[PROBE_ABUSE_KINDS];

/* The kind of that name, or NULL. */
const ProbeAbuseKind *probe_abuse_kind_find (const char *name);
