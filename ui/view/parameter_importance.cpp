// SPDX-License-Identifier: Apache-2.0
#include "ui/view/parameter_importance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace tune {
namespace {

constexpr int kResamples = 100;
constexpr std::size_t kFew = 50;  // Trials: fewer than five in the best tenth.
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
                                                 std::size_t objective, ImportanceMethod method) {
  const auto trials = settled(reader, experiment, spec, objective);
  if (!trials) return trials.error();
  const bool ranks = method == ImportanceMethod::ped_anova;
  ParameterImportance told;
  told.useful = ranks ? trials->complete + trials->stopped : trials->complete;
  if (told.useful < 2)
    return Error{Error::Code::not_found,
                 "`" + printable(experiment.name) + "` has " + std::to_string(told.useful) + (told.useful == 1 ? " trial" : " trials") +
                     " that importance could be told from",
                 "it takes at least 2, and about 100 for a good answer"};
  std::vector<const Params*> params;
  for (const auto& trial : trials->trials) params.push_back(&trial.params);
  const auto evidence_seen = evidence(spec.space, params, ranks ? places(*trials) : scores_of_complete(*trials));
  const Rng rng(spec.seed, Purpose::simulate, 0);
  told.parameters = ranks ? ped_anova(evidence_seen, {.resamples = kResamples, .shares = true}, rng) : fanova(evidence_seen, {}, rng);
  std::stable_sort(told.parameters.begin(), told.parameters.end(), [](const auto& a, const auto& b) { return a.value > b.value; });
  told.seen = ranks ? evidence_seen.outcomes.size() : trials->complete;
  told.few = told.useful < kFew;
  return told;
}

}  // namespace tune
