// SPDX-License-Identifier: Apache-2.0
#include "ui/view/story.hpp"

#include <cmath>

#include "ui/view/ending.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

std::string step_bound(std::int64_t step) { return step == kNoStep ? "its end" : "step " + std::to_string(step); }

/// "at rung 2 of bracket 0, step 9, it had 0.31, rank 3 of 27, and the cut was 0.4".
std::string crossing(const std::optional<Rung>& rung) {
  if (!rung) return {};
  std::string out = ": at rung " + std::to_string(rung->rung) + " of bracket " + std::to_string(rung->bracket) + ", step " +
                    std::to_string(rung->step) + ", it had " + number_text(rung->value) + ", rank " +
                    std::to_string(rung->rank) + " of " + std::to_string(rung->of);
  return out + (std::isnan(rung->cut) ? "" : ", and the cut was " + number_text(rung->cut));
}

std::string attempt_text(int attempt) { return "attempt " + std::to_string(attempt); }

std::string tell(const Propose& p) {
  std::string out = "proposed";
  if (!p.sampler.empty()) out += " by " + printable(p.sampler);
  if (p.source == "point") out = "taken from the config's `points`";
  if (p.source == "warm_start") out = "taken from another experiment";
  if (p.replicate_of)
    out = (p.source == "confirm" ? "confirms trial " : "repeats trial ") + std::to_string(p.replicate_of->value) + " with another seed";
  if (p.source == "enqueued") out = "enqueued by a person";
  if (p.source == "sampler" && p.as_of > 0)
    out += ", which had learned everything up to record " + std::to_string(p.as_of);
  if (p.parent) out += ", from trial " + std::to_string(p.parent->value);
  if (p.seconds >= 0.001) out += " (thought for " + duration_text(p.seconds) + ")";
  return out + ": " + params_text(p.params);
}

std::string tell(const Launch& l) {
  std::string out = attempt_text(l.attempt) + (l.speculative             ? ", begun as a copy, goes on"
                                               : l.form == Form::resume  ? " resumed"
                                               : l.form == Form::restart ? " started over"
                                                                         : " launched");
  if (!l.ranks.empty()) {
    const auto& seat = l.ranks.front();
    out += " on worker " + std::to_string(seat.worker.value) + " with " + number_text(seat.cpus) + " cpu";
    for (const int device : seat.devices) out += ", gpu " + std::to_string(device);
  }
  if (l.from) out += " from checkpoint " + l.from->substr(0, 12);
  return out + ", up to " + step_bound(l.until_step) + crossing(l.rung);
}

std::string tell(const Speculate& s) {
  return "a copy, " + attempt_text(s.attempt) + ", begun on worker " + (s.ranks.empty() ? "?" : std::to_string(s.ranks.front().worker.value)) +
         (s.from ? " from checkpoint " + s.from->substr(0, 12) : "");
}
std::string tell(const EndCopy& e) { return "its copy, " + attempt_text(e.attempt) + ", is not needed any more"; }
std::string tell(const CopyExited& e) {
  return "its copy, " + attempt_text(e.attempt) + ", ended: " + std::string{cause_text(e.cause)} + (e.text.empty() ? "" : ", " + printable(e.text));
}
std::string tell(const Extend& e) { return "may go on up to " + step_bound(e.until_step) + crossing(e.rung); }
std::string tell(const Pause& p) { return "paused" + crossing(p.rung); }
std::string tell(const Resize& r) {
  std::string out = "gets " + number_text(r.resources.cpus) + " cpu";
  if (r.resources.gpus > 0) out += ", " + number_text(r.resources.gpus) + " gpu";
  if (r.resources.memory_bytes > 0) out += ", " + size_text(r.resources.memory_bytes);
  for (const auto& [name, amount] : r.resources.custom) out += ", " + number_text(amount) + " " + printable(name);
  return out;
}
std::string tell(const Stop& s) {
  const char* how = s.as == TrialState::cancelled  ? "cancelled"
                    : s.as == TrialState::complete ? "asked to end, all its steps are done"
                                                   : "stopped";
  return how + crossing(s.rung);
}
std::string tell(const Exploit& e) {
  return "takes over from trial " + std::to_string(e.donor.value) + " at step " + std::to_string(e.step) + ": " +
         params_text(e.params);
}
std::string tell(const Update& u) { return "given new parameters: " + params_text(u.params); }
std::string tell(const Retry& r) { return "queued again after " + attempt_text(r.attempt); }
std::string tell(const Settle& s, const Spec& spec) {
  std::string out{to_text(s.state)};
  for (std::size_t i = 0; i < s.values.size() && i < spec.objectives.size(); ++i)
    out += (i ? ", " : " with ") + number_text(s.values[i]) + " " + printable(spec.objectives[i].metric);
  if (s.at_step > 0) out += " at step " + std::to_string(s.at_step);
  if (s.cause != Cause::done) out += ": " + std::string(cause_text(s.cause));
  return out + (s.feasible ? "" : "; an outcome constraint does not hold");
}

std::string tell(const Started& s) {
  return attempt_text(s.attempt) + (s.pid ? " started, pid " + std::to_string(s.pid) : " is in somebody's hands");
}
std::string tell(const Announced& a) {
  return "said " + printable(a.event) + (a.text.empty() ? "" : ": " + printable(a.text));
}
std::string tell(const Checkpointed& c) {
  return "saved a checkpoint at step " + std::to_string(c.step) + ", " + size_text(c.bytes) + " in " +
         duration_text(c.seconds);
}
std::string tell(const Updated& u) { return "works with the new parameters from step " + std::to_string(u.step); }
std::string tell(const Exited& e) {
  std::string out = attempt_text(e.attempt) + " ended: " + ending_text(e);
  if (e.usage.seconds > 0) out += ", after " + duration_text(e.usage.seconds);
  if (e.usage.peak_memory_bytes > 0) out += ", at most " + size_text(e.usage.peak_memory_bytes);
  return out + ", " + std::to_string(e.last_seq) + " reports";
}
std::string tell(const Fenced& f) {
  return "late words of " + attempt_text(f.attempt) + " were not counted: " + printable(f.what);
}
std::string tell(const Requested& r) {
  return printable(r.by) + " asked for `" + printable(r.verb) + "`" + (r.via.empty() ? "" : " by " + printable(r.via));
}
std::string tell(const Annotated& a) {
  return printable(a.by) + (a.note ? " noted: " + printable(*a.note) : " changed its tags");
}


std::string tell(const Configured& c) {
  if (c.changes.empty()) return "configured" + (c.by.empty() ? "" : " by " + printable(c.by));
  std::string changes = c.changes;
  while (changes.ends_with('\n')) changes.pop_back();
  for (auto at = changes.find('\n'); at != std::string::npos; at = changes.find('\n', at)) changes.replace(at, 1, "; ");
  return (c.by.empty() ? "settings changed: " : printable(c.by) + " changed the settings: ") + printable(changes);
}
std::string tell(const Opened& o) {
  return "tune " + printable(o.version) + " took over on " + printable(o.host) + ", pid " + std::to_string(o.pid) +
         (o.reason.empty() ? "" : " (" + printable(o.reason) + ")");
}
std::string tell(const Imported& i) {
  return std::to_string(i.trials.size()) + " trials taken over from " + printable(i.source);
}
std::string worker_text(WorkerId worker) { return "worker " + std::to_string(worker.value); }
std::string because(const std::string& why) { return why.empty() ? "" : ": " + printable(why); }
std::string tell(const WorkerJoined& w) {
  return worker_text(w.worker) + " joined" + (w.name.empty() ? "" : ", " + printable(w.name)) + " with " + number_text(w.offers.cpus) + " cpu";
}
std::string tell(const WorkerChanged& w) { return worker_text(w.worker) + " is " + printable(w.state) + because(w.why); }
std::string tell(const WorkerLost& w) { return worker_text(w.worker) + " is lost" + because(w.why); }
std::string tell(const CheckpointLost& c) { return "checkpoint " + printable(c.checkpoint.substr(0, 12)) + " is lost" + because(c.why); }
std::string tell(const Warned& w) { return printable(w.text.empty() ? w.code : w.text); }
std::string tell(const Supplied& s) {
  return printable(s.name) + " is " + printable(s.hash.substr(0, 12)) + ": " + std::to_string(s.files) + (s.files == 1 ? " file, " : " files, ") + size_text(s.bytes) +
         " at " + printable(s.path);
}
std::string tell(const Collect& c) { return std::to_string(c.checkpoints.size()) + " checkpoints are no longer needed"; }
std::string tell(const Collected& c) {
  return std::to_string(c.checkpoints.size()) + " checkpoints deleted, " + size_text(c.bytes);
}
std::string tell(const Finish& f) {
  return std::string(f.live_as ? "no new trials, and running ones end" : "no new trials") + "; exit code " + std::to_string(f.exit_code);
}

}  // namespace

std::string sentence(const Record& record, const Spec& spec) {
  const auto visit = [&](const auto& fact) -> std::string {
    if constexpr (requires { tell(fact); })
      return tell(fact);
    else if constexpr (requires { tell(fact, spec); })
      return tell(fact, spec);
    else
      return {};
  };
  if (const auto* observation = record.observation()) return std::visit(visit, *observation);
  return std::visit(visit, record.decided()->what);
}

std::string reason_text(const Record& record) {
  const auto* decided = record.decided();
  if (!decided || decided->reason.why.empty()) return {};
  return printable(decided->reason.why) +
         (decided->reason.by.empty() ? "" : " (" + printable(decided->reason.by) + ")");
}

std::string story(const std::vector<Record>& facts, const Spec& spec, bool colour) {
  std::string out;
  const double began = facts.empty() ? 0 : facts.front().at.seconds;
  for (const auto& record : facts) {
    const auto text = sentence(record, spec);
    if (text.empty()) continue;
    out += " " +
           paint(Style::dim, pad("+" + duration_text(std::max(0.0, record.at.seconds - began)), 8, true), colour) +
           "  " + text + "\n";
    if (const auto why = reason_text(record); !why.empty())
      out += "           " + paint(Style::dim, "because " + why, colour) + "\n";
  }
  return out;
}

}  // namespace tune
