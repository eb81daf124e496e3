/* SPDX-License-Identifier: MIT */
#include "cert.h"
#include "commands.h"
#include "options.h"
#include "report.h"

#include <errno.h>
#include <glib/gstdio.h>

static const char description[] =
    "Writes client.crt and client.key (PEM, RSA-2048, self-signed) and prints their paths.\n"
    "An entry with the certificate's text in paired_clients of Wolf's configuration stands in\n"
    "for pairing. Exit status: 0 written; 3 wrong usage, or not writable.";

int
probe_command_cert (int argc, char **argv)
{
  g_auto (ProbeOptions) options;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *cert_path = NULL;
  g_autofree char *key_path = NULL;
  EVP_PKEY *key = NULL;
  X509 *cert = NULL;
  gboolean written;
  const GOptionEntry own[] = {
    { "out", 0, 0, G_OPTION_ARG_FILENAME, &folder, "Where to (made if missing); required", "DIR" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };

  probe_options_init (&options);
  if (!probe_options_parse (
          &options, "cert", "make a client certificate", description, own, &argc, &argv))
    return PROBE_EXIT_USAGE;
  if (folder == NULL)
    return probe_usage_error ("cert", "--out DIR is missing");
  if (g_mkdir_with_parents (folder, 0700) < 0)
    return probe_usage_error ("cert", "cannot make %s: %s", folder, g_strerror (errno));
  cert_path = g_build_filename (folder, "client.crt", NULL);
  key_path = g_build_filename (folder, "client.key", NULL);
  written = probe_cert_generate (&key, &cert, &error)
      && probe_cert_write (key, cert, key_path, cert_path, &error);
  EVP_PKEY_free (key);
  X509_free (cert);
  if (!written)
    return probe_usage_error ("cert", "%s", error->message);

  if (options.json) {
    JsonObject *object = probe_report_event ("cert");

    json_object_set_string_member (object, "cert", cert_path);
    json_object_set_string_member (object, "key", key_path);
    probe_report_line (object);
  } else {
    g_print ("%s\n%s\n", cert_path, key_path);
  }
  return PROBE_EXIT_OK;
}
