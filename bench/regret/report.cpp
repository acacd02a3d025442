// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/report.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "bench/regret/scores.hpp"
#include "bench/shared/results.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::regret {
namespace {

using bench::heading, bench::number, bench::row;
using detail::Scores;

/// What the tables are made of, at one number of trials.
class Comparison {
 public:
  Comparison(const Scores& scores, std::vector<std::string> tools, std::string baseline,
             const std::vector<std::string>& problems, int n)
      : scores_(scores), tools_(std::move(tools)), baseline_(std::move(baseline)), n_(n) {
    for (const auto& p : problems)
      (std::all_of(tools_.begin(), tools_.end(), [&](auto& t) { return scores.regrets(t, p, n).has_value(); }) ? common_
                                                                                                              : missing_)
          .push_back(p);
    for (const auto& p : common_) rank(p);
  }
  std::string text() const;
  /// As lines of pairs() have them: how often the tool is better, equal and worse than the baseline.
  std::string outcomes(const std::string& tool) const;
  std::string seeds(const std::string& tool) const;
  std::size_t problems() const { return common_.size(); }
  /// ln of the tool's typical regret over the baseline's, by problem.
  std::vector<double> log_ratios(const std::string& tool) const;

 private:
  double typical(const std::string& tool, const std::string& problem) const {
    return median(*scores_.regrets(tool, problem, n_));
  }
  double normalised(const std::string& tool, const std::string& problem) const {
    return mean(*scores_.regrets(tool, problem, n_)) / scores_.normaliser(problem);
  }
  void rank(const std::string& problem) {
    std::vector<double> values;
    for (const auto& t : tools_) values.push_back(typical(t, problem));
    const auto r = ranks(values);
    for (std::size_t i = 0; i < tools_.size(); ++i) ranks_[tools_[i]].push_back(r[i]);
  }
  std::string left_out() const {
    constexpr std::size_t kNamed = 8;
    std::string out = "Left out, because not every tool has runs there:";
    for (std::size_t i = 0; i < std::min(kNamed, missing_.size()); ++i) out += " " + missing_[i];
    if (missing_.size() > kNamed) out += " and " + std::to_string(missing_.size() - kNamed) + " more";
    return out + "\n\n";
  }

  const Scores& scores_;
  std::vector<std::string> tools_;
  std::string baseline_;
  int n_;
  std::vector<std::string> common_, missing_;
  std::map<std::string, std::vector<double>> ranks_;
};

std::vector<double> Comparison::log_ratios(const std::string& tool) const {
  std::vector<double> out;
  for (const auto& p : common_) {
    const double floor = scores_.floor(p);
    out.push_back(std::log(std::max(typical(tool, p), floor) / std::max(typical(baseline_, p), floor)));
  }
  return out;
}

std::string Comparison::seeds(const std::string& tool) const {
  std::set<std::size_t> counts;
  for (const auto& p : common_) counts.insert(scores_.regrets(tool, p, n_)->size());
  if (counts.empty()) return "0";
  return std::to_string(*counts.begin()) + (counts.size() > 1 ? "-" + std::to_string(*counts.rbegin()) : "");
}

std::string Comparison::outcomes(const std::string& tool) const {
  const auto logs = log_ratios(tool);
  const auto count = [&](auto test) { return std::to_string(std::count_if(logs.begin(), logs.end(), test)); };
  return count([](double l) { return l < 0; }) + " / " + count([](double l) { return l == 0; }) + " / " +
         count([](double l) { return l > 0; });
}

std::string Comparison::text() const {
  std::string out = "\n### At " + std::to_string(n_) + " trials: " + std::to_string(common_.size()) + " problems\n\n";
  if (!missing_.empty()) out += left_out();
  if (common_.empty()) return out;
  std::vector<double> p;
  for (const auto& t : tools_)
    if (t != baseline_) p.push_back(signed_rank(log_ratios(t)).p);
  const auto adjusted = holm(p);
  out += heading({"tool", "seeds", "rank", "ratio to " + baseline_, "better / same / worse", "worse than 1.5x", "p (Holm)",
                  "normalised", "of " + baseline_ + "'s", "won"});
  std::size_t test = 0;
  std::vector<double> of_baseline;
  for (const auto& problem : common_) of_baseline.push_back(normalised(baseline_, problem));
  for (const auto& t : tools_) {
    const auto logs = log_ratios(t);
    std::vector<double> ratios, own;
    for (const double l : logs) ratios.push_back(std::exp(l));
    for (const auto& problem : common_) own.push_back(normalised(t, problem));
    const auto total = static_cast<double>(common_.size());
    const auto much_worse = static_cast<double>(std::count_if(logs.begin(), logs.end(), [](double l) { return l > std::log(1.5); }));
    double won = 0;
    for (std::size_t i = 0; i < own.size(); ++i) won += own[i] < of_baseline[i];
    const bool same = t == baseline_;
    out += row({t, seeds(t), number(mean(ranks_.at(t)), "%.2f"), same ? "1" : number(geometric_mean(ratios)),
                same ? "" : outcomes(t), same ? "" : number(much_worse / total * 100, "%.0f %%"),
                same ? "" : number(adjusted[test]), number(mean(own)),
                same ? "1" : number(mean(own) / mean(of_baseline), "%.2f"),
                same ? "" : number(won / total * 100, "%.0f %%")});
    test += !same;
  }
  return out;
}

/// The first tool against each other one, on the problems that those two have.
std::string pairs(const Scores& scores, const std::vector<std::string>& tools, const std::vector<std::string>& problems,
                  int n) {
  const std::string& first = tools.front();
  std::vector<Comparison> comparisons;
  std::vector<double> p;
  for (auto other = tools.begin() + 1; other != tools.end(); ++other) {
    comparisons.emplace_back(scores, std::vector{first, *other}, *other, problems, n);
    if (comparisons.back().problems() > 0) p.push_back(signed_rank(comparisons.back().log_ratios(first)).p);
  }
  const auto adjusted = holm(p);
  std::string out = "\n### " + first + " against each other tool at " + std::to_string(n) + " trials\n\n" +
                    heading({"other", "problems", "seeds", "ratio to it", "better / same / worse", "p", "p (Holm)"});
  std::size_t test = 0;
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const auto& c = comparisons[i];
    const std::string& other = tools[i + 1];
    if (c.problems() == 0) {
      out += row({other, "0", "", "", "", "", ""});
      continue;
    }
    std::vector<double> ratios;
    for (const double l : c.log_ratios(first)) ratios.push_back(std::exp(l));
    out += row({other, std::to_string(c.problems()), c.seeds(first) + " against " + c.seeds(other),
                number(geometric_mean(ratios)), c.outcomes(first), number(p[test]), number(adjusted[test])});
    ++test;
  }
  return out;
}

/// What does not depend on the number of trials.
std::string costs(const Scores& scores, const std::vector<std::string>& tools, const std::vector<std::string>& problems) {
  std::string out = "\n### Cost and waste\n\n" + heading({"tool", "versions", "runs", "CPU ms per suggestion, mean", "median",
                                                         "repeats", "failed, trials 11-50"});
  for (const auto& t : tools) {
    std::vector<double> means, medians, repeats, failed;
    std::set<std::string> versions;
    for (const auto& p : problems) {
      const auto* runs = scores.runs(t, p);
      if (!runs) continue;
      for (const auto& [seed, r] : *runs) {
        if (r.finished == 0) continue;
        versions.insert(r.version), means.push_back(r.cpu_mean_ms), medians.push_back(r.cpu_median_ms);
        repeats.push_back(static_cast<double>(r.repeats) / r.finished);
        if (r.finished >= 50)
          failed.push_back(static_cast<double>(std::count_if(r.failed.begin(), r.failed.end(),
                                                             [](int n) { return n > 10 && n <= 50; })) / 40);
      }
    }
    std::string named;
    for (const auto& v : versions) named += (named.empty() ? "" : ", ") + v;
    out += row({t, named, std::to_string(means.size()), number(mean(means)), number(median(medians)),
                number(100 * mean(repeats), "%.1f %%"), failed.empty() ? "" : number(100 * mean(failed), "%.1f %%")});
  }
  return out;
}

std::string each(const Scores& scores, const std::vector<std::string>& tools, const std::vector<std::string>& problems,
                 int n) {
  std::vector<std::string> head{"median regret at " + std::to_string(n)};
  head.insert(head.end(), tools.begin(), tools.end());
  std::string out = "\n" + heading(head);
  for (const auto& p : problems) {
    std::vector<std::string> cells{p};
    for (const auto& t : tools) {
      const auto regrets = scores.regrets(t, p, n);
      cells.push_back(regrets ? number(median(*regrets)) : "");
    }
    out += row(cells);
  }
  return out;
}

}  // namespace

std::string report(const std::vector<Run>& runs, const Question& q) {
  std::vector<Run> asked;
  for (const auto& r : runs)
    if ((q.sets.empty() || std::find(q.sets.begin(), q.sets.end(), r.set) != q.sets.end()) &&
        r.problem.find(q.only) != std::string::npos)
      asked.push_back(r);
  const Scores scores{asked};
  const auto tools = q.tools.empty() ? scores.tools() : q.tools;
  if (tools.empty()) return "no runs\n";
  const auto problems = scores.problems();
  std::string out;
  for (const int n : q.at) {
    if (q.pairs) {
      out += pairs(scores, tools, problems, n);
      continue;
    }
    out += Comparison{scores, tools, q.baseline.empty() ? tools.front() : q.baseline, problems, n}.text();
    if (q.each_problem) out += each(scores, tools, problems, n);
  }
  return q.pairs ? out : out + costs(scores, tools, problems);
}

}  // namespace tune::regret
