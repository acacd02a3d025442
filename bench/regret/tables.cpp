// SPDX-License-Identifier: Apache-2.0
// A table: every configuration was measured once. A proposal that is no row stands for the nearest row.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <unordered_map>

#include "bench/regret/benchmark_files.hpp"
#include "bench/regret/benchmark_folder.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::regret {
namespace {

using Levels = std::vector<std::uint8_t>;  // The number of each parameter's value.

double to_double(std::string_view text) {
  double out = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

class Table {
 public:
  Table(const nlohmann::json& task, std::string_view csv);

  const Space& space() const { return space_; }
  std::optional<double> value(const Params& params) const {
    const double v = rows_[row_at(levels_of(params))].value;
    return std::isnan(v) ? std::nullopt : std::optional{v};
  }
  Params nearest(const Params& params) const {
    const Levels wanted = levels_of(params);
    if (at_.contains(key(wanted))) return params;
    const Levels& found = rows_[row_at(wanted)].levels;
    Params out;
    for (std::size_t i = 0; i < found.size(); ++i) out.set(dimension(i).name, dimension(i).values[found[i]]);
    return out;
  }
  std::vector<double> measured() const {
    std::vector<double> out;
    for (const auto& r : rows_)
      if (!std::isnan(r.value)) out.push_back(r.value);
    return out;
  }

 private:
  struct Row {
    Levels levels;
    double value;
  };

  const Dimension& dimension(std::size_t i) const { return space_.dimensions()[i]; }
  Levels levels_of(const Params& params) const {
    Levels out;
    for (const auto& d : space_.dimensions()) {
      const auto found = std::find(d.values.begin(), d.values.end(), *params.find(d.name));
      out.push_back(static_cast<std::uint8_t>(found - d.values.begin()));
    }
    return out;
  }
  std::uint64_t key(const Levels& levels) const {
    std::uint64_t k = 0;
    for (std::size_t i = 0; i < levels.size(); ++i) k = k * dimension(i).values.size() + levels[i];
    return k;
  }
  // Categories differ by one, ordinals by their distance as a share of the scale, squared. The first of equals.
  std::size_t row_at(const Levels& wanted) const {
    if (const auto found = at_.find(key(wanted)); found != at_.end()) return found->second;
    std::size_t best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t r = 0; r < rows_.size(); ++r)
      if (const double d = distance(wanted, rows_[r].levels, least); d < least) least = d, best = r;
    return best;
  }
  double distance(const Levels& a, const Levels& b, double enough) const {
    double sum = 0;
    for (std::size_t i = 0; i < a.size() && sum < enough; ++i) {
      if (a[i] == b[i]) continue;
      const double apart = (a[i] - b[i]) / static_cast<double>(dimension(i).values.size() - 1);
      sum += dimension(i).kind == Dimension::Kind::choice ? 1 : apart * apart;
    }
    return sum;
  }
  Levels read_levels(const std::vector<std::string>& row, const std::vector<std::size_t>& columns) const;

  Space space_;
  std::vector<Row> rows_;
  std::unordered_map<std::uint64_t, std::size_t> at_;  // Looked up only, never walked.
};

// The number of the value that a cell names: its text, or the nearest number (cells are rounded).
std::uint8_t level_of(const Dimension& d, const std::string& cell) {
  std::size_t best = d.values.size();
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < d.values.size(); ++i) {
    if (to_text(d.values[i]) == cell) return static_cast<std::uint8_t>(i);
    const auto number = to_number(d.values[i]);
    if (const double apart = number ? std::fabs(*number - to_double(cell)) : std::nan(""); apart < least)
      least = apart, best = i;
  }
  if (best == d.values.size()) throw std::invalid_argument("parameter " + d.name + " has no value " + cell);
  return static_cast<std::uint8_t>(best);
}

std::size_t column(const std::vector<std::string>& header, const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) throw std::invalid_argument("there is no column " + name);
  return static_cast<std::size_t>(found - header.begin());
}

Levels Table::read_levels(const std::vector<std::string>& row, const std::vector<std::size_t>& columns) const {
  Levels out;
  for (std::size_t i = 0; i < columns.size(); ++i) out.push_back(level_of(dimension(i), row.at(columns[i])));
  return out;
}

Table::Table(const nlohmann::json& task, std::string_view csv) : space_(detail::to_space(task.at("space"))) {
  std::string metric;
  double sign = 1;
  for (const auto& m : task.at("metrics"))
    if (m.value("primary", false)) metric = m.at("name"), sign = m.at("direction") == "maximize" ? -1 : 1;
  const auto next_line = [&csv] {
    const auto line = csv.substr(0, csv.find('\n'));
    csv.remove_prefix(std::min(csv.size(), line.size() + 1));
    return detail::cells(line);
  };
  const auto header = next_line();
  std::vector<std::size_t> columns;
  for (const auto& d : space_.dimensions()) {
    if (d.values.empty() || d.values.size() > 255) throw std::invalid_argument("parameter " + d.name + " is not listed");
    columns.push_back(column(header, d.name));
  }
  const std::size_t at_metric = column(header, metric);
  const auto status = std::find(header.begin(), header.end(), "status") - header.begin();
  while (!csv.empty()) {
    const auto row = next_line();
    const bool ok = static_cast<std::size_t>(status) == header.size() || row.at(static_cast<std::size_t>(status)) == "ok";
    rows_.push_back({read_levels(row, columns), ok ? sign * to_double(row.at(at_metric)) : std::nan("")});
    at_.emplace(key(rows_.back().levels), rows_.size() - 1);
  }
}

}  // namespace

Result<Problem> read_table(const std::string& folder, const std::string& id) {
  const auto task = detail::read_json_file(folder + "/" + id + ".json");
  if (!task) return task.error();
  try {
    const std::string file = task->at("files").at("configs").at("file");
    const auto csv = detail::read_gz(folder + "/" + id.substr(0, id.find('/') + 1) + file);
    if (!csv) return csv.error();
    const auto table = std::make_shared<const Table>(*task, *csv);  // Shared by the two functions of the problem.
    const auto measured = table->measured();
    Problem p;
    p.set = "tables", p.name = id, p.space = table->space(), p.floor_share = 1e-3;
    p.optimum = *std::min_element(measured.begin(), measured.end());
    p.median = median(measured);
    p.evaluate = [table](const Params& params) { return table->value(params); };
    p.nearest = [table](const Params& params) { return table->nearest(params); };
    return p;
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, printable(id) + ": " + e.what(), ""};
  }
}

}  // namespace tune::regret
