/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/serve.hpp: an exception in a handler does not end the server's thread
 * ================================================================================
 *
 * An exception that is not caught ends the process, and with it every session. One message with a
 * word in the place of a number is enough.
 */
#pragma once

#include <exception>
#include <wolf-guard/log.h>

namespace wolf::guard {

/* Calls `run` until it returns. An exception ends the handler that threw it: what the handler owned
 * is destroyed, and with it the connection, if nothing else owns that. Then `run` is called again,
 * as io_context::run() may be. Each exception gives one warning. `name` is the thread's. */
template <class Run> void serve(const char *name, Run run) {
  for (;;) {
    try {
      run();
      return;
    } catch (const std::exception &e) {
      wg_log(WG_LOG_WARNING, "%s: a connection was ended by what it sent: %s", name, e.what());
    }
  }
}

} // namespace wolf::guard
