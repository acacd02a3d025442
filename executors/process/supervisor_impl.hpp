// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>
#include <unordered_map>

#include "executors/clock.hpp"
#include "executors/process/attempt.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/door.hpp"
#include "executors/process/ending.hpp"
#include "executors/process/launcher.hpp"
#include "executors/process/patterns.hpp"
#include "executors/process/supervisor.hpp"

namespace tune {
namespace detail {
using AttemptPtr = std::shared_ptr<Attempt>;  // Shared with handlers in flight: one may come after the attempt is over.
using StreamPtr = std::shared_ptr<Stream>;
using Ready = asio::posix::descriptor_base;
Clock::duration ticks(double seconds);
}  // namespace detail

/// What a program puts before a report that it prints.
inline constexpr std::string_view kPrefix = "::tune ";

/// One object, three files: supervisor.cpp starts attempts, tells them what was decided and runs the loop; channels.cpp
/// reads what they say and answers; endings.cpp brings them to their end.
class Supervisor::Impl {
  using Attempt = detail::Attempt;
  using AttemptPtr = detail::AttemptPtr;
  using Stream = detail::Stream;
  using StreamPtr = detail::StreamPtr;
  using Clock = detail::Clock;

 public:
  explicit Impl(Settings settings);
  ~Impl();

  Time now() const;
  void observe(Observation o) { seen_.push_back(std::move(o)); }
  std::size_t live() const { return live_.size(); }
  bool is_live(TrialId t) const { return live_.contains(t.value); }
  const std::string& socket_path() const;

  // --- starting -----------------------------------------------------------------------------------------------------

  void start(Order order);

  // --- telling it what was decided ------------------------------------------------------------------------------------

  void ask(TrialId trial, int attempt, Cause cause, const std::string& why);
  void kill_now(TrialId trial, int attempt, Cause cause, const std::string& why);
  void extend(TrialId trial, std::int64_t until_step, const std::string& why);
  void update(TrialId trial, int attempt, const Params& params, const std::optional<std::string>& checkpoint);
  void acknowledge(TrialId trial, int attempt, std::int64_t seq);

  // --- the loop -------------------------------------------------------------------------------------------------------

  void in_background(std::function<std::function<void()>()> slow);
  std::vector<Observation> wait(std::optional<Time> until);
  void interrupt();

 private:
  // Both ends of the pipes and the socket of one attempt. (Asio makes ours non-blocking when it first waits for them.)
  struct Ends {
    Descriptor out[2], err[2], line[2];
    bool open();
  };

  Launched launch(const Order& order, const Ends& ends, int cgroup);
  void adopt(const AttemptPtr& a, Launched launched, Ends& ends);
  StreamPtr add(const AttemptPtr& a, Stream::Kind kind, Descriptor& fd, std::size_t max_line, std::string_view counted);
  void refuse(const Attempt& a, int error);
  void could_not_start(const Attempt& a, const Launched& launched);
  void exited(const Attempt& a, Cause cause, const std::string& text);
  AttemptPtr find(TrialId trial, int attempt) const;
  static std::string cgroup_name(const Attempt& a);
  static std::string subject(const Attempt& a) { return "trial " + std::to_string(a.order.trial.value); }

  // --- reading --------------------------------------------------------------------------------------------------------

  bool full() const { return seen_.size() >= settings_.most_waiting; }
  void listen(const AttemptPtr& a, const StreamPtr& s);
  void read(const AttemptPtr& a, const StreamPtr& s);
  void stall(const AttemptPtr& a, const StreamPtr& s);
  void resume();
  Clock::time_point watch_now() const;
  void take(const AttemptPtr& a, const StreamPtr& s, std::string_view bytes);
  void printed(const AttemptPtr& a, std::string_view line, bool reports);
  void report(const AttemptPtr& a, const StreamPtr& s, std::string_view text);
  void announce(Attempt& a, const ReportLine& line);
  void record(const AttemptPtr& a, const StreamPtr& s, ReportLine& line);
  bool carries_objectives(const Metrics& metrics);
  void bad_line(Attempt& a, const std::string& why, std::int64_t count);
  void log_failed(Attempt& a, int error);
  void enter(Descriptor fd, const std::string& token, const std::string& rest);

  // --- checkpoints ----------------------------------------------------------------------------------------------------

  void save(const AttemptPtr& a, const std::string& name, std::int64_t step);
  void not_saved(const AttemptPtr& a, const Error& error);
  void want_checkpoint(const AttemptPtr& a);

  // --- talking --------------------------------------------------------------------------------------------------------

  std::string command(std::string_view name, const std::string& why, const Attempt& a) const;
  std::string ending_command(const Attempt& a) const;
  void answer_durable(const AttemptPtr& a);
  void tell(const AttemptPtr& a, std::string line);
  void send(const AttemptPtr& a, const StreamPtr& s, std::string_view line);
  void flush(const AttemptPtr& a, const StreamPtr& s);

  // --- ending ---------------------------------------------------------------------------------------------------------

  void end(const AttemptPtr& a, Cause cause, const std::string& why);
  void signal(const AttemptPtr& a, int number);
  void kill(const AttemptPtr& a);
  void arm(const AttemptPtr& a);
  void on_time(const AttemptPtr& a);
  void give_up_draining(const AttemptPtr& a);
  void watch(const AttemptPtr& a);
  void look(const AttemptPtr& a, const StreamPtr& s);
  void on_exit(const AttemptPtr& a);
  void clean_up(const AttemptPtr& a);
  void drain(const AttemptPtr& a, const StreamPtr& s);
  void close(const AttemptPtr& a, const StreamPtr& s);
  void finish_if_over(const AttemptPtr& a);
  void read_result(const AttemptPtr& a);
  Ending ending_of(const Attempt& a);

  Settings settings_;
  Checkpoints checkpoints_;
  EdgeClock clock_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> forever_{io_.get_executor()};
  std::unique_ptr<boost::asio::thread_pool> background_;
  Launcher launcher_;
  std::optional<Cgroups> cgroups_;
  std::unique_ptr<detail::Door> door_;
  std::unordered_map<std::int64_t, AttemptPtr> live_;
  std::vector<Observation> seen_;
  std::vector<std::pair<AttemptPtr, StreamPtr>> stalled_;
  Clock::time_point stalled_since_;
  Clock::duration stood_still_{};
  std::atomic<bool> interrupted_{false};
  std::optional<std::int64_t> known_oom_kills_;
  const Patterns patterns_{settings_.report.regex, settings_.report.step};
  std::shared_ptr<const std::vector<std::string>> judged_names_;  // Held, so that its address stays its own.
  bool judged_ = false;
  ReportLine line_;
  std::array<char, 65536> buffer_;
};

}  // namespace tune
