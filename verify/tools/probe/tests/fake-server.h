/* SPDX-License-Identifier: MIT
 *
 * fake-server: small servers on loopback with one fault each, inside the test's process.
 *
 * Each has one thread, listens on a port of the kernel's choice (or a unix socket) and serves one
 * connection after the other. fake_server_free() wakes the thread and joins it. A connection that
 * says nothing is given up after 2 s.
 */
#pragma once

#include <glib.h>

typedef enum {
  FAKE_HTTP,         /* answers HTTP requests in plain text */
  FAKE_TLS,          /* shakes hands, answers HTTP requests */
  FAKE_TLS12_CERT,   /* TLS 1.2, refuses clients without certificate */
  FAKE_TLS_LEAK,     /* like FAKE_TLS, but never closes its end: the planted fault */
  FAKE_ACCEPT_ONLY,  /* accepts TCP, says nothing */
  FAKE_ACCEPT_CLOSE, /* accepts TCP, reads, closes */
  FAKE_ACCEPT_RESET, /* accepts TCP, resets */
  FAKE_NEVER_ACCEPT, /* listens, nothing else */
  FAKE_RTSP,         /* answers RTSP */
} FakeKind;

typedef struct _FakeServer FakeServer;

/* @status: of its HTTP or RTSP answers. Aborts the test if it cannot be set up. */
FakeServer *fake_server_new (FakeKind kind, int status);

/* The same on a unix socket at @path. */
FakeServer *fake_server_new_unix (FakeKind kind, int status, const char *path);

guint16 fake_server_port (const FakeServer *server);
void fake_server_free (FakeServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeServer, fake_server_free)

/* A port on which nobody listens. */
guint16 fake_closed_port (void);
