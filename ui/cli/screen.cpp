// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "ui/view/text.hpp"

namespace tune {
namespace {

constexpr std::size_t kMostWaiting = 4096;
constexpr std::size_t kMostLines = 10;
constexpr auto kBetweenDraws = std::chrono::milliseconds(200);

/// Back to the first line of a block of `lines` lines, and everything from there on wiped.
std::string wipe(std::size_t lines) {
  if (lines == 0) return {};
  return "\r" + (lines > 1 ? "\x1b[" + std::to_string(lines - 1) + "A" : std::string{}) + "\x1b[J";
}

/// Cuts a line with escapes in it to `columns`, so that it never wraps and the block keeps its height.
std::string cut(const std::string& line, std::size_t columns) {
  if (display_width(line) <= columns) return line;
  std::string out;
  std::string_view rest = line;
  std::size_t used = 0;
  while (!rest.empty()) {
    std::size_t bytes = 1;
    if (rest[0] == '\x1b') {
      bytes = std::min(rest.find('m'), rest.size() - 1) + 1;
    } else {
      while (bytes < rest.size() && (static_cast<unsigned char>(rest[bytes]) & 0xc0) == 0x80) ++bytes;
      const auto width = display_width(rest.substr(0, bytes));
      if (used + width + 1 > columns) return out + "…\x1b[0m";
      used += width;
    }
    out.append(rest.substr(0, bytes));
    rest.remove_prefix(bytes);
  }
  return out;
}

}  // namespace

Screen::Screen(int fd, Block block, Tick tick, std::function<std::string(std::size_t)> left_out)
    : fd_(fd), block_(std::move(block)), tick_(std::move(tick)), left_out_(std::move(left_out)) {
  // No signal is this thread's business.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { draw_loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Screen::say(std::function<std::string()> text) {
  const std::lock_guard lock(mutex_);
  if (closing_) return;
  if (waiting_.size() >= kMostWaiting) {
    ++dropped_;
    return;
  }
  waiting_.push_back(std::move(text));
  if (waiting_.size() == 1) changed_.notify_one();
}

void Screen::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Screen::draw_loop() {
  std::size_t drawn = 0;
  std::string shown;
  auto last = Clock::now() - kBetweenDraws;
  for (bool done = false; !done;) {
    std::deque<std::function<std::string()>> lines;
    std::size_t dropped = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_until(lock, last + kBetweenDraws, [&] { return closing_; });
      lines.swap(waiting_);
      std::swap(dropped, dropped_);
      done = closing_;
    }
    last = Clock::now();
    if (tick_ && !done) tick_();
    std::string above;
    for (const auto& line : lines) above += line() + "\n";
    if (dropped && left_out_) above += left_out_(dropped) + "\n";
    if (!block_ || detached_) {
      write(above);
      continue;
    }
    const auto width = std::max<std::size_t>(20, columns()) - 1;
    std::string block;
    std::size_t height = 0;
    if (!done) {
      auto rows = block_(width);
      rows.resize(std::min(rows.size(), kMostLines));
      height = rows.size();
      for (std::size_t i = 0; i < rows.size(); ++i) block += (i ? "\n" : "") + cut(rows[i], width);
    }
    if (above.empty() && block == shown && !done) continue;
    // One write a frame: the terminal never shows half of one. The cursor hides while the block is up.
    write(wipe(drawn) + above + (drawn == 0 && height > 0 ? "\x1b[?25l" : "") + block +
          (done && drawn > 0 ? "\x1b[?25h" : ""));
    shown = block;
    drawn = height;
  }
}

void Screen::write(const std::string& text) const {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto n = ::write(fd_, text.data() + at, text.size() - at);
    if (n > 0) {
      at += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {
      pollfd ready{fd_, POLLOUT, 0};
      poll(&ready, 1, 1000);
    } else if (n < 0 && errno != EINTR) {
      return;  // The terminal or the reader is gone; the experiment goes on.
    }
  }
}

std::size_t Screen::columns() const {
  winsize size{};
  return ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace tune
