/* SPDX-License-Identifier: MIT
 *
 * launch.h: what a paired client may ask of the HTTPS port: /serverinfo, /applist, /launch,
 * /resume, /cancel.
 *
 * Handlers run in the one HTTPS thread. /launch and /cancel fire events of the bus (bus.h), whose
 * handlers run there, too.
 */
#pragma once

#include "lab.h"

#include <libsoup/soup.h>

void lab_launch_add_handlers (Lab *lab, SoupServer *soup);
