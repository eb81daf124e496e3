/* SPDX-License-Identifier: MIT
 *
 * tls: as whom we are towards a TLS server, and the handshake.
 *
 * A ProbeTls holds a client's certificate (or none) and makes connections with it. It is immutable
 * after it was made, so any number of threads may use one. The server's certificate is not
 * verified: Wolf's is self-signed, and this program asks whether a server answers, not who it is.
 */
#pragma once

#include "conn.h"

#include <glib.h>
#include <openssl/ssl.h>

typedef struct _ProbeTls ProbeTls;

/* Which versions of TLS a handshake may offer. */
typedef enum {
  PROBE_TLS_ANY,
  PROBE_TLS_1_2,
  PROBE_TLS_1_3,
} ProbeTlsVersion;

/* A client without certificate. Never NULL. */
ProbeTls *probe_tls_new_anonymous (void);

/* A client with the certificate and key in two PEM files; NULL with PROBE_ERROR_USAGE. */
ProbeTls *probe_tls_new_from_files (const char *cert_path, const char *key_path, GError **error);

/* A client with a certificate that nobody has seen before; NULL with @error set. Takes some 100 ms
 * of CPU. */
ProbeTls *probe_tls_new_stranger (GError **error);

/* Accepts NULL. */
void probe_tls_free (ProbeTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeTls, probe_tls_free)

/* A fresh client-side SSL object, for callers that drive the handshake themselves. The caller frees
 * it. */
SSL *probe_tls_new_ssl (ProbeTls *tls, ProbeTlsVersion version);

/*
 * Performs the handshake on @conn until its deadline. FALSE with @error set: PROBE_ERROR_ALERT when
 * the server answered with an alert, PROBE_ERROR_TIMEOUT when it said nothing.
 */
gboolean probe_tls_handshake (ProbeTls *tls, ProbeConn *conn, GError **error);
