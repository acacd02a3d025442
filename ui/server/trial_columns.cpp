// SPDX-License-Identifier: Apache-2.0
#include "ui/server/trial_columns.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "tuner/nearest.hpp"
#include "ui/server/column_writer.hpp"
#include "ui/server/in_parts.hpp"

namespace tune {
namespace {

/// A NaN of our own: nothing was reported. Any other NaN was.
const double kAbsent = std::bit_cast<double>(std::uint64_t{0x7ff8000000000abc});
bool is_absent(double x) { return std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(kAbsent); }

double or_absent(double time) { return time > 0 ? time : kAbsent; }

bool is_coded(Dimension::Kind kind) {
  using Kind = Dimension::Kind;
  return kind == Kind::choice || kind == Kind::ordinal || kind == Kind::grid || kind == Kind::boolean || kind == Kind::constant;
}

const std::vector<std::string>& state_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i <= static_cast<int>(TrialState::cancelled); ++i) all.emplace_back(to_text(static_cast<TrialState>(i)));
    return all;
  }();
  return names;
}
const std::vector<std::string>& cause_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i <= static_cast<int>(Cause::infeasible); ++i) all.emplace_back(to_text(static_cast<Cause>(i)));
    return all;
  }();
  return names;
}
const std::vector<std::string> kNoYes = {"false", "true"};

void keep(std::map<std::size_t, std::string>& texts, std::size_t at, const std::string& text) {
  if (!text.empty())
    texts[at] = text;
  else if (!texts.empty())
    texts.erase(at);
}

}  // namespace

std::uint32_t TrialColumns::Column::code(std::string_view text) {
  const auto found = known.find(text);
  if (found != known.end()) return found->second;
  dictionary.emplace_back(text);
  return known[std::string(text)] = static_cast<std::uint32_t>(dictionary.size() - 1);
}

void TrialColumns::Column::resize(std::size_t rows) {
  if (coded)
    codes.resize(rows, ColumnWriter::kNoCode32);
  else
    numbers.resize(rows, kAbsent);
}

void TrialColumns::Column::forget(std::size_t row) {
  if (coded)
    codes[row] = ColumnWriter::kNoCode32;
  else
    numbers[row] = kAbsent;
}

void TrialColumns::Column::append(const Column& next) {
  numbers.insert(numbers.end(), next.numbers.begin(), next.numbers.end());
  std::vector<std::uint32_t> own;
  for (const auto& text : next.dictionary) own.push_back(code(text));
  for (const auto one : next.codes) codes.push_back(one == ColumnWriter::kNoCode32 ? one : own[one]);
}

TrialColumns::TrialColumns(std::int64_t experiment, const Spec& spec) : experiment_(experiment) {
  if (spec.objectives.size() > 1)
    for (const auto& objective : spec.objectives) objectives_.push_back(objective.metric);
  values_.resize(objectives_.size());
  for (const auto& dimension : spec.space.dimensions()) {
    auto& added = params_.emplace_back();
    added.name = dimension.name, added.coded = is_coded(dimension.kind);
    if (dimension.kind == Dimension::Kind::boolean) added.code("false"), added.code("true");
    for (const auto& value : dimension.values) added.code(to_text(value));
  }
  std::sort(params_.begin(), params_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

Result<Done> TrialColumns::follow(const StoreReader& reader) {
  changed_.clear();
  param_hint_ = metric_hint_ = 0;
  auto seq = reader.follow(experiment_, seq_, *this);
  if (!seq) return seq.error();
  for (const auto row : changed_) touched_[row] = std::max<Seq>(*seq, 1);
  seq_ = *seq;
  return Done{};
}

Result<Done> TrialColumns::read(const ReadersTogether& readers) {
  const auto read = [&](std::size_t count) -> Result<std::vector<TrialColumns>> {
    std::vector<TrialColumns> parts(count, *this);
    const auto begin = [&](std::size_t part) {
      return TrialId{readers.trials() * static_cast<std::int64_t>(part) / static_cast<std::int64_t>(count)};
    };
    auto done = in_parts(count, [&](std::size_t part) {
      parts[part].first_ = static_cast<std::size_t>(begin(part).value);
      return readers.tell(part, begin(part), begin(part + 1), parts[part]);
    });
    if (!done) return done.error();
    return parts;
  };
  auto parts = read(readers.size());
  for (std::size_t i = 1; parts && i < parts->size(); ++i) {
    if (parts->front().fits((*parts)[i]))
      parts->front().append((*parts)[i]);
    else
      parts = read(1);
  }
  if (!parts) return parts.error();
  *this = std::move(parts->front());
  seq_ = readers.seq();
  for (auto& touched : touched_)
    if (touched > 0) touched = std::max<Seq>(seq_, 1);
  return Done{};
}

bool TrialColumns::fits(const TrialColumns& next) const {
  return std::all_of(next.params_.begin(), next.params_.end(), [&](const Column& theirs) {
    return std::none_of(params_.begin(), params_.end(),
                        [&](const Column& own) { return own.name == theirs.name && own.coded != theirs.coded; });
  });
}

void TrialColumns::append(const TrialColumns& next) {
  if (next.touched_.empty()) return;
  resize(next.first_);
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  const auto add_columns = [&](std::vector<Column>& to, const std::vector<Column>& from) {
    std::size_t hint = 0;
    for (const auto& one : from) column(to, one.name, one.coded, hint).append(one);
  };
  add_columns(params_, next.params_), add_columns(metrics_, next.metrics_);
  if (cost_.empty() && !next.cost_.empty()) cost_.resize(next.first_, kAbsent), costs_.resize(next.first_);
  add(cost_, next.cost_), add(costs_, next.costs_);
  for (std::size_t k = 0; k < values_.size(); ++k) add(values_[k], next.values_[k]);
  for (const auto& [at, text] : next.tags_) tags_[at + next.first_] = text;
  for (const auto& [at, text] : next.notes_) notes_[at + next.first_] = text;
  add(state_, next.state_), add(cause_, next.cause_), add(feasible_, next.feasible_), add(star_, next.star_);
  add(number_, next.number_), add(attempt_, next.attempt_), add(reports_, next.reports_), add(value_, next.value_);
  add(last_step_, next.last_step_), add(until_step_, next.until_step_), add(proposed_at_, next.proposed_at_);
  add(launched_at_, next.launched_at_), add(ended_at_, next.ended_at_), add(ran_seconds_, next.ran_seconds_);
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += next.counts_[i];
  trials_ += next.trials_;
  add(touched_, next.touched_);
  resize(touched_.size());  // Columns that the next ones do not have.
}

void TrialColumns::resize(std::size_t rows) {
  touched_.resize(rows), state_.resize(rows), cause_.resize(rows), feasible_.resize(rows), star_.resize(rows);
  attempt_.resize(rows), reports_.resize(rows);
  for (auto* numbers : {&value_, &last_step_, &until_step_, &proposed_at_, &launched_at_, &ended_at_, &ran_seconds_})
    numbers->resize(rows, kAbsent);
  while (number_.size() < rows) number_.push_back(static_cast<std::int32_t>(first_ + number_.size()));
  if (!cost_.empty()) cost_.resize(rows, kAbsent), costs_.resize(rows);
  for (auto& one : params_) one.resize(rows);
  for (auto& one : metrics_) one.resize(rows);
  for (auto& one : values_) one.resize(rows, kAbsent);
}

void TrialColumns::on_trial(const Change& change) {
  const auto& row = change.row;
  const auto at = row_of(row.id);
  if (at >= touched_.size()) resize(at + 1);
  if (touched_[at] == 0)
    ++trials_, touched_[at] = 1;
  else
    --counts_[state_[at]];
  state_[at] = static_cast<std::uint8_t>(row.state);
  ++counts_[state_[at]];
  changed_.push_back(at);
  cause_[at] = change.ended ? static_cast<std::uint8_t>(row.cause) : ColumnWriter::kNoCode8;
  feasible_[at] = row.feasible, star_[at] = change.star;
  attempt_[at] = row.attempt, reports_[at] = static_cast<std::int32_t>(row.reports);
  value_[at] = row.value.value_or(kAbsent);
  last_step_[at] = static_cast<double>(row.last_step);
  until_step_[at] = row.until_step == kNoStep ? kAbsent : static_cast<double>(row.until_step);
  proposed_at_[at] = or_absent(row.proposed_at), launched_at_[at] = or_absent(row.launched_at);
  ended_at_[at] = or_absent(row.ended_at), ran_seconds_[at] = change.seconds.value_or(kAbsent);
  for (std::size_t k = 0; k < values_.size(); ++k)
    values_[k][at] = !row.value ? kAbsent : k == 0 ? *row.value : k <= row.more.size() ? row.more[k - 1] : kAbsent;
  for (auto& one : params_) one.forget(at);
  keep(tags_, at, change.tags), keep(notes_, at, change.note);
}

TrialColumns::Column& TrialColumns::column(std::vector<Column>& columns, std::string_view name, bool coded, std::size_t& hint) {
  // Names come in the same order for each trial, so the next one is nearly always the one.
  for (std::size_t tried = 0; tried < columns.size(); ++tried) {
    const std::size_t at = (hint + tried) % columns.size();
    if (columns[at].name != name) continue;
    hint = at + 1;
    return columns[at];
  }
  auto& added = columns.emplace_back();
  added.name = name, added.coded = coded;
  added.resize(touched_.size());
  hint = columns.size();
  return added;
}

void TrialColumns::on_param(TrialId trial, std::string_view name, const Value& value) {
  const auto at = row_of(trial);
  if (at >= touched_.size()) return;
  const bool number = std::holds_alternative<double>(value) || std::holds_alternative<std::int64_t>(value);
  auto& into = column(params_, name, !number, param_hint_);
  if (into.coded)
    into.codes[at] = into.code(to_text(value));
  else if (const auto x = to_number(value))
    into.numbers[at] = *x;
}

void TrialColumns::on_metric(TrialId trial, std::string_view name, double value) {
  const auto at = row_of(trial);
  if (at < touched_.size()) column(metrics_, name, false, metric_hint_).numbers[at] = value;
}

void TrialColumns::on_cost(TrialId trial, int attempt, double so_far) {
  const auto at = row_of(trial);
  if (at >= touched_.size()) return;
  if (costs_.size() < touched_.size()) costs_.resize(touched_.size()), cost_.resize(touched_.size(), kAbsent);
  costs_[at].tell(attempt, so_far);
  cost_[at] = costs_[at].total();
}

std::optional<std::vector<std::int64_t>> TrialColumns::touched(Seq since, std::size_t most) const {
  std::vector<std::int64_t> numbers;
  for (std::size_t row = 0; row < touched_.size(); ++row) {
    if (touched_[row] <= since) continue;
    if (numbers.size() == most) return std::nullopt;
    numbers.push_back(static_cast<std::int64_t>(row));
  }
  return numbers;
}

Seq TrialColumns::touched(TrialId trial) const {
  const auto at = static_cast<std::size_t>(trial.value);
  return trial.value >= 0 && at < touched_.size() ? touched_[at] : 0;
}

std::vector<std::int64_t> TrialColumns::best(std::size_t count, bool maximize) const {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < touched_.size(); ++row)
    if (touched_[row] > 0 && feasible_[row] && std::isfinite(value_[row]) && static_cast<TrialState>(state_[row]) <= TrialState::stopped)
      rows.push_back(static_cast<std::int64_t>(row));
  const auto better = [&](std::int64_t a, std::int64_t b) {
    const double x = value_[static_cast<std::size_t>(a)], y = value_[static_cast<std::size_t>(b)];
    return x != y ? (maximize ? x > y : x < y) : a < b;
  };
  count = std::min(count, rows.size());
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(), better);
  rows.resize(count);
  return rows;
}

std::vector<std::string> TrialColumns::names() const {
  std::vector<std::string> all = {"number",      "state",       "cause",    "value",    "last_step", "attempt", "reports",
                                  "proposed_at", "launched_at", "ended_at", "ran_seconds", "feasible", "star",      "tags",    "note"};
  if (!cost_.empty()) all.push_back("cost");
  for (const auto& metric : objectives_) all.push_back("values." + metric);
  for (const auto& one : params_) all.push_back("params." + one.name);
  for (const auto& one : metrics_) all.push_back("metrics." + one.name);
  return all;
}

/// One answer: which rows, and the columns as they are asked for.
class TrialColumns::Writing {
 public:
  Writing(const TrialColumns& from, std::optional<Seq> since) : from_(from) {
    const Seq after = since.value_or(0);
    for (std::size_t row = 0; row < from.touched_.size(); ++row)
      if (from.touched_[row] > after) rows_.push_back(static_cast<std::uint32_t>(row));
    writer_ = ColumnWriter(rows_.size());
  }

  bool add(std::string_view name) {
    if (name == "number") return integers(name, from_.number_);
    if (name == "attempt") return integers(name, from_.attempt_);
    if (name == "reports") return integers(name, from_.reports_);
    if (name == "state") return codes(name, from_.state_, state_names());
    if (name == "cause") return codes(name, from_.cause_, cause_names());
    if (name == "feasible") return codes(name, from_.feasible_, kNoYes);
    if (name == "star") return codes(name, from_.star_, kNoYes);
    if (name == "tags") return texts(name, from_.tags_);
    if (name == "note") return texts(name, from_.notes_);
    if (name == "value") return numbers(name, from_.value_);
    if (name == "last_step") return numbers(name, from_.last_step_);
    if (name == "until_step") return numbers(name, from_.until_step_);
    if (name == "proposed_at") return numbers(name, from_.proposed_at_);
    if (name == "launched_at") return numbers(name, from_.launched_at_);
    if (name == "ended_at") return numbers(name, from_.ended_at_);
    if (name == "ran_seconds") return numbers(name, from_.ran_seconds_);
    if (name == "cost" && !from_.cost_.empty()) return numbers(name, from_.cost_);
    for (std::size_t k = 0; k < from_.objectives_.size(); ++k)
      if (name == "values." + from_.objectives_[k]) return numbers(name, from_.values_[k]);
    if (name.starts_with("params.")) return one_of(from_.params_, name, name.substr(7));
    return name.starts_with("metrics.") && one_of(from_.metrics_, name, name.substr(8));
  }
  std::string finish(bool full) const { return writer_.finish(from_.seq_, full); }

 private:
  /// All rows, or a copy of those that are asked for.
  template <class T>
  std::span<const T> picked(const std::vector<T>& all, std::vector<T>& copy) const {
    if (rows_.size() == all.size()) return all;
    copy.reserve(rows_.size());
    for (const auto row : rows_) copy.push_back(all[row]);
    return copy;
  }
  bool numbers(std::string_view name, const std::vector<double>& all) {
    std::vector<double> copy;
    const auto values = picked(all, copy);
    std::vector<std::uint32_t> nan;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isnan(values[i]) && !is_absent(values[i])) nan.push_back(static_cast<std::uint32_t>(i));
    writer_.add(name, values, nan);
    return true;
  }
  bool integers(std::string_view name, const std::vector<std::int32_t>& all) {
    std::vector<std::int32_t> copy;
    writer_.add(name, picked(all, copy));
    return true;
  }
  template <class Code>
  bool codes(std::string_view name, const std::vector<Code>& all, const std::vector<std::string>& dictionary) {
    std::vector<Code> copy;
    writer_.add(name, picked(all, copy), dictionary);
    return true;
  }
  /// The dictionary holds only what these rows have, each text once.
  bool texts(std::string_view name, const std::map<std::size_t, std::string>& all) {
    std::vector<std::uint32_t> codes(rows_.size(), ColumnWriter::kNoCode32);
    std::vector<std::string> dictionary;
    std::map<std::string_view, std::uint32_t> known;
    for (const auto& [at, text] : all) {
      const auto row = std::lower_bound(rows_.begin(), rows_.end(), at);
      if (row == rows_.end() || *row != at) continue;
      const auto [found, is_new] = known.try_emplace(text, static_cast<std::uint32_t>(dictionary.size()));
      if (is_new) dictionary.push_back(text);
      codes[static_cast<std::size_t>(row - rows_.begin())] = found->second;
    }
    if (dictionary.size() < ColumnWriter::kNoCode8) {  // A quarter of the bytes; kNoCode32 becomes kNoCode8.
      const std::vector<std::uint8_t> small(codes.begin(), codes.end());
      writer_.add(name, small, dictionary);
    } else {
      writer_.add(name, codes, dictionary);
    }
    return true;
  }
  bool one_of(const std::vector<Column>& columns, std::string_view full_name, std::string_view name) {
    for (const auto& one : columns)
      if (one.name == name)
        return one.coded ? codes(full_name, one.codes, one.dictionary) : numbers(full_name, one.numbers);
    return false;
  }

  const TrialColumns& from_;
  std::vector<std::uint32_t> rows_;
  ColumnWriter writer_{0};
};

Result<std::string> TrialColumns::write(std::vector<std::string> names, std::optional<Seq> since) const {
  // What a reader knows that is newer than the store is of another store: it begins anew.
  if (since && *since > seq_) since.reset();
  if (names.empty()) names = this->names();
  if (since && std::find(names.begin(), names.end(), "number") == names.end()) names.insert(names.begin(), "number");
  Writing out(*this, since);
  for (const auto& name : names) {
    if (out.add(name)) continue;
    const auto known = this->names();
    const auto near = nearest(name, known);
    return Error{Error::Code::invalid, "there is no column `" + printable(name) + "`",
                 near.empty() ? "state, value, params.NAME, metrics.NAME" : "did you mean `" + printable(near) + "`?"};
  }
  return out.finish(!since);
}

}  // namespace tune
