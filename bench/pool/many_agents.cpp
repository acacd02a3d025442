// SPDX-License-Identifier: Apache-2.0
// Plays many agents of one coordinator in one process: real lines (mutual TLS, epoll, one thread), real messages, no trials. Each
// says that what it is ordered to launch has started and reports a step a second from then on; when the coordinator has said
// that a report is durable, the time since it was sent is taken. bench/pool/measure starts it beside a `tune sweep`.
//
//   bench_many_agents STORE.d AGENTS [COMMAND]…   prints a line of JSON for each command, and each opening that was lost
//     dial RATE      dials with so many a second, and waits until all are welcome
//     lease          waits until each has a trial that started, durably
//     report SECONDS takes the times of what is acknowledged
//     cut            breaks all connections at once; each dials again as an agent does. Waits until all are welcome
//     away           waits until all are lost (the coordinator was killed) and welcome again
//
// The coordinator and this program need a descriptor for each agent (ulimit -n; the soft limit is raised to the hard one).
#include <sys/resource.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <mutex>
#include <thread>

#include "bench/support.hpp"
#include "executors/link/line.hpp"
#include "executors/pool/invitation.hpp"
#include "executors/pool/messages.hpp"
#include "executors/process/host.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) fail(result.error().message);
  return std::move(*result);
}

/// What all of them have seen, together.
struct Tally {
  std::atomic<int> welcome = 0, started = 0;
  std::atomic<std::int64_t> lost = 0, fenced = 0, sent = 0;
  std::mutex mutex;
  std::vector<float> waits;   // Seconds from sending a report until it was acknowledged.
  std::vector<float> closed;  // When, by now(), an opening or a try to open ended.
};

/// One agent. Callbacks come on the lines' thread, tick() on ours.
class Player {
 public:
  Player(const std::string& name, double phase, Tally& tally) : name_(name), phase_(phase), tally_(tally) {}

  void dial(const std::string& address, Credentials credentials, std::shared_ptr<LineThread> thread) {
    Line::Callbacks heard;
    heard.opened = [this](Line::Opening opening) { opened(opening); };
    heard.received = [this](Line::Opening, std::string_view text) { received(text); };
    heard.closed = [this](Line::Opening, const std::string& why, bool) { closed(why); };
    const std::lock_guard lock(mutex_);  // It may be open before it is ours.
    line_ = must(Line::open({address, std::move(credentials), std::string{kAgentProtocol}, std::move(thread)}, std::move(heard)));
  }
  void cut() { line_->reconnect_now(); }
  void stop() { line_->stop(); }

  /// Says what is due.
  void tick(double at) {
    const std::lock_guard lock(mutex_);
    if (!welcome_) return;
    if (at >= next_beat_) say(Beat{at}), next_beat_ = at + beat_;
    if (!trial_ || at < next_report_) return;
    next_report_ = std::max(next_report_ + 1, at);
    Reported report;
    report.trial = trial_->trial, report.attempt = trial_->attempt;
    report.seq = report.step = ++step_;
    report.metrics = {{"loss", 1.0 / static_cast<double>(step_)}};
    happened(report, at);
  }

 private:
  struct Unsaid {
    Record fact;
    double at = 0;  // When it was sent.
    bool report = false, again = false;
  };

  void opened(Line::Opening opening) {
    const std::lock_guard lock(mutex_);
    opening_ = opening;
    Hello hello;
    hello.worker.agent = name_, hello.worker.name = name_, hello.worker.version = TUNE_VERSION;
    hello.boot_id = "played";
    if (trial_) hello.held.push_back(*trial_);
    say(hello);
  }
  void closed(const std::string& why) {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(welcome_, false)) return;
    --tally_.welcome, ++tally_.lost;
    const std::lock_guard both(tally_.mutex);
    if (tally_.closed.size() < 3) std::fprintf(stderr, "%s: %s\n", name_.c_str(), why.c_str());
    tally_.closed.push_back(static_cast<float>(now()));
  }
  void received(std::string_view text) {
    auto message = must(read_message(text));
    const std::lock_guard lock(mutex_);
    std::visit([this](const auto& m) { take(m); }, message);
  }

  void take(const Welcome& welcome) { beat_ = welcome.beat; }
  void take(const Opening& opening) {
    experiment_ = opening.experiment;
    const double at = now();
    if (!std::exchange(welcome_, true)) ++tally_.welcome;
    next_beat_ = at + phase_ * beat_;
    next_report_ = at + phase_;
    for (auto& one : unsaid_) {  // Once more.
      one.again = true;
      say(Happened{experiment_, {one.fact}});
    }
  }
  void take(const Order& order) {
    const auto* decided = order.fact.decided();
    const auto* launch = decided ? std::get_if<Launch>(&decided->what) : nullptr;
    if (launch && trial_ && trial_->trial == launch->trial && trial_->attempt == launch->attempt) return;  // Said again.
    if (launch) {
      trial_ = {experiment_, launch->trial, launch->attempt};
      step_ = 0;
      Started started;
      started.trial = launch->trial, started.attempt = launch->attempt, started.pid = 1;
      happened(started, now());
    } else if (const auto ends = decided ? asked_to_end(decided->what) : std::nullopt; ends) {
      end(ends->cause);
    }
  }
  void take(const Acknowledged& acknowledged) {
    const double at = now();
    const std::lock_guard both(tally_.mutex);
    while (!unsaid_.empty() && unsaid_.front().fact.seq <= acknowledged.seq) {
      const auto& first = unsaid_.front();
      if (std::get_if<Started>(first.fact.observation())) ++tally_.started;
      if (first.report && !first.again) tally_.waits.push_back(static_cast<float>(at - first.at));
      if (!first.again) next_beat_ = std::max(next_beat_, first.at + beat_);  // As an agent does.
      unsaid_.pop_front();
    }
  }
  void take(const Fence&) { ++tally_.fenced, trial_.reset(); }
  void take(const Closing&) { end(Cause::shutdown); }
  void take(const auto&) {}

  void end(Cause cause) {
    if (!trial_) return;
    Exited exited;
    exited.trial = trial_->trial, exited.attempt = trial_->attempt, exited.cause = cause, exited.last_seq = step_;
    happened(exited, now());
    trial_.reset();
  }
  void happened(Observation what, double at) {
    const bool report = std::holds_alternative<Reported>(what);
    if (report) ++tally_.sent;
    unsaid_.push_back({{++seq_, Time{}, 0, std::move(what)}, at, report, false});
    if (welcome_) say(Happened{experiment_, {unsaid_.back().fact}});
  }
  void say(const Message& message) { line_->send(opening_, write_message(message)); }

  const std::string name_;
  const double phase_;  // In [0, 1): nobody beats together.
  Tally& tally_;
  std::mutex mutex_;
  std::unique_ptr<Line> line_;
  Line::Opening opening_ = 0;
  bool welcome_ = false;
  std::string experiment_;
  std::optional<AttemptName> trial_;
  std::deque<Unsaid> unsaid_;
  std::int64_t seq_ = 0, step_ = 0;
  double beat_ = 2, next_beat_ = 0, next_report_ = 0;
};

class Crowd {
 public:
  Crowd(const std::string& folder, std::size_t size) : address_(must(last_address(folder))) {
    const auto today = std::time(nullptr);
    const auto authority = must(Authority::open(folder, today));
    const auto request = must(make_request());  // One key for all; the certificates are their own.
    for (std::size_t i = 0; i < size; ++i) {
      const std::string name = "played-" + std::to_string(i);
      certificates_.push_back({must(authority.admit(request.csr, {name, "", ""}, today + 24 * 3600, today)), request.key, authority.certificate()});
      players_.push_back(std::make_unique<Player>(name, static_cast<double>(i * 7919 % size) / static_cast<double>(size), tally_));
    }
    clock_ = std::thread([this] { tick(); });
  }
  ~Crowd() {
    over_ = true;
    clock_.join();
    for (std::size_t i = 0; i < dialled_; ++i) players_[i]->stop();
  }

  void dial(double rate) {
    const double began = now();
    for (std::size_t i = 0; i < players_.size(); ++i) {
      sleep_until(began + static_cast<double>(i) / rate);
      players_[i]->dial(address_, certificates_[i], thread_);
      ++dialled_;
    }
    wait_until([this] { return all_welcome(); }, "all are welcome");
    say("dial", began);
  }
  void lease() {
    const double began = now();
    wait_until([this] { return tally_.started >= static_cast<int>(players_.size()); }, "each has a trial");
    say("lease", began);
  }
  void report(double seconds) {
    const auto sent = tally_.sent.load();
    {
      const std::lock_guard lock(tally_.mutex);
      tally_.waits.clear();
    }
    const double began = now(), cpu = cpu_seconds();
    sleep_until(began + seconds);
    const std::lock_guard lock(tally_.mutex);
    auto& waits = tally_.waits;
    std::sort(waits.begin(), waits.end());
    const auto at = [&](double share) { return waits.empty() ? NAN : 1000 * waits[static_cast<std::size_t>(share * static_cast<double>(waits.size() - 1))]; };
    std::printf(R"({"what": "report", "seconds": %.1f, "sent": %lld, "acknowledged": %zu, "median_ms": %.1f, "p99_ms": %.1f, "worst_ms": %.1f, )"
                R"("lost": %lld, "fenced": %lld, "our_cpu": %.2f})" "\n",
                now() - began, static_cast<long long>(tally_.sent - sent), waits.size(), at(0.5), at(0.99), at(1),
                static_cast<long long>(tally_.lost), static_cast<long long>(tally_.fenced), (cpu_seconds() - cpu) / (now() - began));
    std::fflush(stdout);
  }
  void cut() {
    const auto lost = tally_.lost.load();
    const double began = now();
    for (auto& player : players_) player->cut();
    wait_until([&] { return tally_.lost - lost >= static_cast<std::int64_t>(players_.size()) && all_welcome(); }, "all are back");
    say("cut", began);
  }
  void away() {
    wait_until([this] { return tally_.welcome == 0; }, "all are lost");
    std::printf("{\"what\": \"lost\"}\n");
    std::fflush(stdout);
    const double began = now();
    wait_until([this] { return all_welcome(); }, "all are back");
    say("away", began);
  }

 private:
  bool all_welcome() const { return tally_.welcome == static_cast<int>(players_.size()); }
  static void sleep_until(double at) {
    if (const double left = at - now(); left > 0) std::this_thread::sleep_for(std::chrono::duration<double>(left));
  }
  void wait_until(const std::function<bool()>& holds, const char* what) {
    for (const double until = now() + 300; !holds(); sleep_until(now() + 0.005))
      if (now() > until) fail("it never came that " + std::string{what} + ": " + std::to_string(tally_.welcome) + " are welcome, " + std::to_string(tally_.started) + " have a trial");
  }
  static void say(const char* what, double began) {
    std::printf("{\"what\": \"%s\", \"seconds\": %.2f}\n", what, now() - began);
    std::fflush(stdout);
  }
  void tick() {
    while (!over_) {
      const double at = now();
      for (std::size_t i = 0, all = dialled_; i < all; ++i) players_[i]->tick(at);
      sleep_until(at + 0.01);
    }
  }

  const std::string address_;
  Tally tally_;
  std::shared_ptr<LineThread> thread_ = std::make_shared<LineThread>();
  std::vector<Credentials> certificates_;
  std::vector<std::unique_ptr<Player>> players_;
  std::atomic<std::size_t> dialled_ = 0;
  std::atomic<bool> over_ = false;
  std::thread clock_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) fail("bench_many_agents STORE.d AGENTS [dial RATE | lease | report SECONDS | cut | away]…");
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Crowd crowd(argv[1], static_cast<std::size_t>(std::atoi(argv[2])));
  for (int i = 3; i < argc; ++i) {
    const std::string what = argv[i];
    if (what == "lease") crowd.lease();
    else if (what == "cut") crowd.cut();
    else if (what == "away") crowd.away();
    else if (what == "dial" && i + 1 < argc) crowd.dial(std::atof(argv[++i]));
    else if (what == "report" && i + 1 < argc) crowd.report(std::atof(argv[++i]));
    else fail("there is no command " + what);
  }
}
