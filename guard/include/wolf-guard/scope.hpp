/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/scope.hpp: the scopes of watch.h for C++
 * ===================================================
 */
#pragma once

#include <string>
#include <wolf-guard/watch.h>

namespace wolf::guard {

/* Text that stays as long as the process. For a set of texts that does not grow. */
inline const char *static_text(const std::string &text) {
  return g_intern_string(text.c_str());
}

/* "HTTPS /cancel", of the expression "^/cancel$" for that path. */
inline const char *page_operation(const std::string &server, std::string path) {
  if (!path.empty() && path.front() == '^') {
    path.erase(0, 1);
  }
  if (!path.empty() && path.back() == '$') {
    path.pop_back();
  }
  return static_text(server + " " + path);
}

/* The calling thread is in that operation, which is static text, for as long as this lives. */
class WatchScope {
public:
  explicit WatchScope(const char *operation) {
    wg_watch_begin(operation);
  }
  WatchScope(const WatchScope &) = delete;
  WatchScope &operator=(const WatchScope &) = delete;
  ~WatchScope() {
    wg_watch_end();
  }
};

} // namespace wolf::guard
