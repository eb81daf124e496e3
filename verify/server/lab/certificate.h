/* SPDX-License-Identifier: MIT
 *
 * certificate.h: the server's own certificate.
 */
#pragma once

#include <gio/gio.h>

/* Makes a key (P-256, some milliseconds) and a certificate for it, signed by itself. NULL with
 * `error` set. */
GTlsCertificate *lab_certificate_new (GError **error);
