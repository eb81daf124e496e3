/* SPDX-License-Identifier: MIT */
/* pairing.h: a client that wants to be paired. */
#pragma once

#include "steps.h"

/* Asks for a pairing from an address of loopback; NULL: no connection. */
GSocketConnection *pairing_ask (
    const Runner *runner, const gchar *address, const gchar *certificate);
