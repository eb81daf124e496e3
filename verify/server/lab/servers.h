/* SPDX-License-Identifier: MIT
 *
 * servers.h: what listens. Each has one thread and one GMainContext of its own, and its handlers
 * run there: one that blocks keeps everybody else on that port. Only the API hands its questions to
 * a pool, as Wolf's does.
 *
 * Each function is a LabSetup (thread.h): it opens its port in the calling thread, and writes its
 * number into the Lab.
 */
#pragma once

#include "lab.h"

G_BEGIN_DECLS

#define LAB_IDLE_S                                                                                 \
  5 /* a client that says nothing for so long is dropped, by Wolf's web servers too */

gboolean lab_http_open (Lab *lab, GError **error);  /* http.c: /serverinfo, /pair */
gboolean lab_https_open (Lab *lab, GError **error); /* https.c: TLS; launch.c: what is behind it */
gboolean lab_rtsp_open (Lab *lab, GError **error);  /* rtsp.c: SETUP, ANNOUNCE */
gboolean lab_ping_open (Lab *lab, GError **error);  /* ping.c: UDP, both ports */
gboolean lab_api_open (Lab *lab, GError **error);   /* api.c: JSON on a unix socket */

G_END_DECLS
