// SPDX-License-Identifier: Apache-2.0
#include "ui/server/summary.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/json_document.hpp"
#include "ui/view/experiment_text.hpp"

namespace tune {
namespace {

constexpr std::size_t kSpark = 40;
constexpr std::string_view kHidden = "(hidden)";
constexpr std::string_view kSecret[] = {"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"};

}  // namespace

void write_best(JsonWriter& json, const StoreReader& reader, std::int64_t experiment, std::optional<TrialId> trial,
                std::optional<double> value) {
  json.key("best");
  if (!trial || !value) {
    json.null();
    return;
  }
  json.begin_object().key("trial").value(trial->value).key("value").value(*value).key("params");
  const auto detail = reader.trial(experiment, *trial);
  write_params(json, detail ? detail->params : Params{});
  json.end_object();
}

void write_counts(JsonWriter& json, const std::array<std::int64_t, 9>& counts) {
  json.begin_object();
  for (std::size_t i = 0; i < counts.size(); ++i) json.key(to_text(static_cast<TrialState>(i))).value(counts[i]);
  json.end_object();
}

void write_params(JsonWriter& json, const Params& params) {
  json.begin_object();
  for (const auto& [name, value] : params) {
    json.key(name);
    std::visit([&](const auto& v) { json.value(v); }, value);
  }
  json.end_object();
}

void write_cell(JsonWriter& json, const Cell& cell) {
  std::visit(overloaded{[&](std::monostate) { json.null(); }, [&](const auto& v) { json.value(v); }}, cell);
}

void write_table(JsonWriter& json, const Table& table) {
  json.key("columns").begin_array();
  for (const auto& name : table.columns) json.value(name);
  json.end_array().key("rows").begin_array();
  for (const auto& row : table.rows) {
    json.begin_array();
    for (const auto& cell : row) write_cell(json, cell);
    json.end_array();
  }
  json.end_array();
}

std::vector<double> best_so_far(std::span<const double> values, bool maximize, std::size_t most) {
  std::vector<double> best;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    best.push_back(best.empty() ? v : maximize ? std::max(best.back(), v) : std::min(best.back(), v));
  }
  if (best.size() <= most) return best;
  std::vector<double> thinned;
  for (std::size_t i = 0; i < most; ++i) thinned.push_back(best[(i + 1) * best.size() / most - 1]);
  return thinned;
}

void write_summary(JsonWriter& json, const StoreReader& reader, const ExperimentRow& row, const Spec* spec) {
  json.key("name").value(row.name).key("state").value(state_text(row)).key("owned").value(row.owned);
  json.key("why").value(row.why).key("exit_code");
  row.exit_code ? json.value(*row.exit_code) : json.null();
  json.key("created").value(row.created).key("tags").begin_array();
  for (const auto& tag : row.tags) json.value(tag);
  json.end_array().key("note").value(row.note).key("star").value(row.star).key("archived").value(row.archived);
  json.key("counts");
  write_counts(json, row.counts);
  json.key("trials").value(row.trials).key("budget");
  spec && spec->stop.trials ? json.value(*spec->stop.trials) : json.null();
  write_best(json, reader, row.id, row.best_trial, row.best_value);
  json.key("objectives").begin_array();
  if (spec)
    for (const auto& objective : spec->objectives)
      json.begin_object().key("metric").value(objective.metric).key("goal").value(objective.maximize ? "maximize" : "minimize")
          .end_object();
  json.end_array().key("seq").value(row.last_seq).key("host").value(row.host).key("pid").value(row.pid);
  json.key("tune").value(row.version).key("spark").begin_array();
  if (const auto values = reader.results(row.id); values && spec)
    for (const double v : best_so_far(*values, spec->objectives.front().maximize, kSpark)) json.value(v);
  json.end_array();
}

bool names_a_secret(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return std::any_of(std::begin(kSecret), std::end(kSecret),
                     [&](std::string_view word) { return upper.find(word) != std::string::npos; });
}

std::string without_secrets(const std::string& config) {
  auto document = parse_json(config, 0, [](const JsonFault&) {});
  if (!document) return "null";
  if (auto* env = document->find("env"))
    for (auto& member : env->value.members)
      if (member.value.kind == JsonNode::Kind::string && names_a_secret(member.key)) member.value.text = kHidden;
  return to_json(*document);
}

}  // namespace tune
