// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/listing.hpp"

#include <algorithm>

#include "tuner/json.hpp"

namespace tune {
namespace {

std::string json_text(const auto& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

}  // namespace

std::string csv_text(std::string_view text) {
  std::string out(text);
  if (!out.empty() && std::string_view("=+-@\t\r").find(out[0]) != std::string_view::npos)
    out.insert(out.begin(), '\'');
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

Shown::Shown(std::string_view text, Style with)
    : shown(printable(text)), json(json_text(text)), csv(csv_text(text)), style(with) {}
Shown::Shown(double value, Style with)
    : shown(number_text(value)), json(json_text(value)), csv(to_text(value)), number(true), style(with) {}
Shown::Shown(std::int64_t value, Style with)
    : shown(std::to_string(value)), json(shown), csv(shown), number(true), style(with) {}
Shown::Shown(bool value) : shown(value ? "true" : "false"), json(shown), csv(shown) {}
Shown::Shown(const Value& value) {
  std::visit([&](const auto& v) { *this = Shown(v); }, value);
}

Shown Shown::shown_as(std::string shown, const Shown& exact) {
  Shown cell = exact;
  cell.shown = std::move(shown);
  return cell;
}

Shown Shown::raw(std::string shown, std::string json) {
  Shown cell;
  cell.shown = printable(shown);
  cell.csv = csv_text(json);
  cell.json = std::move(json);
  return cell;
}

void Listing::add(std::vector<Shown> row) {
  row.resize(columns_.size());
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Listing::widths(std::size_t limit) const {
  std::vector<std::size_t> widths;
  for (const auto& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], std::max<std::size_t>(1, display_width(row[i].shown)));
  if (limit == 0) return widths;

  std::size_t total = 2 * widths.size();
  for (const auto w : widths) total += w;
  const auto shrink = [&](std::size_t i, std::size_t least) {
    if (total <= limit || widths[i] <= least) return;
    const auto cut = std::min(widths[i] - least, total - limit);
    widths[i] -= cut, total -= cut;
  };
  for (std::size_t i = 0; i < widths.size(); ++i)
    if (columns_[i].flexible) shrink(i, 12);
  if (!widths.empty()) shrink(widths.size() - 1, 8);
  return widths;
}

std::string Listing::text(std::size_t width, bool colour) const {
  const auto wide = widths(width);
  std::vector<bool> right(columns_.size(), false);
  for (std::size_t i = 0; i < columns_.size(); ++i)
    right[i] = std::any_of(rows_.begin(), rows_.end(), [i](const auto& row) { return row[i].number; });

  std::string out;
  const auto line = [&](const auto& cell_text, const auto& cell_style) {
    std::string row;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::string text = fit(cell_text(i), wide[i]);
      const bool last = i + 1 == columns_.size();
      text = last && !right[i] ? text : pad(std::move(text), wide[i], right[i]);
      row += paint(cell_style(i), text, colour);
      if (!last) row += "  ";
    }
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + '\n';
  };
  line([&](std::size_t i) { return upper(printable(columns_[i].title)); }, [](std::size_t) { return Style::dim; });
  for (const auto& row : rows_)
    line([&](std::size_t i) { return row[i].shown.empty() ? std::string("-") : row[i].shown; },
         [&](std::size_t i) { return row[i].style; });
  return out;
}

std::string Listing::csv() const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) out += (i ? "," : "") + csv_text(columns_[i].title);
  out += "\n";
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) out += (i ? "," : "") + row[i].csv;
    out += "\n";
  }
  return out;
}

std::string Listing::json_object(const std::vector<Shown>& row) const {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  for (std::size_t i = 0; i < row.size(); ++i) writer.key(columns_[i].title).raw(row[i].json);
  writer.end_object();
  return out;
}

std::string Listing::json_lines() const {
  std::string out;
  for (const auto& row : rows_) out += json_object(row) + '\n';
  return out;
}

std::string Listing::json_array() const {
  std::string out = "[";
  for (std::size_t i = 0; i < rows_.size(); ++i) out += (i ? ",\n " : "") + json_object(rows_[i]);
  return out + "]\n";
}

}  // namespace tune
