/* SPDX-License-Identifier: MIT */
#include "tls.h"

#include "cert.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

struct _ProbeTls {
  SSL_CTX *context;
};

ProbeTls *
probe_tls_new_anonymous (void)
{
  ProbeTls *tls = g_new0 (ProbeTls, 1);

  tls->context = SSL_CTX_new (TLS_client_method ());
  g_assert (tls->context != NULL);
  SSL_CTX_set_verify (tls->context, SSL_VERIFY_NONE, NULL);
  /* A session that is taken up again skips half of the work that we want to see done. */
  SSL_CTX_set_session_cache_mode (tls->context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode (
      tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return tls;
}

/* OpenSSL says "system lib" of a file that is not there. */
static gboolean
is_readable (const char *path, GError **error)
{
  if (access (path, R_OK) == 0)
    return TRUE;
  g_set_error (error, PROBE_ERROR, PROBE_ERROR_USAGE, "%s: %s", path, g_strerror (errno));
  return FALSE;
}

ProbeTls *
probe_tls_new_from_files (const char *cert_path, const char *key_path, GError **error)
{
  g_autoptr (ProbeTls) tls = probe_tls_new_anonymous ();

  if (!is_readable (cert_path, error) || !is_readable (key_path, error))
    return NULL;
  ERR_clear_error ();
  if (SSL_CTX_use_certificate_chain_file (tls->context, cert_path) != 1) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_USAGE, "cannot use the certificate %s: %s",
        cert_path, ERR_reason_error_string (ERR_peek_last_error ()));
    return NULL;
  }
  if (SSL_CTX_use_PrivateKey_file (tls->context, key_path, SSL_FILETYPE_PEM) != 1) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_USAGE, "cannot use the key %s: %s", key_path,
        ERR_reason_error_string (ERR_peek_last_error ()));
    return NULL;
  }
  return g_steal_pointer (&tls);
}

ProbeTls *
probe_tls_new_stranger (GError **error)
{
  g_autoptr (ProbeTls) tls = probe_tls_new_anonymous ();
  EVP_PKEY *key = NULL;
  X509 *cert = NULL;
  gboolean used;

  if (!probe_cert_generate (&key, &cert, error))
    return NULL;
  used = SSL_CTX_use_certificate (tls->context, cert) == 1
      && SSL_CTX_use_PrivateKey (tls->context, key) == 1;
  EVP_PKEY_free (key);
  X509_free (cert);
  if (!used) {
    g_set_error (error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "OpenSSL refuses our own certificate");
    return NULL;
  }
  return g_steal_pointer (&tls);
}

void
probe_tls_free (ProbeTls *tls)
{
  if (tls == NULL)
    return;
  SSL_CTX_free (tls->context);
  g_free (tls);
}

SSL *
probe_tls_new_ssl (ProbeTls *tls, ProbeTlsVersion version)
{
  SSL *ssl = SSL_new (tls->context);

  g_assert (ssl != NULL);
  if (version == PROBE_TLS_1_2)
    SSL_set_max_proto_version (ssl, TLS1_2_VERSION);
  if (version == PROBE_TLS_1_3)
    SSL_set_min_proto_version (ssl, TLS1_3_VERSION);
  SSL_set_connect_state (ssl);
  return ssl;
}

gboolean
probe_tls_handshake (ProbeTls *tls, ProbeConn *conn, GError **error)
{
  SSL *ssl = probe_tls_new_ssl (tls, PROBE_TLS_ANY);
  int fd = probe_conn_get_fd (conn);
  gint64 deadline = probe_conn_get_deadline (conn);

  SSL_set_fd (ssl, fd);
  for (;;) {
    unsigned long queued;
    int result;
    int number;

    ERR_clear_error ();
    errno = 0;
    result = SSL_do_handshake (ssl);
    number = errno;
    if (result == 1) {
      probe_conn_take_ssl (conn, ssl);
      return TRUE;
    }
    switch (SSL_get_error (ssl, result)) {
    case SSL_ERROR_WANT_READ:
      if (probe_wait_fd (fd, POLLIN, deadline, "TLS handshake", error))
        continue;
      break;
    case SSL_ERROR_WANT_WRITE:
      if (probe_wait_fd (fd, POLLOUT, deadline, "TLS handshake", error))
        continue;
      break;
    case SSL_ERROR_SYSCALL:
      if (number == 0)
        g_set_error (error, PROBE_ERROR, PROBE_ERROR_CLOSED, "closed during the TLS handshake");
      else
        g_set_error (error, PROBE_ERROR,
            number == ECONNRESET || number == EPIPE ? PROBE_ERROR_RESET : PROBE_ERROR_SYSTEM,
            "TLS handshake: %s", g_strerror (number));
      break;
    default:
      queued = ERR_peek_last_error ();
      if (ERR_GET_REASON (queued) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        g_set_error (error, PROBE_ERROR, PROBE_ERROR_CLOSED, "closed during the TLS handshake");
      else
        g_set_error (error, PROBE_ERROR,
            ERR_GET_REASON (queued) >= SSL_AD_REASON_OFFSET ? PROBE_ERROR_ALERT
                                                            : PROBE_ERROR_PROTOCOL,
            "TLS handshake: %s", ERR_reason_error_string (queued));
      break;
    }
    SSL_free (ssl);
    return FALSE;
  }
}
