// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "executors/process/log_file.hpp"
#include "executors/process/report_line.hpp"
#include "executors/process/supervisor.hpp"

/// Inside of Supervisor: what it knows about one live attempt. Only supervisor.cpp and door.cpp see it.
namespace tune::detail {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct Attempt;

/// A descriptor that the program writes to: stdout, stderr, the inherited socket, or a connection to the Unix socket.
struct Stream {
  enum class Kind { out, err, line };
  Stream(asio::io_context& io, Kind k, std::size_t max_line, std::string_view counted)
      : kind(k), fd(io), cutter(max_line, counted) {}
  Kind kind;
  asio::posix::stream_descriptor fd;
  LineCutter cutter;
  bool stalled = false;   ///< Not being read: too much waits to be taken.

  // The way back, for Kind::line.
  std::string unsent;
  bool sending = false;
  bool spoke = false;     ///< It sent a line that we understood: commands will be heard here.
};

/// A `sync` report whose answer is owed.
struct Waiting {
  std::int64_t seq = 0, step = 0;
  bool decisive = false;  ///< It carries the objectives: at the end of what was granted its answer is a decision.
  bool durable = false;
  std::weak_ptr<Stream> stream;
};

struct Attempt {
  Attempt(asio::io_context& io, Supervisor::Order o, const ReportSpec& report)
      : order(std::move(o)), pidfd(io), timer(io), reader(report.step), out_log(order.folder, "stdout"),
        err_log(order.folder, "stderr") {}

  Supervisor::Order order;
  pid_t pid = -1;
  asio::posix::stream_descriptor pidfd;
  asio::steady_timer timer;
  Descriptor cgroup;
  std::list<std::shared_ptr<Stream>> streams;  ///< Open ones. Shared with their handlers in flight.

  ReportLineReader reader;
  LogFile out_log, err_log;
  std::int64_t seq = 0, durable_seq = 0, step = 0;
  std::map<std::string, double> found;         ///< By report.regex, not yet sent.
  bool final_seen = false;
  bool stepped_back = false;
  std::int64_t bad_lines = 0;
  bool log_warned = false;

  std::deque<Waiting> waiting;
  std::string owed;                            ///< A command line to send instead of the next "continue".
  bool syncs = false;                          ///< It reads one line for each report: nothing is sent to it unasked but a stop.
  std::int64_t asked_checkpoint = 0;           ///< Multiples of checkpoint_every that were asked for.

  Clock::time_point began, heard;              ///< On the watchdogs' clock, which stands still while we do not read.
  std::optional<Clock::time_point> kill_at, drained_at;
  std::optional<Cause> ending;                 ///< Why we end it. Decides the cause of Exited.
  std::string why;
  bool killed = false;

  bool exited = false, clean = false, oom = false;
  int code = 0, status = 0;                    ///< siginfo: si_code, si_status.
  Usage usage;
  Clock::time_point started_at;
  int saving = 0;                              ///< Checkpoints being made durable.
};

}  // namespace tune::detail
