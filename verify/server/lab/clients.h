/* SPDX-License-Identifier: MIT
 *
 * clients.h: the clients that are paired: the certificates that lie in DIR/clients when the lab
 * starts.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

typedef struct {
  gchar *id; /* of the client and of all its sessions: a hash of the certificate, as a decimal */
  GTlsCertificate *certificate;
} LabClient;

/* Reads DIR/clients/ *.pem, sorted by name as a human would (client-2 before client-10). No folder:
 * nobody is paired. NULL with `error` set when one cannot be used. Never freed. */
GPtrArray *lab_clients_read (const gchar *dir, GError **error);

/* NULL: not paired. `certificate` may be NULL. */
const LabClient *lab_clients_find (GPtrArray *clients, GTlsCertificate *certificate);
const LabClient *lab_clients_find_id (GPtrArray *clients, const gchar *id);

G_END_DECLS
