// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace tune {

/// Lines that scroll, and below them a block that is drawn again and again.
///
/// A thread of its own writes, so that a terminal on hold (Ctrl-S), a slow link or a pipe that nobody reads never holds
/// the caller up. Lines wait in a queue of at most 4096; when it is full the newest is dropped and a line tells how
/// many were.
class Screen {
 public:
  /// Composed on the screen's thread, five times a second at most, to be drawn with `columns` columns.
  using Block = std::function<std::vector<std::string>(std::size_t columns)>;
  /// Called on the screen's thread about five times a second; for what must happen without being told.
  using Tick = std::function<void()>;

  /// Writes to `fd`. Without a block only lines are written and no control code ever is.
  /// `left_out` words the line that tells how many lines were dropped.
  Screen(int fd, Block block, Tick tick = {}, std::function<std::string(std::size_t)> left_out = {});
  ~Screen() { close(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void say(std::string line) {
    say([line = std::move(line)] { return line; });
  }
  /// The text, one or several lines, is made on the screen's thread: for what has to be looked up first.
  void say(std::function<std::string()> text);
  /// The block is not drawn any more; what is on the screen is left as it is.
  void detach() { detached_ = true; }
  /// Writes what waits, wipes the block and shows the cursor again. Nothing is written afterwards.
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  void draw_loop();
  void write(const std::string& text) const;
  std::size_t columns() const;

  const int fd_;
  const Block block_;
  const Tick tick_;
  const std::function<std::string(std::size_t)> left_out_;
  std::atomic<bool> detached_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<std::string()>> waiting_;
  std::size_t dropped_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace tune
