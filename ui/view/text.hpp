// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/value.hpp"

/// Text as people read it on a terminal. Pure functions; nothing here depends on the locale.
namespace tune {

enum class Style : std::uint8_t { plain, bold, dim, red, green, yellow, cyan };
/// With the escapes of `style` around it if `colour`, else unchanged. The text must be printable() already.
std::string paint(Style style, std::string_view text, bool colour);

/// Columns that the text takes on a terminal: wide East Asian characters take two, combining ones none.
/// Our own escapes (paint) take none either.
std::size_t display_width(std::string_view text);
/// Cut to at most `width` columns, the last of them "…" if something was cut. For text without escapes.
std::string fit(std::string_view text, std::size_t width);
/// Blanks on the right (or the left) up to `width` columns.
std::string pad(std::string text, std::size_t width, bool right = false);

/// "850ms", "4.2s", "1m05s", "2h13m", "3d04h". Negative or not finite: "-".
std::string duration_text(double seconds);
/// Up to six significant digits: "0.00123", "1.5e-07", "124", "nan".
std::string number_text(double number);
/// number_text of floats; other values in full, printable.
std::string value_text(const Value&);
/// "1.2 MB": powers of 1000, two digits that mean something.
std::string size_text(std::int64_t bytes);
/// Local date and time, "2026-11-21 04:31:23".
std::string time_text(double seconds_since_epoch);

/// printable() of each line; the ends of lines stay.
std::string printable_lines(std::string_view text);

/// "name=value" of each parameter, a blank between, at most `width` columns.
std::string params_text(const Params&, std::size_t width = SIZE_MAX);

/// One bar character per value, "▁" to "█" between the least and the greatest finite value; "·" for one that is not
/// finite. More values than `width` are thinned: each character is the mean of its part.
std::string sparkline(std::span<const double> values, std::size_t width);
/// A line of `width` columns of which `fraction` (clamped to 0 … 1) is filled, to an eighth of a column.
std::string bar_text(double fraction, std::size_t width);

/// "a, b,c": the parts without blanks around them; empty ones are left out.
std::vector<std::string> comma_separated(std::string_view text);

/// One argument as a shell would need it: quoted only where it must be.
std::string shell_quoted(std::string_view argument);

}  // namespace tune
