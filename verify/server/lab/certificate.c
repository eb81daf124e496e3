/* SPDX-License-Identifier: MIT */
/* certificate.c: OpenSSL makes it, GIO takes it as PEM. */
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define DAYS 365

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BIO, BIO_free_all)

static X509 *
sign (EVP_PKEY *key)
{
  g_autoptr (X509) x509 = X509_new ();
  X509_NAME *name = x509 ? X509_get_subject_name (x509) : NULL;

  if (name == NULL || !X509_set_version (x509, X509_VERSION_3)
      || !ASN1_INTEGER_set (X509_get_serialNumber (x509), 1)
      || X509_gmtime_adj (X509_getm_notBefore (x509), 0) == NULL
      || X509_gmtime_adj (X509_getm_notAfter (x509), DAYS * 24L * 60 * 60) == NULL
      || !X509_set_pubkey (x509, key)
      || !X509_NAME_add_entry_by_txt (
          name, "CN", MBSTRING_ASC, (const guchar *) "wolf-lab", -1, -1, 0)
      || !X509_set_issuer_name (x509, name) || !X509_sign (x509, key, EVP_sha256 ()))
    return NULL;
  return g_steal_pointer (&x509);
}

GTlsCertificate *
lab_certificate_new (GError **error)
{
  g_autoptr (EVP_PKEY) key = EVP_EC_gen ("P-256");
  g_autoptr (X509) x509 = key ? sign (key) : NULL;
  g_autoptr (BIO) pem = BIO_new (BIO_s_mem ());
  gchar *text;

  if (x509 == NULL || pem == NULL || !PEM_write_bio_X509 (pem, x509)
      || !PEM_write_bio_PKCS8PrivateKey (pem, key, NULL, NULL, 0, NULL, NULL)) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_FAILED, "OpenSSL makes no certificate for the server");
    return NULL;
  }
  const glong length = BIO_get_mem_data (pem, &text);
  return g_tls_certificate_new_from_pem (text, length, error);
}
