/* SPDX-License-Identifier: MIT
 *
 * cert: a client certificate of one's own.
 *
 * What a Moonlight client makes for itself on first start: RSA-2048, self-signed. Making the key
 * takes some 50 to 500 ms of CPU; nothing here waits for anything else. Objects are OpenSSL's and
 * owned by the caller.
 */
#pragma once

#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Makes a key and a certificate; FALSE with @error set. The caller frees both. */
gboolean probe_cert_generate (EVP_PKEY **key, X509 **cert, GError **error);

/* Writes @key (mode 0600) and @cert as PEM; FALSE with @error set. */
gboolean probe_cert_write (
    EVP_PKEY *key, X509 *cert, const char *key_path, const char *cert_path, GError **error);
