// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/reader.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

void append_quoted(std::string& out, std::string_view text) {
  // A spreadsheet would run it; a leading quote makes it text there.
  const bool formula = !text.empty() && std::string_view{"=+-@\t\r"}.find(text[0]) != std::string_view::npos;
  if (!formula && text.find_first_of(",\"\n\r") == std::string_view::npos) {
    out += text;
    return;
  }
  out += formula ? "\"'" : "\"";
  for (const char c : text) out.append(c == '"' ? 2 : 1, c);
  out += '"';
}

void append_cell(std::string& out, const Cell& cell) {
  std::visit(overloaded{[](std::monostate) {}, [&](std::int64_t i) { out += std::to_string(i); },
                        [&](double d) { out += to_text(d); }, [&](const std::string& s) { append_quoted(out, s); }},
             cell);
}

}  // namespace

Result<Done> export_csv(const StoreReader& reader, std::int64_t experiment, const TrialQuery& query,
                        const std::function<void(std::string_view)>& write) {
  std::string line;
  const auto end_line = [&] { write(line += "\r\n"), line.clear(); };
  return reader.each_trial(
      experiment, query,
      [&](const std::vector<std::string>& columns) {
        for (std::size_t i = 0; i < columns.size(); ++i) line += i ? "," : "", append_quoted(line, columns[i]);
        end_line();
      },
      [&](std::span<const Cell> cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) line += i ? "," : "", append_cell(line, cells[i]);
        end_line();
      });
}

Result<Done> export_ndjson(const StoreReader& reader, std::int64_t experiment, const TrialQuery& query,
                           const std::function<void(std::string_view)>& write) {
  std::vector<std::string> names;
  std::string line;
  return reader.each_trial(
      experiment, query, [&](const std::vector<std::string>& columns) { names = columns; },
      [&](std::span<const Cell> cells) {
        line.clear();
        JsonWriter json(line);
        json.begin_object();
        for (std::size_t i = 0; i < cells.size(); ++i) {
          json.key(names[i]);
          std::visit(overloaded{[&](std::monostate) { json.null(); }, [&](const auto& v) { json.value(v); }}, cells[i]);
        }
        json.end_object();
        write(line += '\n');
      });
}

}  // namespace tune
