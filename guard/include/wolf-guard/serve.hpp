/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/serve.hpp: a server's thread outlives what its handlers throw
 * ========================================================================
 *
 * An exception that nobody catches ends the process, and with it everybody's session, be it only that one message
 * had a word where a number belongs.
 */
#pragma once

#include <exception>
#include <wolf-guard/log.h>

namespace wolf::guard {

/* Calls `run` until it returns. What a handler throws ends that handler: what it held is destroyed, its connection
 * with it, unless somebody else holds that too; then `run` is called again, as io_context::run() may be. One warning a
 * throw. `name` says whose thread it is. */
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
