// SPDX-License-Identifier: Apache-2.0
#include "executors/table_problem.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include <zlib.h>

namespace tune {
namespace {

using Json = nlohmann::json;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr const char* kFormat = "docs/executors/simulator.md describes the format";

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

// The whole file, unpacked if it is packed. A name that ends in .gz also stands for the file without it.
Result<std::string> read_packed(std::filesystem::path path) {
  if (!std::filesystem::exists(path) && path.extension() == ".gz") path.replace_extension();
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file)
    return Error{Error::Code::not_found, "there is no file " + printable(path.string()), ""};
  std::string text;
  char buffer[1 << 16];
  int got = 0;
  while ((got = gzread(file, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  // That a file ends early is told when it is closed.
  if (gzclose(file) != Z_OK || got < 0)
    return Error{Error::Code::corrupt, printable(path.string()) + " is damaged: it cannot be unpacked", ""};
  return text;
}

Result<Csv> read_csv(const std::filesystem::path& path) {
  const auto text = read_packed(path);
  if (!text) return text.error();
  Csv csv;
  std::size_t begin = 0;
  for (int number = 1; begin < text->size(); ++number) {
    const auto end = std::min(text->find('\n', begin), text->size());
    const auto line = std::string_view{*text}.substr(begin, end - begin);
    begin = end + 1;
    if (number == 1) {
      csv.columns = cells(line);
      continue;
    }
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

constexpr double kRounded = 1e-5;  // Tables round: 0.99812329 may stand as 0.9981233, beyond the range that was given.

// Where a cell stands in a dimension: NaN if it is empty, nullopt if it lies outside.
std::optional<double> position_of(const Dimension& d, const std::string& cell) {
  if (cell.empty()) return kNan;
  const double x = number(cell);
  std::vector<Value> readings{cell, cell == "true" || cell == "True" || cell == "1"};
  if (std::isfinite(x)) {
    readings.insert(readings.begin(), x);
    if (x == std::floor(x) && std::fabs(x) < 0x1.0p53) readings.insert(readings.begin(), static_cast<std::int64_t>(x));
  }
  for (const auto& v : readings)
    if (const auto u = d.position(v)) return u;
  const bool listed = !d.values.empty() || d.kind == Dimension::Kind::boolean;
  const double slack = kRounded * std::max(std::fabs(d.min), std::fabs(d.max));
  if (listed || !std::isfinite(x) || x < d.min - slack || x > d.max + slack) return std::nullopt;
  return d.nearest_position(x);
}

/// The parts of a table's description.
struct Description {
  Json json;
  std::filesystem::path path;

  bool has(const char* file) const { return json.at("files").contains(file); }
  std::filesystem::path file(const char* which) const {
    const Json& entry = json.at("files").at(which);
    return path.parent_path() / (entry.is_string() ? entry : entry.at("file")).get<std::string>();
  }
};

Result<Description> read_description(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{Error::Code::not_found, "there is no file " + printable(path), ""};
  Description d{Json::parse(file), path};
  if (const auto kind = d.json.value("kind", "table"); kind != "table" && kind != "curves" && kind != "instances")
    return invalid(printable(path) + " is of the kind `" + printable(kind) + "`",
                   "trials can be simulated from the kinds table, curves and instances");
  return d;
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

Result<std::vector<std::string>> metrics_of(const Description& table, const Spec& spec) {
  std::vector<std::string> metrics;
  std::string known;
  for (const auto& m : table.json.at("metrics")) {
    metrics.push_back(m.at("name"));
    known += (known.empty() ? "" : ", ") + printable(metrics.back());
  }
  const auto& objective = spec.objectives.front().metric;
  if (std::find(metrics.begin(), metrics.end(), objective) != metrics.end()) return metrics;
  return invalid("objective.metric: the table " + printable(table.path.string()) + " has no metric `" +
                     printable(objective) + "`",
                 "it has " + known);
}

// Positions of the configurations by config_id; those that lie outside the space are left out and counted.
Result<std::unordered_map<std::string, std::vector<double>>> positions(const Description& table, const Csv& configs,
                                                                       const Spec& spec, Recording& out) {
  const auto id = configs.find("config_id");
  if (!id) return invalid(printable(table.file("configs").string()) + " has no column `config_id`");
  std::vector<std::optional<std::size_t>> columns;
  std::set<std::string> known;
  for (const auto& d : spec.space.dimensions()) {
    columns.push_back(d.kind == Dimension::Kind::constant ? std::nullopt : configs.find(d.name));
    if (d.kind == Dimension::Kind::constant || columns.back())
      known.insert(d.name);
    else
      out.unmatched.push_back(d.name);
  }
  if (table.json.contains("space"))
    for (const auto& p : table.json["space"])
      if (const std::string name = p.at("name"); !known.contains(name)) out.unmatched.push_back(name);
  std::unordered_map<std::string, std::vector<double>> all;
  for (const auto& row : configs.rows) {
    std::vector<double> unit;
    bool inside = true;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto u = columns[i] ? position_of(spec.space.dimensions()[i], row[*columns[i]]) : std::optional{kNan};
      inside = inside && u;
      unit.push_back(u.value_or(kNan));
    }
    if (inside)
      all.emplace(row[*id], std::move(unit));
    else
      ++out.outside;
  }
  if (all.empty()) return invalid(printable(table.file("configs").string()) + " has no row inside the space of the config");
  return all;
}

// The column of seconds, if there is one that was measured.
std::optional<std::size_t> cost_column(const Description& table, const Csv& lines) {
  const auto c = table.json.find("cost");
  const bool measured = c != table.json.end() && c->is_object() && c->value("kind", "") != "proxy";
  return measured ? lines.find(c->value("column", "")) : std::nullopt;
}

// A trial a configuration and repeat, in the order of the file.
Result<Done> read_curves(const Description& table, const Csv& lines,
                         const std::unordered_map<std::string, std::vector<double>>& by_id, Recording& out) {
  const std::string file = table.file(table.has("curves") ? "curves" : "configs").string();
  const auto columns = find_all(lines, out.metrics, file);
  if (!columns) return columns.error();
  const auto id = lines.find("config_id"), repeat = lines.find("repeat");
  if (!id) return invalid(printable(file) + " has no column `config_id`");
  const auto cost = cost_column(table, lines);
  std::map<std::pair<std::string, std::string>, std::size_t> begun;
  for (const auto& line : lines.rows) {
    const auto found = by_id.find(line[*id]);
    if (found == by_id.end()) continue;
    const auto [place, is_new] = begun.try_emplace({line[*id], repeat ? line[*repeat] : ""}, out.trials.size());
    if (is_new) out.trials.push_back({found->second, {}, {}, {}, 0, RecordedTrial::End::by_itself});
    auto& trial = out.trials[place->second];
    trial.steps.push_back(static_cast<std::int64_t>(trial.steps.size()) + 1);
    auto& values = trial.values.emplace_back();
    for (const auto c : *columns) values.push_back(number(line[c]));
    if (!cost) continue;
    // A time that was not recorded, or goes back, takes none.
    const double before = trial.until.empty() ? 0 : trial.until.back(), at = number(line[*cost]);
    trial.until.push_back(at > before ? at : before);
  }
  if (out.trials.empty()) return invalid(printable(file) + " has no measurements");
  return Done{};
}

// The instances of the table by id, with their place in the config's list, or in the table's where the config has none.
Result<std::unordered_map<std::string, std::size_t>> places(const Description& table, const Spec& spec) {
  const std::string file = table.file("instances").string();
  const auto csv = read_csv(file);
  if (!csv) return csv.error();
  const auto columns = find_all(*csv, {"instance_id", "name"}, file);
  if (!columns) return columns.error();
  std::vector<std::string> names = spec.instances;
  if (names.empty())
    for (const auto& row : csv->rows) names.push_back(row[columns->back()]);
  std::unordered_map<std::string, std::string> ids;
  for (const auto& row : csv->rows) ids.emplace(row[columns->back()], row[columns->front()]);
  std::unordered_map<std::string, std::size_t> out;
  for (std::size_t place = 0; place < names.size(); ++place) {
    const auto id = ids.find(names[place]);
    if (id == ids.end()) return invalid("instances: the table has no instance `" + printable(names[place]) + "`", printable(file) + " lists them");
    out.emplace(id->second, place);
  }
  return out;
}

// A trial a configuration: what it measured on each instance. An instance that was not measured gives NaN, and
// takes no time.
Result<Done> read_instances(const Description& table, const std::unordered_map<std::string, std::vector<double>>& by_id,
                            const Spec& spec, Recording& out) {
  const auto order = places(table, spec);
  if (!order) return order.error();
  const std::string file = table.file("results").string();
  const auto lines = read_csv(file);
  if (!lines) return lines.error();
  const auto columns = find_all(*lines, out.metrics, file), ids = find_all(*lines, {"config_id", "instance_id"}, file);
  if (!columns) return columns.error();
  if (!ids) return ids.error();
  const auto cost = cost_column(table, *lines);
  std::map<std::string, std::size_t> begun;
  std::vector<std::vector<double>> seconds;
  for (const auto& line : lines->rows) {
    const auto unit = by_id.find(line[ids->front()]);
    const auto place = order->find(line[ids->back()]);
    if (unit == by_id.end() || place == order->end()) continue;
    const auto [known, is_new] = begun.try_emplace(unit->first, out.trials.size());
    if (is_new) {
      auto& trial = out.trials.emplace_back(RecordedTrial{unit->second, {}, {}, {}, 0, RecordedTrial::End::by_itself});
      for (std::size_t k = 1; k <= order->size(); ++k) trial.steps.push_back(static_cast<std::int64_t>(k));
      trial.values.assign(order->size(), std::vector<double>(columns->size(), kNan));
      seconds.emplace_back(order->size());
    }
    auto& values = out.trials[known->second].values[place->second];
    for (std::size_t m = 0; m < columns->size(); ++m) values[m] = number(line[(*columns)[m]]);
    if (const double s = cost ? number(line[*cost]) : 0; s > 0) seconds[known->second][place->second] = s;
  }
  if (out.trials.empty()) return invalid(printable(file) + " has no measurements");
  out.unordered = true;
  for (std::size_t t = 0; cost && t < out.trials.size(); ++t)
    for (double until = 0; const double s : seconds[t]) out.trials[t].until.push_back(until += s);
  return Done{};
}

Result<Recording> read(const std::string& path, const Spec& spec) {
  const auto table = read_description(path);
  if (!table) return table.error();
  auto metrics = metrics_of(*table, spec);
  if (!metrics) return metrics.error();
  Recording out;
  out.metrics = std::move(*metrics);
  const auto configs = read_csv(table->file("configs"));
  if (!configs) return configs.error();
  const auto by_id = positions(*table, *configs, spec, out);
  if (!by_id) return by_id.error();
  if (table->json.value("kind", "") == "instances") {
    if (auto done = read_instances(*table, *by_id, spec, out); !done) return done.error();
    return out;
  }
  if (!table->has("curves")) {
    if (auto done = read_curves(*table, *configs, *by_id, out); !done) return done.error();
    return out;
  }
  const auto lines = read_csv(table->file("curves"));
  if (!lines) return lines.error();
  if (auto done = read_curves(*table, *lines, *by_id, out); !done) return done.error();
  return out;
}

// A parameter of the table as a config has it.
Json setting_of(const Json& p) {
  const std::string type = p.at("type");
  Json out;
  if (type == "float" || type == "int") {
    const double low = p.at("low"), high = p.at("high");
    const bool log = p.value("log", false);
    if (low < high)
      out = {{"type", type == "int" ? (log ? "logint" : "int") : (log ? "loguniform" : "uniform")},
             {"min", p.at("low")},
             {"max", p.at("high")}};
    else
      out = {{"type", "const"}, {"value", p.at("low")}};
  } else {
    out = {{"type", type == "ordinal" ? "ordinal" : "choice"}, {"values", p.at("values")}};
  }
  if (p.contains("active_if"))
    out["when"] = {{p["active_if"].at("param").get<std::string>(), p["active_if"].at("values")}};
  return out;
}

template <class T>
Result<T> reading(const std::string& path, const std::function<Result<T>()>& read) {
  try {
    return read();
  } catch (const Json::parse_error& e) {
    return invalid(printable(path) + " is not JSON: wrong at byte " + std::to_string(e.byte), kFormat);
  } catch (const Json::exception&) {
    return invalid(printable(path) + " does not describe a table: a part is missing, or is not of the type it should be", kFormat);
  }
}

}  // namespace

Result<Recording> read_table(const std::string& path, const Spec& spec) {
  return reading<Recording>(path, [&] { return read(path, spec); });
}

Result<std::unique_ptr<Problem>> table_problem(const std::string& path, const Spec& spec) {
  auto table = read_table(path, spec);
  if (!table) return table.error();
  for (const auto& name : table->unmatched)
    if (spec.space.find(name)) return invalid("params." + printable(name) + ": the table has no such column");
  return recorded_problem(spec.space, std::make_shared<Recording>(std::move(*table)), spec.seed);
}

Result<TableSettings> table_settings(const std::string& path) {
  return reading<TableSettings>(path, [&]() -> Result<TableSettings> {
    const auto table = read_description(path);
    if (!table) return table.error();
    Json params = Json::object();
    for (const auto& p : table->json.at("space")) params[p.at("name").get<std::string>()] = setting_of(p);
    const auto& metrics = table->json.at("metrics");
    auto first = std::find_if(metrics.begin(), metrics.end(), [](const Json& m) { return m.value("primary", false); });
    if (first == metrics.end()) first = metrics.begin();
    if (first == metrics.end()) return invalid(printable(path) + " has no metrics", kFormat);
    const Json objective = {{"metric", first->at("name")},
                            {"goal", first->value("direction", "minimize") == "maximize" ? "maximize" : "minimize"}};
    TableSettings out{params.dump(), objective.dump(), ""};
    if (table->json.value("kind", "") != "instances") return out;
    const auto csv = read_csv(table->file("instances"));
    if (!csv) return csv.error();
    const auto name = find_all(*csv, {"name"}, table->file("instances").string());
    if (!name) return name.error();
    Json instances = Json::array();
    for (const auto& row : csv->rows) instances.push_back(row[name->front()]);
    out.instances = instances.dump();
    return out;
  });
}

}  // namespace tune
