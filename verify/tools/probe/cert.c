/* SPDX-License-Identifier: MIT */
#include "cert.h"

#include "conn.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <unistd.h>

#define KEY_BITS 2048
#define VALID_SECONDS (20L * 365 * 24 * 3600) /* as long as Moonlight's own: nobody renews it */
#define CLOCK_SLACK_SECONDS 86400L /* a server whose clock is behind must not refuse it */

gboolean
probe_cert_generate (EVP_PKEY **key, X509 **cert, GError **error)
{
  EVP_PKEY *new_key = EVP_RSA_gen (KEY_BITS);
  X509 *new_cert = X509_new ();
  X509_NAME *name;

  if (new_key == NULL || new_cert == NULL)
    goto failed;
  name = X509_get_subject_name (new_cert);
  if (!X509_set_version (new_cert, 2)
      || !ASN1_INTEGER_set (
          X509_get_serialNumber (new_cert), (long) g_random_int_range (1, G_MAXINT32))
      || X509_gmtime_adj (X509_getm_notBefore (new_cert), -CLOCK_SLACK_SECONDS) == NULL
      || X509_gmtime_adj (X509_getm_notAfter (new_cert), VALID_SECONDS) == NULL
      || !X509_set_pubkey (new_cert, new_key)
      || !X509_NAME_add_entry_by_txt (
          name, "CN", MBSTRING_ASC, (const guchar *) "wolf-probe client", -1, -1, 0)
      || !X509_set_issuer_name (new_cert, name) || !X509_sign (new_cert, new_key, EVP_sha256 ()))
    goto failed;
  *key = new_key;
  *cert = new_cert;
  return TRUE;

failed:
  EVP_PKEY_free (new_key);
  X509_free (new_cert);
  g_set_error (error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "OpenSSL could not make a certificate");
  return FALSE;
}

/* An open stdio stream on a new or emptied file of the given mode; NULL with @error set. */
static FILE *
open_for_writing (const char *path, mode_t mode, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  FILE *file = fd < 0 ? NULL : fdopen (fd, "w");

  if (file == NULL) {
    g_set_error (
        error, PROBE_ERROR, PROBE_ERROR_USAGE, "cannot write %s: %s", path, g_strerror (errno));
    if (fd >= 0)
      close (fd);
  }
  return file;
}

gboolean
probe_cert_write (
    EVP_PKEY *key, X509 *cert, const char *key_path, const char *cert_path, GError **error)
{
  FILE *key_file = open_for_writing (key_path, 0600, error);
  FILE *cert_file;
  gboolean written;

  if (key_file == NULL)
    return FALSE;
  cert_file = open_for_writing (cert_path, 0644, error);
  if (cert_file == NULL) {
    fclose (key_file);
    return FALSE;
  }
  written = PEM_write_PrivateKey (key_file, key, NULL, NULL, 0, NULL, NULL) == 1;
  written = PEM_write_X509 (cert_file, cert) == 1 && written;
  written = fclose (key_file) == 0 && written;
  written = fclose (cert_file) == 0 && written;
  if (!written)
    g_set_error (
        error, PROBE_ERROR, PROBE_ERROR_SYSTEM, "cannot write %s and %s", key_path, cert_path);
  return written;
}
