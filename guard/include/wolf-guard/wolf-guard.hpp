/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/wolf-guard.hpp: guard for C++: ownership by shared_ptr, watches and threads by scope
 * ==============================================================================================
 *
 * Nothing here has a rule of its own: the C headers say which thread may call what, and what
 * blocks.
 */
#pragma once

#include <chrono>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <pthread.h>
#include <string>
#include <thread>
#include <utility>
#include <wolf-guard/child.h>
#include <wolf-guard/dispatch.h>
#include <wolf-guard/launch.h>
#include <wolf-guard/log.h>
#include <wolf-guard/loop.h>
#include <wolf-guard/pipeline.h>
#include <wolf-guard/shutdown.h>
#include <wolf-guard/thread.h>

namespace wolf::guard {

using launch_ptr = std::shared_ptr<WgLaunch>;
using loop_ptr = std::shared_ptr<WgLoop>;
using pipeline_ptr = std::shared_ptr<WgPipeline>;

inline launch_ptr begin_launch(const std::string &id) {
  return {wg_launch_begin(id.c_str()), wg_launch_unref};
}

/* Empty when too few file descriptors are left; wg_pipeline_new() then says so. */
inline loop_ptr make_loop() {
  return {wg_loop_new(), wg_loop_unref};
}

/* What a pipeline belongs to: its name in log lines, the session's id, the launch that may be
 * stopped (or none). */
struct Owner {
  std::string name, session;
  launch_ptr launch;
};

/* Calls `on_stop` once when the launch is stopped, at once if it already is. The destructor waits
 * for a call that has begun in another thread. Without a launch nothing is called. */
class LaunchWatch {
public:
  LaunchWatch(launch_ptr launch, std::function<void()> on_stop) : launch_(std::move(launch)) {
    if (launch_) {
      watch_ = wg_launch_watch(
          launch_.get(),
          [](gpointer data) { (*static_cast<std::function<void()> *>(data))(); },
          new std::function<void()>(std::move(on_stop)),
          [](gpointer data) { delete static_cast<std::function<void()> *>(data); });
    }
  }
  LaunchWatch(const LaunchWatch &) = delete;
  LaunchWatch &operator=(const LaunchWatch &) = delete;
  ~LaunchWatch() {
    if (launch_) {
      wg_launch_unwatch(launch_.get(), watch_);
    }
  }

private:
  launch_ptr launch_;
  guint watch_ = 0;
};

/* The launch that the calling thread works for, for code too deep to be told by parameter. */
inline thread_local launch_ptr current_launch;

inline bool current_launch_stopped() {
  return current_launch && wg_launch_is_stopped(current_launch.get());
}

using queue_ptr = std::shared_ptr<WgDispatch>;

inline queue_ptr dispatch_queue(const std::string &name) {
  return {wg_dispatch_get(name.c_str()), wg_dispatch_unref};
}

/* As in WgTask; 0 is the default there. */
struct DispatchOptions {
  std::chrono::milliseconds deadline{0}, limit{0}, delay{0};
};

/* Have `body` called by the dispatcher. `what` is static text. An exception ends the task only and
 * is logged. False: it is refused. A body that is refused or dropped is destroyed without having
 * been called, in any thread. */
template <class Body>
bool dispatch(const queue_ptr &queue,
              const char *what,
              Body body,
              const DispatchOptions &options = {}) {
  struct Call {
    const char *what;
    Body body;
  };
  WgTask task{};
  task.what = what;
  task.func = [](gpointer data) {
    auto call = static_cast<Call *>(data);
    try {
      call->body();
    } catch (const std::exception &e) {
      wg_log(WG_LOG_WARNING, "%s: ended by an exception: %s", call->what, e.what());
    }
  };
  task.data = new Call{what, std::move(body)};
  task.notify = [](gpointer data) { delete static_cast<Call *>(data); };
  task.delay_ms = static_cast<guint>(options.delay.count());
  task.deadline_ms = static_cast<guint>(options.deadline.count());
  task.limit_ms = static_cast<guint>(options.limit.count());
  return wg_dispatch_post(queue.get(), &task, nullptr) != 0;
}

/* For a socket that was opened without the flag. child.h has the measure that covers all of
 * them. */
inline void close_on_exec(int fd) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* A share in an object, as the `data` of a C callback. share() makes it and shared() returns the
 * object. unshare() and unshare_closure() are the destroy notifies. */
template <class T> gpointer share(std::shared_ptr<T> object) {
  return new std::shared_ptr<T>(std::move(object));
}
template <class T> T *shared(gpointer data) {
  return static_cast<std::shared_ptr<T> *>(data)->get();
}
template <class T> void unshare(gpointer data) {
  delete static_cast<std::shared_ptr<T> *>(data);
}
template <class T> void unshare_closure(gpointer data, GClosure *) {
  unshare<T>(data);
}

/* Installs the host's bus sync handler with a share in `object` as its data (see shared()). */
template <class T>
void set_sync_handler(GstElement *pipeline, GstBusSyncHandler handler, std::shared_ptr<T> object) {
  if (pipeline_ptr guard{wg_pipeline_find(pipeline), wg_pipeline_unref}) {
    wg_pipeline_set_sync_handler(guard.get(), handler, share(std::move(object)), unshare<T>);
  }
}

/* The calling thread's record, for as long as this lives. Without end() before its destruction it
 * reports an unexpected end: a forced unwind (pthread_exit, cancellation) or an exception. */
class ThreadScope {
public:
  ThreadScope(const char *name, const std::string &session) {
    wg_thread_enter(name, session.c_str(), "");
  }
  ThreadScope(const ThreadScope &) = delete;
  ThreadScope &operator=(const ThreadScope &) = delete;
  ~ThreadScope() {
    if (!ended_) {
      wg_thread_fail(std::uncaught_exceptions() ? WG_THREAD_EXCEPTION : WG_THREAD_UNWOUND, "");
    }
  }
  void end() {
    ended_ = true;
    wg_thread_leave();
  }

private:
  bool ended_ = false;
};

/* A std::thread of that name that runs `body` under a record. An exception that leaves `body` ends
 * the process, as with any std::thread. It is not caught here, so that the terminate handler still
 * sees where it was thrown. */
template <class Body> std::thread thread(const char *name, std::string session, Body body) {
  return std::thread([name, session = std::move(session), body = std::move(body)]() mutable {
    pthread_setname_np(pthread_self(), std::string(name).substr(0, 15).c_str());
    ThreadScope scope(name, session);
    body();
    scope.end();
  });
}

/* What wraps a body: an exception that leaves it is logged with `what`, and `failed` is called. */
template <class Failed> auto contained(std::string what, Failed failed) {
  return [what = std::move(what), failed = std::move(failed)](auto body) {
    return [what, failed, body = std::move(body)](auto &&...arguments) mutable {
      try {
        body(std::forward<decltype(arguments)>(arguments)...);
      } catch (const std::exception &e) {
        wg_log(WG_LOG_ERROR, "%s failed: %s", what.c_str(), e.what());
        failed();
      }
    };
  };
}

/* What starts a thread() from a body. It stands where std::thread(body) stood. */
inline auto starter(const char *name, std::string session) {
  return [name, session = std::move(session)](auto body) {
    return thread(name, session, std::move(body));
  };
}

/* The same for what works for one session (or none, if `session` is empty). An exception that
 * leaves the body is logged, and `failed` has to end that session; the process goes on. Without a
 * thread it throws std::system_error. */
template <class Failed> auto starter(const char *name, std::string session, Failed failed) {
  auto what = session.empty() ? std::string(name) : name + (" of session " + session);
  auto wrap = contained(std::move(what), std::move(failed));
  return [name, session = std::move(session), wrap = std::move(wrap)](auto body) {
    return thread(name, session, wrap(std::move(body)));
  };
}

/* Logs a warning when its scope takes longer than `limit`. */
class SlowScope {
public:
  SlowScope(std::string what, std::chrono::milliseconds limit)
      : what_(std::move(what)), limit_(limit) {}
  SlowScope(const SlowScope &) = delete;
  SlowScope &operator=(const SlowScope &) = delete;
  ~SlowScope() {
    using std::chrono::milliseconds;
    auto took = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_);
    if (took > limit_) {
      auto ms = static_cast<long long>(took.count());
      wg_log(WG_LOG_WARNING, "%s took %lld ms", what_.c_str(), ms);
    }
  }

private:
  std::string what_;
  std::chrono::milliseconds limit_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

} // namespace wolf::guard
