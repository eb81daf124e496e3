/* SPDX-License-Identifier: MIT
 *
 * lab.h: what the parts of wolf-lab share.
 *
 * A Lab is made by main(), filled before the first thread starts, and never freed: like Wolf's
 * state it lives as long as the process. Its members are not changed after that; each has a lock of
 * its own, if it needs one.
 */
#pragma once

#include "log.h"
#include "options.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Picture modes and streams beyond these are refused. */
#define LAB_APP_ID "1"
#define LAB_APP_TITLE "Lab"

typedef struct LabBus LabBus;
typedef struct LabSessions LabSessions;
typedef struct LabHandover LabHandover;

typedef struct {
  LabOptions options;
  LabBus *bus;           /* bus.h */
  LabSessions *sessions; /* sessions.h */
  LabHandover *handover; /* handover.h */
  GPtrArray *clients;    /* of LabClient (clients.h), in the order of their file names */
  GHashTable *icons;     /* icons.h */
  GTlsCertificate *certificate;
  gchar *api_path;

  /* As chosen by the kernel, or Wolf's. */
  guint16 http, https, rtsp, video, audio;
} Lab;

G_END_DECLS
