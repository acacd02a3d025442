// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/importance.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "ui/cli/objective.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

constexpr int kResamples = 100;
constexpr std::size_t kFew = 50;  // Trials: fewer than five in the best tenth.
constexpr std::size_t kBarWidth = 20;
constexpr double kWorst = std::numeric_limits<double>::infinity();

/// The settled trials of an experiment, and how each did by one objective.
struct Settled {
  struct Trial {
    Params params;
    TrialState state;
    double score = kWorst;  // Smaller is better; infinite if it is failed, infeasible or not finite.
    std::int64_t step = 0;
  };
  std::vector<Trial> trials;
  std::size_t complete = 0, stopped = 0;
};

Value value_of(const Dimension& dimension, const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  const auto whole = std::get<std::int64_t>(cell);
  if (dimension.kind == Dimension::Kind::boolean) return whole != 0;
  for (const auto& listed : dimension.values)
    if (const auto* flag = std::get_if<bool>(&listed); flag && *flag == (whole != 0)) return *flag;
  return whole;
}

Result<Settled> settled(const Subject& subject, const Spec& spec, std::size_t objective) {
  TrialQuery query;
  query.columns = {"number"};
  for (const auto& d : spec.space.dimensions()) query.columns.push_back("params." + d.name);
  const auto table = subject.reader->trials(subject.experiment.id, query);
  if (!table) return table.error();
  const auto rows = subject.reader->rows(subject.experiment.id);
  if (!rows) return rows.error();
  Settled out;
  for (const auto& row : table->rows) {
    const auto number = static_cast<std::size_t>(std::get<std::int64_t>(row[0]));
    if (number >= rows->size()) break;  // Began since.
    const TrialRow& trial = (*rows)[number];
    const auto score = score_of(trial, spec, objective);
    if (!score) continue;
    Settled::Trial one{{}, trial.state, *score, trial.last_step};
    for (std::size_t i = 1; i < row.size(); ++i)
      if (!std::holds_alternative<std::monostate>(row[i])) {
        const auto& d = spec.space.dimensions()[i - 1];
        one.params.set(d.name, value_of(d, row[i]));
      }
    if (*score < kWorst) ++(trial.state == TrialState::complete ? out.complete : out.stopped);
    out.trials.push_back(std::move(one));
  }
  return out;
}

/// Places in the order of merit, as samplers see it: complete trials by value; then those that were stopped, who got
/// further first. Failures have none.
std::vector<double> places(const Settled& settled) {
  const auto key = [&](std::size_t t) {
    const auto& trial = settled.trials[t];
    const bool stopped = trial.state == TrialState::stopped;
    return std::tuple{stopped, stopped ? -trial.step : 0, trial.score};
  };
  std::vector<std::size_t> order;
  std::vector<double> place(settled.trials.size(), kWorst);
  for (std::size_t t = 0; t < place.size(); ++t)
    if (settled.trials[t].score < kWorst) order.push_back(t);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  for (std::size_t i = 0; i < order.size(); ++i)
    place[order[i]] = i > 0 && key(order[i]) == key(order[i - 1]) ? place[order[i - 1]] : static_cast<double>(i);
  return place;
}

std::vector<double> scores_of_complete(const Settled& settled) {
  std::vector<double> out;
  for (const auto& trial : settled.trials) out.push_back(trial.state == TrialState::complete ? trial.score : kWorst);
  return out;
}

void print(const Invocation& call, std::vector<Importance> all) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
  const bool people = call.format() == Invocation::Format::table;
  std::vector<Listing::Column> columns{{"parameter"}, {"importance"}, {"spread"}};
  if (people) columns.push_back({""});
  const auto rounded = [](double x) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::fixed, 3).ptr;
    return Shown::shown_as(std::string(text, end), Shown(x));
  };
  Listing listing(std::move(columns));
  const double most = all.empty() ? 0 : all.front().value;
  for (const auto& one : all) {
    std::vector<Shown> row{one.name, rounded(one.value), rounded(one.spread)};
    if (people) row.emplace_back(bar_text(most > 0 ? one.value / most : 0, kBarWidth), Style::cyan);
    listing.add(std::move(row));
  }
  call.print(listing);
}

}  // namespace

int importance_verb(Invocation& call) {
  const auto method = call.get("method").value_or("ped-anova");
  if (method != "ped-anova" && method != "fanova")
    return call.fail(usage_error("`--method` is ped-anova or fanova, not `" + printable(method) + "`"));
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  const auto objective = objective_of(call, *spec);
  if (!objective) return call.fail(objective.error());
  const auto trials = settled(*subject, *spec, *objective);
  if (!trials) return call.fail(trials.error());
  const bool ranks = method == "ped-anova";
  const auto useful = ranks ? trials->complete + trials->stopped : trials->complete;
  if (useful < 2)
    return call.fail({Error::Code::not_found,
                      "`" + subject->name() + "` has " + std::to_string(useful) + (useful == 1 ? " trial" : " trials") +
                          " that importance could be told from",
                      "it takes at least 2, and about 100 for a good answer"});

  std::vector<const Params*> params;
  for (const auto& trial : trials->trials) params.push_back(&trial.params);
  const auto seen = evidence(spec->space, params, ranks ? places(*trials) : scores_of_complete(*trials));
  const Rng rng(spec->seed, Purpose::simulate, 0);
  auto all = ranks ? ped_anova(seen, {.resamples = kResamples, .shares = true}, rng) : fanova(seen, {}, rng);
  const std::string metric = "`" + printable(spec->objectives[*objective].metric) + "`";
  if (ranks) {
    call.tell("what decides whether a trial is among the best tenth by " + metric + " (PED-ANOVA, " +
              std::to_string(seen.outcomes.size()) + " trials); importances sum to 1");
  } else {
    double alone = 0;
    for (const auto& one : all) alone += one.value;
    call.tell("share of the variance of " + metric + " that each parameter explains alone (fANOVA, " +
              std::to_string(trials->complete) + " trials); together: " + number_text(std::max(0.0, 1 - alone)));
  }
  if (useful < kFew) call.tell("only " + std::to_string(useful) + " trials: this may change with the next few");
  print(call, std::move(all));
  return kOk;
}

}  // namespace tune
