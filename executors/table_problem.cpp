// SPDX-License-Identifier: Apache-2.0
#include "executors/table_problem.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unordered_map>

namespace tune {
namespace {

using Json = nlohmann::json;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Error invalid(std::string message, std::string hint = "") {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

struct Csv {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  std::optional<std::size_t> find(std::string_view name) const {
    const auto it = std::find(columns.begin(), columns.end(), name);
    return it == columns.end() ? std::nullopt : std::optional{static_cast<std::size_t>(it - columns.begin())};
  }
};

// Commas, quotes only around cells that hold a comma or a quote, no line breaks in cells.
std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      out.back() += c, ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      out.emplace_back();
    else if (c != '\r')
      out.back() += c;
  }
  return out;
}

Result<Csv> read_csv(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) {
    const bool packed = std::filesystem::exists(path.string() + ".gz");
    return Error{Error::Code::not_found, "executor.from: there is no file " + printable(path.string()),
                 packed ? "unpack it: gzip -dk " + printable(path.string()) + ".gz" : ""};
  }
  Csv csv;
  std::string line;
  if (std::getline(file, line)) csv.columns = cells(line);
  for (int number = 2; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    csv.rows.push_back(cells(line));
    if (csv.rows.back().size() != csv.columns.size())
      return invalid(printable(path.string()) + ":" + std::to_string(number) + ": " +
                     std::to_string(csv.rows.back().size()) + " cells where the first line has " +
                     std::to_string(csv.columns.size()));
  }
  return csv;
}

// An empty cell is a measurement that failed.
double number(const std::string& cell) {
  double x = kNan;
  std::from_chars(cell.data(), cell.data() + cell.size(), x);
  return x;
}

// The cell as a value of the dimension, however the table writes it; nullopt if it is none.
std::optional<Value> value_of(const Dimension& d, const std::string& cell) {
  std::vector<Value> readings{cell, cell == "true" || cell == "True" || cell == "1"};
  if (const double x = number(cell); std::isfinite(x)) {
    readings.insert(readings.begin(), x);
    if (x == std::floor(x) && std::fabs(x) < 0x1.0p53) readings.insert(readings.begin(), static_cast<std::int64_t>(x));
  }
  for (const auto& v : readings)
    if (d.position(v)) return v;
  return std::nullopt;
}

bool is_listed(const Dimension& d) { return d.kind == Dimension::Kind::choice || d.kind == Dimension::Kind::boolean; }

/// A row of the configurations and the lines of its curve.
struct Row {
  std::vector<double> unit;                // Position in each dimension of the space; NaN: inactive there.
  std::vector<std::vector<double>> lines;  // By step, a value for each metric.
  std::vector<double> until;               // By step, seconds since the beginning; empty: not recorded.
};

class Table final : public Problem {
 public:
  Table(const Space& space, std::vector<std::string> metrics, std::vector<Row> rows)
      : space_(space), metrics_(std::move(metrics)), rows_(std::move(rows)) {}
  const std::vector<std::string>& metrics() const override { return metrics_; }

  Course course(const Params& params) const override {
    const Row& row = nearest(params);
    Course c;
    c.steps = std::max<std::int64_t>(1, static_cast<std::int64_t>(row.lines.size()));
    c.measure = [&row](std::int64_t step, std::span<double> out) {
      const auto i = static_cast<std::size_t>(step - 1);
      if (i < row.lines.size())
        std::copy(row.lines[i].begin(), row.lines[i].end(), out.begin());
      else
        std::fill(out.begin(), out.end(), kNan);
    };
    if (!row.until.empty())
      c.seconds = [&row](std::int64_t step) {
        const auto i = static_cast<std::size_t>(step - 1);
        if (i >= row.until.size()) return 0.0;
        const double took = row.until[i] - (i > 0 ? row.until[i - 1] : 0.0);
        return took > 0 ? took : 0.0;
      };
    return c;
  }

 private:
  // Ties go to the earlier row.
  const Row& nearest(const Params& params) const {
    const auto unit = space_.encode(params).value();
    const Row* best = &rows_.front();
    double least = std::numeric_limits<double>::infinity();
    for (const Row& row : rows_) {
      double sum = 0;
      for (std::size_t d = 0; d < unit.size() && sum < least; ++d) {
        const Dimension& dimension = space_.dimensions()[d];
        const bool here = params.contains(dimension.name), there = !std::isnan(row.unit[d]);
        const double gap = unit[d] - row.unit[d];
        if (here != there)
          sum += 1;
        else if (here)
          sum += is_listed(dimension) ? gap != 0 : gap * gap;
      }
      if (sum < least) least = sum, best = &row;
    }
    return *best;
  }

  const Space& space_;
  std::vector<std::string> metrics_;
  std::vector<Row> rows_;
};

std::vector<double> pick(const std::vector<std::string>& row, const std::vector<std::size_t>& columns) {
  std::vector<double> out;
  for (const auto c : columns) out.push_back(number(row[c]));
  return out;
}

Result<std::vector<std::size_t>> find_all(const Csv& csv, const std::vector<std::string>& names,
                                          const std::string& file) {
  std::vector<std::size_t> out;
  for (const auto& name : names) {
    const auto c = csv.find(name);
    if (!c) return invalid(printable(file) + " has no column `" + printable(name) + "`");
    out.push_back(*c);
  }
  return out;
}

Result<std::unique_ptr<Problem>> read_table(const std::filesystem::path& path, const Spec& spec) {
  std::ifstream file(path);
  if (!file) return Error{Error::Code::not_found, "executor.from: there is no file " + printable(path.string()), ""};
  const Json json = Json::parse(file);
  const auto beside = [&](const Json& entry) {
    const std::string name = entry.is_string() ? entry.get<std::string>() : entry.at("file").get<std::string>();
    return path.parent_path() / (name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name);
  };

  std::vector<std::string> metrics;
  for (const auto& m : json.at("metrics")) metrics.push_back(m.at("name"));
  const auto& objective = spec.objectives.front().metric;
  if (std::find(metrics.begin(), metrics.end(), objective) == metrics.end()) {
    std::string known;
    for (const auto& m : metrics) known += (known.empty() ? "" : ", ") + printable(m);
    return invalid(
        "objective.metric: the table " + printable(path.string()) + " has no metric `" + printable(objective) + "`",
        "it has " + known);
  }

  const auto configs_path = beside(json.at("files").at("configs"));
  auto configs = read_csv(configs_path);
  if (!configs) return configs.error();
  const auto id = configs->find("config_id");
  if (!id) return invalid(printable(configs_path.string()) + " has no column `config_id`");
  std::vector<Row> rows;
  std::unordered_map<std::string, std::size_t> by_id;
  for (const auto& cell_row : configs->rows) {
    Row row;
    for (const auto& d : spec.space.dimensions()) {
      const auto c = configs->find(d.name);
      if (!c && d.kind != Dimension::Kind::constant)
        return invalid("params." + printable(d.name) + ": the table has no such column");
      const auto v = c && !cell_row[*c].empty() ? value_of(d, cell_row[*c]) : std::nullopt;
      row.unit.push_back(v ? d.position(*v).value() : c ? kNan : 0.5);
    }
    by_id[cell_row[*id]] = rows.size();
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return invalid(printable(configs_path.string()) + " has no rows");

  const bool curves = json.at("files").contains("curves");
  const auto lines_path = curves ? beside(json.at("files").at("curves")) : configs_path;
  auto lines = curves ? read_csv(lines_path) : std::move(configs);
  if (!lines) return lines.error();
  const auto columns = find_all(*lines, metrics, lines_path.string());
  if (!columns) return columns.error();
  const auto line_id = lines->find("config_id"), repeat = lines->find("repeat");
  if (!line_id) return invalid(printable(lines_path.string()) + " has no column `config_id`");
  std::optional<std::size_t> cost;
  if (json.contains("cost") && json["cost"].is_object()) cost = lines->find(json["cost"].value("column", ""));
  for (const auto& line : lines->rows) {
    const auto found = by_id.find(line[*line_id]);
    if (found == by_id.end() || (repeat && line[*repeat] != "0")) continue;  // Of repeated measurements the first.
    rows[found->second].lines.push_back(pick(line, *columns));
    if (cost) rows[found->second].until.push_back(number(line[*cost]));
  }
  return std::unique_ptr<Problem>(std::make_unique<Table>(spec.space, std::move(metrics), std::move(rows)));
}

}  // namespace

Result<std::unique_ptr<Problem>> table_problem(const std::string& path, const Spec& spec) {
  try {
    return read_table(path, spec);
  } catch (const Json::exception& e) {
    return invalid("executor.from: " + printable(path) + ": " + printable(e.what()),
                   "docs/executors/simulator.md describes the format");
  }
}

}  // namespace tune
