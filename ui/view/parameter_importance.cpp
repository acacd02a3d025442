// SPDX-License-Identifier: Apache-2.0
#include "ui/view/parameter_importance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

namespace tune {
namespace {

constexpr int kResamples = 100;
constexpr std::size_t kFew = 50;  // Trials: fewer than five in the best tenth.
constexpr int kCells = 24, kMostCells = 64;
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

Result<Settled> settled(const StoreReader& reader, const ExperimentRow& experiment, const Spec& spec, std::size_t objective) {
  TrialQuery query;
  query.columns = {"number"};
  for (const auto& d : spec.space.dimensions()) query.columns.push_back("params." + d.name);
  const auto table = reader.trials(experiment.id, query);
  if (!table) return table.error();
  const auto rows = reader.rows(experiment.id);
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

Evidence evidence_of(const Settled& settled, const Spec& spec, const std::vector<double>& outcomes) {
  std::vector<const Params*> params;
  for (const auto& trial : settled.trials) params.push_back(&trial.params);
  return evidence(spec.space, params, outcomes);
}

Error too_few(const ExperimentRow& experiment, std::size_t useful) {
  return Error{Error::Code::not_found,
               "`" + printable(experiment.name) + "` has " + std::to_string(useful) + (useful == 1 ? " trial" : " trials") +
                   " that importance could be told from",
               "it takes at least 2, and about 100 for a good answer"};
}

template <class T>
void by_value(std::vector<T>& told) {
  std::stable_sort(told.begin(), told.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
}

/// Indices of the `count` largest, largest first.
std::vector<std::size_t> most_important(const std::vector<Importance>& all, std::size_t count) {
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return all[a].value > all[b].value; });
  order.resize(std::min(count, order.size()));
  return order;
}

/// Which factors were named; the most important others where a name is empty.
Result<std::pair<std::size_t, std::size_t>> two_of(const Evidence& seen, const std::string& x, const std::string& y, Rng rng) {
  const auto count = seen.factors.size();
  if (count < 2) return Error{Error::Code::not_found, "a surface takes two parameters that can vary", ""};
  const auto find = [&](const std::string& name) {
    std::size_t f = 0;
    while (f < count && seen.factors[f].name != name) ++f;
    return f;
  };
  std::size_t first = find(x), second = find(y);
  for (const auto* name : {&x, &y})
    if (!name->empty() && find(*name) == count)
      return Error{Error::Code::invalid, "`" + printable(*name) + "` is no parameter that can vary", ""};
  if (!x.empty() && x == y) return Error{Error::Code::invalid, "`x` and `y` are the same parameter", ""};
  if (x.empty() || y.empty()) {
    const auto order = most_important(fanova(seen, {}, rng), count);
    const auto other = [&](std::size_t taken) { return order[0] == taken ? order[1] : order[0]; };
    if (x.empty()) first = other(second);
    if (y.empty()) second = other(first);
  }
  return std::pair{first, second};
}

/// Where a surface is told along one parameter.
struct Cells {
  std::vector<double> at;  // As in Factor::at.
  std::vector<Value> values;
};

Cells cells_of(const Dimension& d, const Factor& factor) {
  Cells cells;
  if (factor.categorical) {
    const auto count = std::min<std::int64_t>(factor.levels, kMostCells);
    for (std::int64_t level = 0; level < count; ++level) {
      cells.at.push_back(static_cast<double>(level));
      cells.values.push_back(d.kind == Dimension::Kind::boolean ? Value{level != 0} : d.values[static_cast<std::size_t>(level)]);
    }
    return cells;
  }
  // Few values: every one is met when a thousand places are looked at, but not one with a thousandth of the prior.
  const int looks = factor.levels > 0 && factor.levels <= kCells ? 1000 : kCells;
  for (int i = 0; i < looks; ++i) {
    const double u = (i + 0.5) / looks;
    auto value = d.at(u);
    if (!cells.values.empty() && cells.values.back() == value) continue;
    cells.at.push_back(d.position(value).value_or(u));
    cells.values.push_back(std::move(value));
  }
  return cells;
}

}  // namespace

std::optional<double> score_of(const TrialRow& trial, const Spec& spec, std::size_t objective) {
  if (!is_final(trial.state) || trial.state == TrialState::cancelled) return std::nullopt;
  const bool counts = trial.feasible && (trial.state == TrialState::complete || trial.state == TrialState::stopped);
  const auto value = objective == 0                      ? trial.value
                     : objective - 1 < trial.more.size() ? std::optional{trial.more[objective - 1]}
                                                         : std::nullopt;
  if (!counts || !value || !std::isfinite(*value)) return kWorst;
  return spec.objectives[objective].maximize ? -*value : *value;
}

Result<ParameterImportance> parameter_importance(const StoreReader& reader, const ExperimentRow& experiment, const Spec& spec,
                                                 std::size_t objective, ImportanceMethod method, std::size_t pairs_among) {
  const auto trials = settled(reader, experiment, spec, objective);
  if (!trials) return trials.error();
  const bool ranks = method == ImportanceMethod::ped_anova;
  ParameterImportance told;
  told.useful = ranks ? trials->complete + trials->stopped : trials->complete;
  if (told.useful < 2) return too_few(experiment, told.useful);
  const auto seen = evidence_of(*trials, spec, ranks ? places(*trials) : scores_of_complete(*trials));
  const Rng rng(spec.seed, Purpose::simulate, 0);
  told.parameters = ranks ? ped_anova(seen, {.resamples = kResamples, .shares = true}, rng) : fanova(seen, {}, rng);
  if (!ranks && pairs_among > 1) {
    told.pairs = interactions(seen, most_important(told.parameters, pairs_among), {}, rng);
    by_value(told.pairs);
  }
  by_value(told.parameters);
  told.seen = ranks ? seen.outcomes.size() : trials->complete;
  told.few = told.useful < kFew;
  return told;
}

Result<ParameterSurface> parameter_surface(const StoreReader& reader, const ExperimentRow& experiment, const Spec& spec,
                                           std::size_t objective, const std::string& x, const std::string& y) {
  const auto trials = settled(reader, experiment, spec, objective);
  if (!trials) return trials.error();
  if (trials->complete < 2) return too_few(experiment, trials->complete);
  const auto seen = evidence_of(*trials, spec, scores_of_complete(*trials));
  const Rng rng(spec.seed, Purpose::simulate, 0);
  const auto chosen = two_of(seen, x, y, rng);
  if (!chosen) return chosen.error();
  const auto over = [&](std::size_t f) { return cells_of(*spec.space.find(seen.factors[f].name), seen.factors[f]); };
  const auto xs = over(chosen->first), ys = over(chosen->second);
  auto told = surface(seen, chosen->first, xs.at, chosen->second, ys.at, {}, rng);
  if (spec.objectives[objective].maximize)
    for (double& mean : told.mean) mean = -mean;
  return ParameterSurface{{seen.factors[chosen->first].name, xs.values}, {seen.factors[chosen->second].name, ys.values},
                          std::move(told.mean), std::move(told.spread), trials->complete, trials->complete < kFew};
}

}  // namespace tune
