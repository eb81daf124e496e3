/* SPDX-License-Identifier: MIT
 *
 * docker.h: one question to the container engine on docker.sock in the lab's folder. It blocks.
 */
#pragma once

#include "lab.h"

/* Whether the lab's programs run in containers: the socket was there. */
gboolean lab_docker_is_there (const Lab *lab);
/* Returns the status of the answer, or 0: there was none within `timeout_s` (0: no limit) or it was
 * cut off. `body` may be NULL. */
guint lab_docker_ask (
    const Lab *lab, const gchar *method, const gchar *path, guint timeout_s, gchar **body);
