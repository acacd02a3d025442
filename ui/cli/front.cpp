// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/front.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "search/hypervolume.hpp"
#include "tuner/json.hpp"
#include "ui/cli/listing.hpp"
#include "ui/cli/objective.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

/// From --reference V,V,…; what the trials suggest if it is not given.
Result<std::vector<double>> reference_asked(const Invocation& call, const Front& front) {
  const auto given = call.get("reference");
  if (!given) return reference_of(front);
  std::vector<double> reference;
  const char *at = given->data(), *const end = at + given->size();
  while (at <= end) {
    double value = 0;
    const auto [next, failed] = std::from_chars(at, end, value);
    if (failed != std::errc{} || !std::isfinite(value) || (next != end && *next != ',')) break;
    reference.push_back(value);
    at = next + 1;
  }
  if (at == end + 1 && reference.size() == front.objectives().size()) return reference;
  std::string names;
  for (const auto& o : front.objectives()) names += (names.empty() ? "" : ",") + printable(o.metric);
  return usage_error("`--reference " + printable(*given) + "` is not one number for each of " + names,
                     "such as --reference 1,100");
}

std::string as_json(const Subject& subject, const Front& front, const std::vector<Params>& params,
                    const std::vector<double>& reference) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("experiment").value(subject.experiment.name).key("objectives").begin_array();
  for (const auto& o : front.objectives())
    json.begin_object().key("metric").value(o.metric).key("goal").value(o.maximize ? "maximize" : "minimize").end_object();
  json.end_array();
  const auto values = [&](const std::vector<double>& v) {
    json.begin_object();
    for (std::size_t k = 0; k < v.size(); ++k) json.key(front.objectives()[k].metric).value(v[k]);
    json.end_object();
  };
  json.key("front").begin_array();
  for (std::size_t i = 0; i < params.size(); ++i) {
    json.begin_object().key("trial").value(front.members()[i].trial.value).key("values");
    values(front.members()[i].values);
    json.key("params").begin_object();
    for (const auto& [name, value] : params[i]) {
      json.key(name);
      std::visit([&](const auto& v) { json.value(v); }, value);
    }
    json.end_object().end_object();
  }
  json.end_array().key("hypervolume").value(hypervolume(front, reference)).key("reference");
  values(reference);
  json.end_object();
  return out + "\n";
}

Listing as_listing(const Front& front, const std::vector<Params>& params) {
  std::vector<std::string> names;
  for (const auto& p : params)
    for (const auto& [name, value] : p)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  std::vector<Listing::Column> columns{{"trial"}};
  for (const auto& o : front.objectives()) columns.push_back({o.metric});
  for (const auto& name : names) columns.push_back({name, true});
  Listing listing{std::move(columns)};
  for (std::size_t i = 0; i < params.size(); ++i) {
    const auto& member = front.members()[i];
    std::vector<Shown> row{Shown{member.trial.value}};
    for (const double v : member.values) row.emplace_back(v, Style::cyan);
    for (const auto& name : names) {
      const Value* v = params[i].find(name);
      row.push_back(v ? Shown{*v} : Shown{});
    }
    listing.add(std::move(row));
  }
  return listing;
}

/// A replicate is no configuration of its own, and a trial that was stopped early never got any: it has not shown what it
/// is worth.
Result<Done> leave_out_replicates(const StoreReader& reader, const ExperimentRow& experiment, std::vector<TrialRow>& rows) {
  const auto lineage = reader.view(StoreReader::View::lineage, experiment.id);
  if (!lineage) return lineage.error();
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(lineage->columns.begin(), lineage->columns.end(), name) - lineage->columns.begin());
  };
  const auto kind = column("kind"), number = column("number");
  std::set<std::int64_t> replicates;
  for (const auto& row : lineage->rows)
    if (row[kind] == Cell{std::string{"replicate"}}) replicates.insert(std::get<std::int64_t>(row[number]));
  std::erase_if(rows, [&](const TrialRow& r) { return r.state == TrialState::stopped || replicates.contains(r.id.value); });
  return Done{};
}

}  // namespace

std::vector<double> values_of(const TrialRow& row) {
  if (!row.value) return {};
  std::vector<double> values{*row.value};
  values.insert(values.end(), row.more.begin(), row.more.end());
  return values;
}

Front front_of(const std::vector<TrialRow>& rows, const Spec& spec) {
  Front front{spec.objectives};
  for (const auto& row : rows)
    if (row.feasible && (row.state == TrialState::complete || row.state == TrialState::stopped))
      front.add(row.id, values_of(row));
  return front;
}

Result<Front> front_of(const StoreReader& reader, const ExperimentRow& experiment, const Spec& spec) {
  auto rows = reader.rows(experiment.id);
  if (!rows) return rows.error();
  if (spec.replicates.count > 1)
    if (auto done = leave_out_replicates(reader, experiment, *rows); !done) return done.error();
  return front_of(*rows, spec);
}

std::vector<double> reference_of(const Front& front) {
  const auto& worst = front.worst();
  if (worst.empty()) return {};
  return front.turned(reference_point(Outcomes(worst.size(), std::span<const double>{worst})));
}

double hypervolume(const Front& front, const std::vector<double>& reference) {
  Outcomes outcomes(front.objectives().size());
  for (const auto& m : front.members()) outcomes.add(front.turned(m.values));
  return hypervolume(outcomes, front.turned(reference));
}

std::string front_text(const Front& front, bool colour) {
  const auto& members = front.members();
  if (members.empty()) return {};
  if (members.size() > 1)
    return paint(Style::cyan, std::to_string(members.size()), colour) + " trials, none of which beats another";
  return values_text(members.front().values, front.objectives(), colour) + " (trial " +
         std::to_string(members.front().trial.value) + ")";
}

std::string values_text(const std::vector<double>& values, const std::vector<Objective>& objectives, bool colour) {
  std::string out;
  for (std::size_t k = 0; k < values.size() && k < objectives.size(); ++k)
    out += (k ? "   " : "") + paint(Style::cyan, number_text(values[k]), colour) + " " + printable(objectives[k].metric);
  return out;
}

Result<std::optional<TrialId>> chosen_of(const Invocation& call, const Front& front, const Spec& spec) {
  const auto& members = front.members();
  if (!call.get("objective"))
    return members.size() == 1 ? std::optional{members.front().trial} : std::optional<TrialId>{};
  const auto k = objective_of(call, spec);
  if (!k) return k.error();
  const bool maximize = spec.objectives[*k].maximize;
  const auto best = std::min_element(members.begin(), members.end(), [&](const auto& a, const auto& b) {
    return maximize ? a.values[*k] > b.values[*k] : a.values[*k] < b.values[*k];
  });
  return std::optional{best->trial};
}

int show_front(Invocation& call, const Subject& subject, const Front& front) {
  const auto reference = reference_asked(call, front);
  if (!reference) return call.fail(reference.error());
  std::vector<Params> params;
  for (const auto& member : front.members()) {
    auto detail = subject.reader->trial(subject.experiment.id, member.trial);
    if (!detail) return call.fail(detail.error());
    params.push_back(std::move(detail->params));
  }
  if (call.format() == Invocation::Format::json || call.format() == Invocation::Format::json_lines) {
    call.print_exact(as_json(subject, front, params, *reference));
    return kOk;
  }
  const auto count = front.members().size();
  call.tell(subject.name() + ": " + std::to_string(count) +
            (count == 1 ? " trial that no other beats" : " trials, none of which beats another in everything") +
            ", hypervolume " + number_text(hypervolume(front, *reference)) + " up to " +
            values_text(*reference, front.objectives(), false));
  call.print(as_listing(front, params));
  return kOk;
}

}  // namespace tune
