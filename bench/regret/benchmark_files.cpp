// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/benchmark_files.hpp"

#include <zlib.h>

#include <fstream>
#include <stdexcept>

namespace tune::regret::detail {

Result<nlohmann::json> read_json_file(const std::string& path) {
  std::ifstream file{path};
  if (!file) return Error{Error::Code::not_found, "cannot read " + printable(path), "--benchmarks names the folder"};
  auto tree = nlohmann::json::parse(file, nullptr, false);
  if (tree.is_discarded() || tree.value("format", "") != "tune-bench-1")
    return Error{Error::Code::corrupt, printable(path) + " is not of the format tune-bench-1", ""};
  return tree;
}

Result<std::string> read_gz(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (!file) return Error{Error::Code::not_found, "cannot read " + printable(path), ""};
  std::string out;
  char buffer[1 << 16];
  int got = 0;
  while ((got = gzread(file, buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<std::size_t>(got));
  // A file that ends early is told by the close.
  if (gzclose(file) != Z_OK || got < 0) return Error{Error::Code::corrupt, printable(path) + " is cut short", ""};
  return out;
}

std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      out.emplace_back();
    else if (c != '\r')
      out.back() += c;
  }
  return out;
}

Value to_value(const nlohmann::json& v) {
  if (v.is_boolean()) return v.get<bool>();
  if (v.is_number_integer()) return v.get<std::int64_t>();
  if (v.is_number_float()) return v.get<double>();
  return v.get<std::string>();
}

namespace {

Dimension to_dimension(const nlohmann::json& j) {
  using Kind = Dimension::Kind;
  Dimension d;
  d.name = j.at("name");
  const std::string type = j.at("type");
  if (type == "float" || type == "int") {
    const bool log = j.value("log", false);
    d.kind = type == "float" ? (log ? Kind::loguniform : Kind::uniform) : (log ? Kind::logint : Kind::integer);
    d.min = j.at("low"), d.max = j.at("high");
  } else if (type == "ordinal" || type == "categorical") {
    d.kind = type == "ordinal" ? Kind::ordinal : Kind::choice;
    const bool doubles = j.value("numeric", "") == "float";
    for (const auto& v : j.at("values")) d.values.push_back(doubles ? Value{v.get<double>()} : to_value(v));
  } else {
    throw std::invalid_argument("parameter " + d.name + " has the unknown type " + type);
  }
  if (j.contains("active_if")) {
    Test t;
    t.parent = j["active_if"].at("param");
    for (const auto& v : j["active_if"].at("values")) t.values.push_back(to_value(v));
    d.when.push_back(std::move(t));
  }
  return d;
}

}  // namespace

Space to_space(const nlohmann::json& space) {
  std::vector<Dimension> all;
  for (const auto& j : space) all.push_back(to_dimension(j));
  auto made = Space::make(std::move(all));
  if (!made) throw std::invalid_argument(made.error().message);
  return std::move(made).value();
}

}  // namespace tune::regret::detail
