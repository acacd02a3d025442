// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/confirm.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "tuner/json.hpp"
#include "ui/cli/listing.hpp"
#include "ui/cli/run_here.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

struct Candidate {
  TrialId trial;
  double seen = 0;             ///< What made it a leader.
  std::vector<double> values;  ///< Of the runs that succeeded.
  std::int64_t failed = 0;
  double mean = NAN, error = NAN;  ///< Standard error of the mean; NaN for a single run.
  double optimism = NAN;           ///< How much better it seemed than it is.
};

void judge(Candidate& c, bool maximize) {
  const auto n = static_cast<double>(c.values.size());
  if (n == 0) return;
  c.mean = 0;
  for (const double v : c.values) c.mean += v / n;
  double squares = 0;
  for (const double v : c.values) squares += (v - c.mean) * (v - c.mean);
  if (n > 1) c.error = std::sqrt(squares / (n - 1) / n);
  c.optimism = maximize ? c.seen - c.mean : c.mean - c.seen;
}

/// Every trial that was ever run again to confirm it, best first; the confirmed one stands in front.
std::vector<Candidate> candidates_of(const Sweep& sweep, const Subject& subject) {
  const auto& history = sweep.history();
  std::map<TrialId, Candidate> all;
  for (const Trial& t : history.trials()) {
    if (!t.replicate_of || !is_final(t.state)) continue;
    const auto facts = subject.reader->facts(subject.experiment.id, t.id);
    if (!facts || facts->empty() || !facts->front().as<Propose>() || facts->front().as<Propose>()->source != "confirm") continue;
    Candidate& c = all[*t.replicate_of];
    const bool finite = t.state == TrialState::complete && !t.values.empty() && std::isfinite(t.values.front());
    if (finite)
      c.values.push_back(t.values.front());
    else if (t.state != TrialState::cancelled && t.state != TrialState::stopped)
      ++c.failed;
  }
  std::vector<Candidate> out;
  const auto& objective = sweep.spec().objectives.front();
  for (auto& [trial, c] : all) {
    c.trial = trial;
    c.seen = history.trial(trial).values.front();
    judge(c, objective.maximize);
    out.push_back(std::move(c));
  }
  const auto place = [&](const Candidate& c) {
    return std::tuple{history.best() != c.trial, c.failed, -static_cast<std::int64_t>(c.values.size()), history.score(c.mean)};
  };
  std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return out;
}

std::string as_json(const Sweep& sweep, const std::vector<Candidate>& all) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("experiment").value(sweep.spec().name).key("metric").value(sweep.spec().objectives.front().metric);
  if (const auto best = sweep.history().best()) json.key("best").value(best->value);
  json.key("candidates").begin_array();
  for (const auto& c : all) {
    json.begin_object().key("trial").value(c.trial.value).key("seen").value(c.seen).key("mean").value(c.mean);
    json.key("standard_error").value(c.error).key("optimism").value(c.optimism).key("failed").value(c.failed);
    json.key("values").begin_array();
    for (const double v : c.values) json.value(v);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out + "\n";
}

void show(Invocation& call, const Sweep& sweep, const Subject& subject) {
  const auto all = candidates_of(sweep, subject);
  if (call.format() != Invocation::Format::table && call.format() != Invocation::Format::csv) return call.print_exact(as_json(sweep, all));
  Listing listing({{"trial"}, {"seen"}, {"mean"}, {"error"}, {"seeds"}, {"failed"}, {"optimism"}});
  for (const auto& c : all)
    listing.add({c.trial.value, c.seen, c.mean, c.error, static_cast<std::int64_t>(c.values.size()), c.failed, c.optimism});
  call.print(listing);
  if (all.empty() || std::isnan(all.front().mean)) return;
  const auto& best = all.front();
  call.tell(sweep.spec().name + "/" + std::to_string(best.trial.value) + " is worth " + number_text(best.mean) +
            (std::isnan(best.error) ? "" : " ± " + number_text(best.error)) + " " +
            printable(sweep.spec().objectives.front().metric) + "; the value seen was " +
            (best.optimism == 0 ? "the same" : (best.optimism > 0 ? "better by " : "worse by ") + number_text(std::fabs(best.optimism))));
}

}  // namespace

int confirm_best(Invocation& call, const Subject& subject, const Spec& spec, std::int64_t count) {
  const std::string again =
      "tune best " + shell_quoted(subject.experiment.name) + " --confirm " + std::to_string(count) + call.store_hint();
  const auto open = [&](const SweepOptions& options) -> Result<std::unique_ptr<Sweep>> {
    auto sweep = Sweep::open_existing(subject.experiment.name, options);
    if (!sweep || (*sweep)->history().confirming()) return sweep;
    Requested wish;
    wish.by = "user", wish.via = "command line", wish.verb = "confirm";
    wish.params.set("count", count);
    if (auto asked = (*sweep)->apply({wish}); !asked) return asked.error();
    return sweep;
  };
  return run_here(call, spec, call.store(), again, open, [&](const Sweep& sweep) { show(call, sweep, subject); });
}

}  // namespace tune
