/* SPDX-License-Identifier: MIT
 *
 * control: a client of the control port, which speaks ENet.
 *
 * One connection and one thread; every call blocks until its deadline at most. A packet is a
 * header of 24 bytes and a ciphertext: type 1, the length of what follows, a sequence number, the
 * tag of AES-128-GCM. A plain text is a type, a length and data. Numbers are little endian.
 */
#pragma once

#include <glib.h>

#define PROBE_CONTROL_KEY 16
#define PROBE_CONTROL_HEADER 24

typedef struct _ProbeControl ProbeControl;

typedef enum {
  PROBE_CONTROL_TERMINATION = 0x0109, /* the server pauses the session */
  PROBE_CONTROL_PING = 0x0200,
  PROBE_CONTROL_INPUT = 0x0206,
} ProbeControlType;

/* Connects; @data is what SETUP said, or 0. NULL: no connection before @deadline. */
ProbeControl *probe_control_new (const char *host, guint16 port, guint32 data, gint64 deadline);
/* Disconnects without waiting for an answer. Accepts NULL. */
void probe_control_free (ProbeControl *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeControl, probe_control_free)

/* An encrypted packet. @key has PROBE_CONTROL_KEY bytes. The caller frees it. */
GByteArray *probe_control_packet (
    const guint8 *key, guint32 sequence, guint16 type, const void *data, gsize size);
/* The same of a whole plain text. */
GByteArray *probe_control_encrypt (
    const guint8 *key, guint32 sequence, const void *plain, gsize size);

/* Queues one message, reliable. */
void probe_control_send (ProbeControl *control, const void *bytes, gsize size);

typedef enum {
  PROBE_CONTROL_SERVED, /* the server has taken all messages, and came back for one more */
  PROBE_CONTROL_CLOSED,
  PROBE_CONTROL_SILENT,
} ProbeControlEnd;
/* Sends what is queued, then @last, and waits until it is acknowledged. */
ProbeControlEnd probe_control_finish (ProbeControl *control, GByteArray *last, gint64 deadline);
