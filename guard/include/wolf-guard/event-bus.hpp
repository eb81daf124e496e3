/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/event-bus.hpp: an event bus on which handlers do not wait for each other
 * ===================================================================================
 *
 * It has the interface of dp::event_bus and takes its names, so that one include line is the hook.
 *
 * Threads: any thread may call every function, a handler included.
 *
 * Order: fire_event() calls the handlers of the event's type one after another, the newest first,
 * as libstdc++'s multimap orders them. Then it calls the global ones.
 *
 * A registration comes after an event that is being handled, so that "register, then ask for what
 * an older handler sets" loses no event. If that event takes longer than 50 ms, or the registration
 * comes from a handler, the new handler is called with that event instead.
 *
 * Blocking:
 *  - fire_event() waits for its handlers and holds no lock while they run;
 *  - register_handler() waits for at most 50 ms;
 *  - unregister() waits while another thread runs that one handler, because the handler may refer
 *    to what its owner destroys next. It does not wait for other handlers, nor for its own thread.
 *
 * Errors: an exception that leaves a handler is logged with the event's type. It ends that handler
 * alone: the handlers after it run, and fire_event() returns how many failed.
 *
 * Watch: a handler runs in a scope (watch.h) that names its event.
 */
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>
#include <wolf-guard/log.h>
#include <wolf-guard/scope.hpp>

namespace wolf::guard {

/* "handler of StopEvent", of box<some::StopEvent, …>. */
inline const char *event_operation(std::type_index event) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> whole(
      abi::__cxa_demangle(event.name(), nullptr, nullptr, &status),
      std::free);
  std::string name = whole ? whole.get() : event.name();
  if (name.rfind("std::variant<", 0) == 0) {
    return "handler of any event";
  }
  name = name.substr(0, name.find_first_of(",>"));
  return static_text("handler of " + name.substr(name.find_last_of(":<") + 1));
}

/* One handler. It counts the calls that run now; when it is gone, no new call begins. */
class EventHandler {
public:
  EventHandler(std::type_index type, std::function<void(const void *)> function)
      : event(type), function_(std::move(function)) {}

  /* Whether it did not fail. */
  bool call(const void *value) {
    {
      std::lock_guard lock(mutex_);
      if (gone_) {
        return true;
      }
      ++calls_;
    }
    Running running{this, innermost()};
    innermost() = &running;
    Ended ended{this, running.outer};
    try {
      function_(value);
      return true;
    } catch (const std::exception &e) {
      wg_log(WG_LOG_ERROR, "a handler of %s failed: %s", event.name(), e.what());
      return false;
    }
  }

  void remove() {
    std::unique_lock lock(mutex_);
    gone_ = true;
    int own = 0;
    for (auto *running = innermost(); running != nullptr; running = running->outer) {
      own += running->handler == this;
    }
    idle_.wait(lock, [&] { return calls_ <= own; });
    if (own == 0) {
      function_ = nullptr; // What it holds is released here, in the owner's thread
    }
  }

  const std::type_index event;
  unsigned long number = 0; // Set once, by add()

  static bool is_inside() {
    return innermost() != nullptr;
  }

private:
  /* The calls that this thread is inside of. */
  struct Running {
    const EventHandler *handler;
    Running *outer;
  };
  static Running *&innermost() {
    static thread_local Running *innermost = nullptr;
    return innermost;
  }

  /* Also when the thread is unwound. */
  struct Ended {
    EventHandler *handler;
    Running *outer;
    ~Ended() {
      innermost() = outer;
      std::lock_guard lock(handler->mutex_);
      --handler->calls_;
      handler->idle_.notify_all();
    }
  };

  std::mutex mutex_;
  std::condition_variable idle_;
  int calls_ = 0;
  bool gone_ = false;
  std::function<void(const void *)> function_;
};

/* The list of handlers, which a bus and its registrations share. Each change replaces it whole. */
class EventHandlers {
public:
  using list = std::vector<std::shared_ptr<EventHandler>>;

  /* How long register_handler() waits for an event of that type that is being handled. */
  static inline std::chrono::milliseconds patience{50};

  /* A handler never waits: its own event is being handled. */
  void add(const std::shared_ptr<EventHandler> &handler) {
    std::unique_lock lock(mutex_);
    if (!EventHandler::is_inside()) {
      idle_.wait_for(lock, patience, [&] { return running_.count(handler->event) == 0; });
    }
    handler->number = ++added_;
    change([&](list &handlers) { handlers.push_back(handler); });
  }
  void remove(const std::shared_ptr<EventHandler> &handler) {
    std::lock_guard lock(mutex_);
    change([&](list &handlers) {
      handlers.erase(std::remove(handlers.begin(), handlers.end(), handler), handlers.end());
    });
  }
  std::shared_ptr<const list> get() {
    std::lock_guard lock(mutex_);
    return handlers_;
  }

  /* An event of this type is being handled for as long as this lives. */
  class Running {
  public:
    Running(EventHandlers &handlers, std::type_index event) : handlers_(handlers), event_(event) {
      std::lock_guard lock(handlers_.mutex_);
      handlers_.running_.insert(event_);
    }
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;
    ~Running() {
      std::lock_guard lock(handlers_.mutex_);
      handlers_.running_.erase(handlers_.running_.find(event_));
      handlers_.idle_.notify_all();
    }

  private:
    EventHandlers &handlers_;
    std::type_index event_;
  };

private:
  template <class Change> void change(Change change) {
    auto changed = std::make_shared<list>(*handlers_);
    change(*changed);
    handlers_ = std::move(changed);
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  unsigned long added_ = 0;
  std::multiset<std::type_index> running_;
  std::shared_ptr<const list> handlers_ = std::make_shared<list>();
};

/* Owns a handler's place on the bus, and may outlive the bus. One thread at a time may use it. */
class EventRegistration {
public:
  EventRegistration(std::weak_ptr<EventHandlers> handlers, std::shared_ptr<EventHandler> handler)
      : handlers_(std::move(handlers)), handler_(std::move(handler)) {}
  EventRegistration(EventRegistration &&other) noexcept = default;
  EventRegistration &operator=(EventRegistration &&other) noexcept {
    unregister();
    handlers_ = std::move(other.handlers_);
    handler_ = std::move(other.handler_);
    return *this;
  }
  ~EventRegistration() {
    unregister();
  }

  void unregister() {
    if (auto handler = std::exchange(handler_, nullptr)) {
      if (auto handlers = handlers_.lock()) {
        handlers->remove(handler);
      }
      handler->remove();
    }
  }

private:
  std::weak_ptr<EventHandlers> handlers_;
  std::shared_ptr<EventHandler> handler_;
};

template <class... Events> class EventBus {
public:
  template <class Event, class Function>
  [[nodiscard]] EventRegistration register_handler(Function function) {
    auto operation = event_operation(typeid(Event));
    return add(typeid(Event), [=, function = std::move(function)](const void *value) mutable {
      WatchScope scope(operation);
      if constexpr (std::is_invocable_v<Function &, const Event &>) {
        function(*static_cast<const Event *>(value));
      } else {
        function();
      }
    });
  }

  template <class Function>
  [[nodiscard]] EventRegistration register_global_handler(Function function) {
    auto operation = event_operation(typeid(Any));
    return add(typeid(Any), [=, function = std::move(function)](const void *value) mutable {
      WatchScope scope(operation);
      function(*static_cast<const Any *>(value));
    });
  }

  /* How many handlers failed. */
  template <class Event> int fire_event(Event &&event) {
    Any any{event};
    return call(typeid(Event), &event) + call(typeid(Any), &any);
  }

private:
  using Any = std::variant<Events...>;

  EventRegistration add(std::type_index event, std::function<void(const void *)> function) {
    auto handler = std::make_shared<EventHandler>(event, std::move(function));
    handlers_->add(handler);
    return {handlers_, handler};
  }

  /* Passes over the list until it has no handler that is newer than those of the last pass. */
  int call(std::type_index event, const void *value) {
    EventHandlers::Running running(*handlers_, event);
    int failed = 0;
    unsigned long called = 0;
    for (auto handlers = handlers_->get();
         !handlers->empty() && handlers->back()->number > called; handlers = handlers_->get()) {
      for (auto handler = handlers->rbegin();
           handler != handlers->rend() && (*handler)->number > called; ++handler) {
        failed += (*handler)->event == event && !(*handler)->call(value);
      }
      called = handlers->back()->number;
    }
    return failed;
  }

  std::shared_ptr<EventHandlers> handlers_ = std::make_shared<EventHandlers>();
};

} // namespace wolf::guard

/* The names of the header that this one replaces. */
namespace dp {
template <class... Events> using event_bus = wolf::guard::EventBus<Events...>;
template <class...> using handler_registration = wolf::guard::EventRegistration;
} // namespace dp
