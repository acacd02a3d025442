// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ui/view/text.hpp"

namespace tune {

/// One place in a table: what people see, and what programs get. Text from users is made printable here.
struct Shown {
  std::string shown;  ///< Empty cells show as "-".
  std::string json;   ///< The exact value as JSON; "null" where there is none.
  std::string csv;
  bool number = false;
  Style style = Style::plain;

  Shown() : json("null") {}
  Shown(std::string_view text, Style style = Style::plain);
  Shown(const char* text, Style with = Style::plain) : Shown(std::string_view{text}, with) {}
  Shown(const std::string& text, Style with = Style::plain) : Shown(std::string_view{text}, with) {}
  Shown(double value, Style style = Style::plain);
  Shown(std::int64_t value, Style style = Style::plain);
  Shown(int value, Style with = Style::plain) : Shown(static_cast<std::int64_t>(value), with) {}
  Shown(bool value);
  Shown(const Value& value);
  /// Shown in other words than the exact value: a duration, a curve, a time.
  static Shown shown_as(std::string shown, const Shown& exact);
  /// Exact JSON beside its short form.
  static Shown raw(std::string shown, std::string json);
};

/// A list of rows with named columns, as text, CSV, one JSON array or JSON lines.
class Listing {
 public:
  struct Column {
    std::string title;      ///< The key in JSON and CSV; shown in upper case.
    bool flexible = false;  ///< Gives way first when the terminal is narrow.
  };
  explicit Listing(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells at the end are empty.
  void add(std::vector<Shown> row);
  std::size_t size() const { return rows_.size(); }

  /// Aligned columns, numbers to the right. Nothing is cut if `width` is 0; else the flexible columns, then the last
  /// one, are cut.
  std::string text(std::size_t width, bool colour) const;
  /// RFC 4180, but lines end in \n alone. A text that a spreadsheet would take for a formula gets an apostrophe in
  /// front.
  std::string csv() const;
  /// One object a row, one row a line.
  std::string json_lines() const;
  std::string json_array() const;

 private:
  std::vector<std::size_t> widths(std::size_t limit) const;
  std::string json_object(const std::vector<Shown>& row) const;
  std::vector<Column> columns_;
  std::vector<std::vector<Shown>> rows_;
};

/// A CSV field: quoted where it must be; text that begins like a formula is disarmed.
std::string csv_text(std::string_view text);

}  // namespace tune
