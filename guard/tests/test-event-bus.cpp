/* SPDX-License-Identifier: MIT
 * The event bus: order, failures, registrations that end, and what waits for what. */
#include <atomic>
#include <glib.h>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <wolf-guard/event-bus.hpp>

namespace {

struct Number {
  int value;
};
struct Word {
  std::string value;
};
using Bus = wolf::guard::EventBus<Number, Word>;

/* Opened once; everybody waits until it is. */
class Gate {
public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    g_assert_true(opened_.wait_for(lock, std::chrono::seconds(60), [&] { return open_; }));
  }

private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

void test_order() {
  Bus bus;
  std::string calls;
  auto first = bus.register_handler<Number>([&](const Number &) { calls += "1"; });
  auto second = bus.register_handler<Number>(
      [&](Number number) { calls += std::to_string(number.value); });
  auto word = bus.register_handler<Word>([&] { calls += "w"; });
  auto any = bus.register_global_handler(
      [&](std::variant<Number, Word> event) { calls += event.index() ? "W" : "N"; });
  bus.fire_event(Number{2});
  bus.fire_event(Word{"x"});
  g_assert_cmpstr(calls.c_str(), ==, "21NwW");
}

template <class What, class Policy> struct Box {
  What value;
};

/* What the calling thread is in; "": nothing. */
std::string operation() {
  WgWatchThread threads[1];
  guint count = wg_watch_get_threads(threads, 1);
  return count > 0 && threads[0].depth > 0 ? threads[0].operations[threads[0].depth - 1] : "";
}

void test_scope() {
  wolf::guard::EventBus<Number, Box<Word, int>> bus;
  std::string plain, boxed, any;
  auto number = bus.register_handler<Number>([&] {
    plain = operation();
    throw std::logic_error("planted");
  });
  auto box = bus.register_handler<Box<Word, int>>([&] { boxed = operation(); });
  bus.fire_event(Number{1});
  g_assert_true(operation().empty()); // Also after an exception
  bus.fire_event(Box<Word, int>{{"x"}});
  auto global = bus.register_global_handler([&](const auto &) { any = operation(); });
  bus.fire_event(Box<Word, int>{{"x"}});
  g_assert_cmpstr(plain.c_str(), ==, "handler of Number");
  g_assert_cmpstr(boxed.c_str(), ==, "handler of Word");
  g_assert_cmpstr(any.c_str(), ==, "handler of any event");
  g_assert_cmpstr(wolf::guard::page_operation("HTTPS", "^/cancel$"), ==, "HTTPS /cancel");
  g_assert_cmpstr(wolf::guard::page_operation("HTTPS", "/launch"), ==, "HTTPS /launch");
}

void test_failure() {
  Bus bus;
  int calls = 0;
  auto before = bus.register_handler<Number>([&] { calls++; });
  auto logic = bus.register_handler<Number>([] { throw std::logic_error("planted"); });
  auto system =
      bus.register_handler<Number>(
          [] { throw std::system_error(std::make_error_code(std::errc::io_error)); });
  auto after = bus.register_handler<Number>([&] { calls++; });
  bus.fire_event(Number{1});
  g_assert_cmpint(calls, ==, 2);
}

void test_inside() {
  Bus bus;
  int calls = 0;
  std::unique_ptr<wolf::guard::EventRegistration> once, added;
  once = std::make_unique<wolf::guard::EventRegistration>(bus.register_handler<Number>([&] {
    calls++;
    once->unregister();
    bus.fire_event(Number{2}); // Of its own event: it is gone already
    added = std::make_unique<wolf::guard::EventRegistration>(
        bus.register_handler<Number>([&] { calls += 10; }));
  }));
  bus.fire_event(Number{1});
  bus.fire_event(Number{3});
  g_assert_cmpint(calls, ==, 21); // 1, and 10 for each of the two
}

/* Registers while an event is being handled, and says how often the new handler was called. The
 * event's handling goes on when the registration has returned, or before. */
int register_meanwhile(bool go_on_first) {
  Bus bus;
  Gate entered, go_on;
  std::atomic<int> late_calls{0};
  auto holds = bus.register_handler<Number>([&] {
    entered.open();
    go_on.wait();
  });
  std::thread fires([&] { bus.fire_event(Number{1}); });
  entered.wait();
  std::thread opens([&] {
    if (go_on_first) {
      go_on.open();
    }
  });
  auto late = bus.register_handler<Number>([&] { late_calls++; });
  go_on.open();
  opens.join();
  fires.join();
  return late_calls;
}

void test_late() {
  wolf::guard::EventHandlers::patience = std::chrono::milliseconds(0);
  g_assert_cmpint(register_meanwhile(false), ==, 1);
  wolf::guard::EventHandlers::patience = std::chrono::minutes(1);
  g_assert_cmpint(register_meanwhile(true), ==, 0);
}

void test_outlives() {
  auto bus = std::make_unique<Bus>();
  auto held = std::make_shared<int>(0);
  auto handler = bus->register_handler<Number>([held] { ++*held; });
  g_assert_cmpint(held.use_count(), ==, 2);
  bus.reset();
  handler.unregister();
  g_assert_cmpint(held.use_count(), ==, 1);
}

/* A handler that stands still holds up nothing but its own end. */
void test_stuck() {
  Bus bus;
  Gate entered, go_on;
  std::atomic<bool> returned{false}, unregistered{false};
  auto stuck = bus.register_handler<Number>([&] {
    entered.open();
    go_on.wait();
    returned = true;
  });
  auto other = bus.register_handler<Number>([] {});
  std::thread fires([&] { bus.fire_event(Number{1}); });
  entered.wait();

  int words = 0;
  auto word = bus.register_handler<Word>([&] { words++; }); // Neither of these waits
  bus.fire_event(Word{"x"});
  other.unregister();
  g_assert_cmpint(words, ==, 1);

  std::thread ends([&] {
    stuck.unregister();
    g_assert_true(returned);
    unregistered = true;
  });
  g_assert_false(unregistered);
  go_on.open();
  ends.join();
  fires.join();
}

/* What a handler points to may go as soon as unregister() has returned. ASan and TSan judge. */
void test_race() {
  Bus bus;
  std::atomic<bool> end{false};
  std::atomic<int> calls{0};
  auto fire = [&] {
    while (!end) {
      bus.fire_event(Number{1});
    }
  };
  std::thread one(fire), two(fire);
  for (int i = 0; i < 2000 || calls == 0; i++) {
    auto local = std::make_unique<std::atomic<int>>(0);
    {
      auto handler = bus.register_handler<Number>([&, local = local.get()] { calls += ++*local; });
    }
    local.reset();
  }
  end = true;
  one.join();
  two.join();
}

} // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  wg_log_set_func([](WgLogLevel, const char *) {}); // The planted failures
  g_test_add_func("/event-bus/order", test_order);
  g_test_add_func("/event-bus/failure", test_failure);
  g_test_add_func("/event-bus/inside", test_inside);
  g_test_add_func("/event-bus/late", test_late);
  g_test_add_func("/event-bus/scope", test_scope);
  g_test_add_func("/event-bus/outlives", test_outlives);
  g_test_add_func("/event-bus/stuck", test_stuck);
  g_test_add_func("/event-bus/race", test_race);
  return g_test_run();
}
