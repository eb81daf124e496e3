/* SPDX-License-Identifier: MIT
 *
 * conn: one connection to a server, a stream of bytes with a deadline.
 *
 * A connection goes connect -> (TLS handshake) -> bytes -> end. It is made by probe_conn_open_*(),
 * may be turned into a TLS one by probe_tls_handshake() (tls.h), and ends by probe_conn_free(). Its
 * socket is non-blocking and close-on-exec; every function waits in poll() until the connection's
 * deadline and no longer. A connection belongs to one thread at a time; there is no locking.
 *
 * Errors are of the domain PROBE_ERROR. Their messages say what was tried and what happened,
 * without naming the port: the caller knows it, and puts it in front.
 */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

/* How far an exchange with a server came; the phase of a failed one is the phase that did not end.
 */
typedef enum {
  PROBE_PHASE_CONNECT,   /* TCP (or unix) connect; the kernel answers it, not the server */
  PROBE_PHASE_HANDSHAKE, /* TLS; the first thing that a server has to do itself */
  PROBE_PHASE_REQUEST,   /* handing the request to the kernel */
  PROBE_PHASE_RESPONSE,  /* waiting for the whole answer */
  PROBE_PHASE_DONE,
} ProbePhase;

/* The phase's name as it stands in reports; never NULL, static. */
const char *probe_phase_name (ProbePhase phase);

#define PROBE_ERROR (probe_error_quark ())
GQuark probe_error_quark (void);

typedef enum {
  PROBE_ERROR_TIMEOUT,  /* the deadline passed */
  PROBE_ERROR_REFUSED,  /* nobody listens there */
  PROBE_ERROR_CLOSED,   /* the peer ended the stream in an orderly way, too early */
  PROBE_ERROR_RESET,    /* the peer ended the stream by RST */
  PROBE_ERROR_ALERT,    /* the peer sent a TLS alert: it is alive and does not want us */
  PROBE_ERROR_PROTOCOL, /* the peer sent something else than the protocol asks for */
  PROBE_ERROR_SYSTEM,   /* anything else: errno's text is in the message */
  PROBE_ERROR_USAGE,    /* the caller's input cannot be used: files, addresses */
} ProbeErrorCode;

typedef struct _ProbeConn ProbeConn;

/*
 * Connects to a numeric IPv4 or IPv6 address ("localhost" is read as 127.0.0.1; names are not
 * resolved, since a resolver keeps no deadline). Returns a new connection that the caller frees, or
 * NULL with @error set.
 */
ProbeConn *probe_conn_open_tcp (const char *host, guint16 port, gint64 deadline, GError **error);

/* The same for a unix stream socket. */
ProbeConn *probe_conn_open_unix (const char *path, gint64 deadline, GError **error);

/* Takes over @fd, a connected or connecting non-blocking stream socket. Never fails. */
ProbeConn *probe_conn_new_for_fd (int fd, gint64 deadline);

/* Closes (without TLS close_notify) and frees. Accepts NULL. Does not block. */
void probe_conn_free (ProbeConn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeConn, probe_conn_free)

/* The next exchange over the same connection gets a deadline of its own. */
void probe_conn_set_deadline (ProbeConn *conn, gint64 deadline);
gint64 probe_conn_get_deadline (const ProbeConn *conn);
int probe_conn_get_fd (const ProbeConn *conn);

/* Takes ownership of @ssl (up-ref'd by nobody else); bytes go through it from now on. For tls.c. */
void probe_conn_take_ssl (ProbeConn *conn, SSL *ssl);

/*
 * Reads what is there, up to @size bytes, waiting for the first until the deadline. Returns the
 * count, 0 at the orderly end of the stream, -1 with @error set. A TLS stream that ends without
 * close_notify counts as ended.
 */
gssize probe_conn_read (ProbeConn *conn, void *buffer, gsize size, GError **error);

/* Writes all of @size bytes or fails with @error set. */
gboolean probe_conn_write (ProbeConn *conn, const void *bytes, gsize size, GError **error);

/*
 * Waits until @fd is ready for @events (of poll()) or @deadline passed. TRUE when ready (errors and
 * hang-ups count as ready: the next call on the socket tells); FALSE with PROBE_ERROR_TIMEOUT,
 * saying "no @what in time".
 */
gboolean probe_wait_fd (int fd, short events, gint64 deadline, const char *what, GError **error);

/* Reads @host into @address; FALSE with PROBE_ERROR_USAGE if it is no numeric address. */
struct sockaddr_storage;
gboolean probe_address_parse (const char *host, guint16 port, struct sockaddr_storage *address,
    guint *length, GError **error);

/* Whether @host is an address of the loopback interface. FALSE for what cannot be read, too. */
gboolean probe_address_is_loopback (const char *host);
