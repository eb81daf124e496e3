/* SPDX-License-Identifier: MIT
 *
 * wolf-guard/loop-beat.hpp: the beats of beat.h for C++ and Boost.Asio
 * ====================================================================
 */
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/eventfd.h>
#include <wolf-guard/beat.h>

namespace wolf::guard {

/* An io_context is asked whether it goes round. Made in the thread that runs it, outside of the
 * run. A ping is a write to an eventfd, which neither blocks nor allocates. Without a descriptor
 * the loop is not watched. */
class LoopBeat {
public:
  LoopBeat(const char *name, boost::asio::io_context &context) : wake_(context) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
      return;
    }
    wake_.assign(fd);
    WgBeatSpec spec{};
    spec.name = name;
    spec.post = [](gpointer data) {
      eventfd_write(static_cast<LoopBeat *>(data)->wake_.native_handle(), 1);
    };
    spec.data = this;
    beat_ = wg_beat_new(&spec);
    wg_beat_now(beat_); // Now the thread is known
    wait();
  }
  LoopBeat(const LoopBeat &) = delete;
  LoopBeat &operator=(const LoopBeat &) = delete;
  ~LoopBeat() {
    wg_beat_free(beat_);
  }

private:
  void wait() {
    wake_.async_wait(wake_.wait_read, [this](const boost::system::error_code &error) {
      if (error) {
        return;
      }
      eventfd_t pings;
      eventfd_read(wake_.native_handle(), &pings);
      wg_beat_now(beat_);
      wait();
    });
  }

  boost::asio::posix::stream_descriptor wake_;
  WgBeat *beat_ = nullptr;
};

/* A loop that goes round by itself, at least once a second. */
class PlainBeat {
public:
  explicit PlainBeat(const char *name) {
    WgBeatSpec spec{};
    spec.name = name;
    beat_ = wg_beat_new(&spec);
    now();
  }
  PlainBeat(const PlainBeat &) = delete;
  PlainBeat &operator=(const PlainBeat &) = delete;
  ~PlainBeat() {
    wg_beat_free(beat_);
  }
  void now() {
    wg_beat_now(beat_);
  }

private:
  WgBeat *beat_;
};

} // namespace wolf::guard
