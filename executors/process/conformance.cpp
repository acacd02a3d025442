// SPDX-License-Identifier: Apache-2.0
#include "executors/process/conformance.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "executors/process/process_executor.hpp"

namespace tune {
namespace {

using Verdict = Conformance::Verdict;

// One attempt at a time, with a script for the loop's part.
class Play {
 public:
  struct Seen {
    std::vector<Reported> reports;
    std::vector<Checkpointed> checkpoints;
    std::vector<std::string> caps, warnings;
    std::optional<Exited> exited;
  };
  /// Called after each report, before it is acknowledged.
  using Script = std::function<void(Executor&, const History&, const Seen&)>;

  Play(const Spec& spec, Executor& executor, const Params& params, Duration patience)
      : history_(spec), executor_(executor), params_(params), patience_(patience) {}

  Seen run(std::int64_t trial, const Script& script, std::optional<std::string> from = {}) {
    Launch launch;
    launch.trial = {trial};
    launch.attempt = ++attempts_[trial];
    launch.params = params_;
    launch.from = std::move(from);
    Seat seat;
    seat.worker = {0};
    seat.cpus = 1;
    launch.ranks = {seat};
    executor_.carry_out({launch, {}}, history_);

    Seen seen;
    const Time end = executor_.now() + patience_;
    bool over = false;
    while (!seen.exited) {
      for (const auto& o : executor_.wait(over ? std::optional<Time>{} : end)) {
        take(o, seen);
        if (std::holds_alternative<Reported>(o)) script(executor_, history_, seen);
        executor_.acknowledge(o);
      }
      if (!seen.exited && !over && executor_.now() >= end) {
        over = true;
        executor_.shut_down(true);
      }
    }
    return seen;
  }
  int attempt(std::int64_t trial) { return attempts_[trial]; }

 private:
  static void take(const Observation& o, Seen& seen) {
    if (const auto* r = std::get_if<Reported>(&o)) seen.reports.push_back(*r);
    if (const auto* c = std::get_if<Checkpointed>(&o)) seen.checkpoints.push_back(*c);
    if (const auto* a = std::get_if<Announced>(&o)) seen.caps.insert(seen.caps.end(), a->caps.begin(), a->caps.end());
    if (const auto* w = std::get_if<Warned>(&o)) seen.warnings.push_back(w->text);
    if (const auto* e = std::get_if<Exited>(&o)) seen.exited = *e;
  }

  History history_;
  Executor& executor_;
  Params params_;
  Duration patience_;
  std::map<std::int64_t, int> attempts_;
};

bool ended_well(const Play::Seen& seen) { return seen.exited->exit_code == 0; }

std::string count(std::size_t n, const std::string& what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

std::string how_it_ended(const Exited& e) {
  if (e.cause == Cause::shutdown) return "it was still running when the time was up";
  if (!e.text.empty()) return printable(e.text);
  return e.exit_code ? "exit code " + std::to_string(*e.exit_code) : "signal " + std::to_string(e.signal.value_or(0));
}

Conformance::Finding reports(const Play::Seen& seen, const Spec& spec) {
  const auto& e = *seen.exited;
  if (seen.reports.empty())
    return {"reports", Verdict::no,
            "it reported nothing (" + how_it_ended(e) + ")" + (seen.warnings.empty() ? "" : "; " + printable(seen.warnings.front()))};
  for (const auto& objective : spec.objectives)
    if (!objective.metric.empty() && !seen.reports.back().metrics.find(objective.metric))
      return {"reports", Verdict::no, count(seen.reports.size(), "report") + ", but the last one has no `" + printable(objective.metric) + "`"};
  return {"reports", Verdict::yes, count(seen.reports.size(), "report") + ", up to step " + std::to_string(seen.reports.back().step)};
}

Conformance::Finding stop(Play& play) {
  const auto seen = play.run(1, [&](Executor& e, const History& h, const Play::Seen& s) {
    if (s.reports.size() == 2) e.carry_out({Stop{{1}, play.attempt(1), TrialState::stopped, {}}, {0, "doctor", "conformance", ""}}, h);
  });
  if (seen.reports.size() < 2) return {"stop", Verdict::unknown, "it reports once only: there is nothing to stop"};
  if (seen.exited->cause != Cause::stopped) return {"stop", Verdict::unknown, "it ended before it was asked to: " + how_it_ended(*seen.exited)};
  const auto later = seen.reports.size() - 2;
  if (seen.exited->signal) return {"stop", Verdict::no, "it did not end when asked to and was " + std::string{"killed by signal "} + std::to_string(*seen.exited->signal)};
  if (!ended_well(seen)) return {"stop", Verdict::no, "it ended with exit code " + std::to_string(seen.exited->exit_code.value_or(0)) + " instead of 0"};
  return {"stop", Verdict::yes, "it ended with exit code 0, " + count(later, "report") + " after it was asked to"};
}

void checkpoints(Play& play, Conformance& out) {
  const auto seen = play.run(2, [&](Executor& e, const History& h, const Play::Seen& s) {
    if (s.reports.size() == 2) e.carry_out({Pause{{2}, play.attempt(2), {}}, {0, "doctor", "conformance", ""}}, h);
  });
  if (seen.checkpoints.empty()) {
    const std::string why = seen.warnings.empty() ? "it handed none over when told to pause" : printable(seen.warnings.back());
    out.findings.push_back({"checkpoint", Verdict::no, why + ": a paused trial begins again"});
    return;
  }
  const auto& saved = seen.checkpoints.back();
  out.findings.push_back({"checkpoint", Verdict::yes, "step " + std::to_string(saved.step) + ", " + std::to_string(saved.bytes) + " bytes"});
  const bool paused = seen.exited->cause == Cause::paused && ended_well(seen);
  out.findings.push_back({"pause", paused ? Verdict::yes : Verdict::no, paused ? "it saved and ended with exit code 0" : how_it_ended(*seen.exited)});

  const auto again = play.run(2, [](Executor&, const History&, const Play::Seen&) {}, saved.checkpoint);
  if (again.reports.empty())
    out.findings.push_back({"resume", Verdict::no, "started from its checkpoint it reported nothing: " + how_it_ended(*again.exited)});
  else if (again.reports.front().step <= saved.step)
    out.findings.push_back({"resume", Verdict::no, "started from step " + std::to_string(saved.step) + " it began again at step " + std::to_string(again.reports.front().step)});
  else
    out.findings.push_back({"resume", Verdict::yes, "it went on at step " + std::to_string(again.reports.front().step)});
}

}  // namespace

bool Conformance::usable() const {
  const auto* reports = find("reports");
  return reports && reports->verdict == Verdict::yes;
}

const Conformance::Finding* Conformance::find(const std::string& subject) const {
  for (const auto& finding : findings)
    if (finding.subject == subject) return &finding;
  return nullptr;
}

std::string Conformance::text() const {
  std::string out;
  for (const auto& f : findings) {
    out += f.verdict == Verdict::yes ? "yes  " : f.verdict == Verdict::no ? "no   " : "?    ";
    out += f.subject + std::string(f.subject.size() < 12 ? 12 - f.subject.size() : 1, ' ') + f.text + "\n";
  }
  return out;
}

Result<Conformance> check_conformance(Spec spec, const Params& params, Duration patience) {
  spec.name = "doctor";
  spec.parallel = 1;
  spec.stop = {};
  spec.checkpoint = CheckpointSpec{};
  spec.shutdown.grace = Duration{5};
  if (spec.objectives.empty()) spec.objectives.push_back({});
  auto made = ProcessExecutor::make({spec, "", ""});  // With a temporary folder.
  if (!made) return made.error();
  Executor& executor = **made;
  executor.open(History(spec));
  Play play(spec, executor, params, patience);

  Conformance out;
  const auto whole = play.run(0, [](Executor&, const History&, const Play::Seen&) {});
  out.findings.push_back(reports(whole, spec));
  if (!out.usable()) return out;
  out.findings.push_back(stop(play));
  checkpoints(play, out);

  const auto killed = play.run(3, [](Executor& e, const History&, const Play::Seen& s) {
    if (s.reports.size() == 1) e.shut_down(true);
  });
  const bool signalled = killed.exited->signal.has_value();
  out.findings.push_back({"kill", signalled ? Verdict::yes : Verdict::unknown,
                          signalled ? "killed, nothing of it is left" : "it ended before it could be killed"});
  return out;
}

}  // namespace tune
