// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Charts that `tune plot` draws, on the terminal and as SVG. Pure: the same chart gives the same text everywhere.
namespace tune::plot {

/// One direction of a chart. What lies outside [min, max] is not drawn; min < max, and both above 0 where it is logarithmic.
struct Axis {
  std::string label;
  double min = 0, max = 1;
  bool logarithmic = false;
  bool whole = false;              ///< Only whole numbers have a tick.
  std::vector<std::string> names;  ///< Of 0, 1, 2, …: a category each. Empty: numbers.

  /// Where a value lies, 0 to 1; NaN where it has no place.
  double place(double value) const;
};
/// An axis over these values (those that are finite, and above 0 where it is logarithmic), with a little room at both ends.
Axis axis_over(std::string label, const std::vector<double>& values, bool logarithmic = false);

struct Tick {
  double at = 0;
  std::string text;
};
/// At most `most` ticks at round values: 1, 2 or 5 times a power of ten; powers of ten on a logarithmic axis, with 2 and 5
/// between them where there are few.
std::vector<Tick> ticks(const Axis&, std::size_t most);

/// What a series means, which decides how it looks.
enum class Tone : std::uint8_t { plain, best, faint, failed };

struct Series {
  enum class Mark : std::uint8_t { points, line, steps };
  std::string name;  ///< For the legend; empty: not in it.
  Tone tone = Tone::plain;
  Mark mark = Mark::points;
  std::vector<double> x, y;  ///< As long as one another. A point without a place is left out, and breaks a line.
};

struct Chart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;  ///< Later ones lie over earlier ones.
  std::string note;            ///< What the chart does not show.
};

/// Lines as many as `height` and as wide as `width` (at least 30 by 8), with dots of Braille, 2 x 4 a character.
std::string on_terminal(const Chart&, std::size_t width, std::size_t height, bool colour);

/// A picture with the charts one beside another, as many in a row as `columns`. Stands alone: no script, no link, system
/// fonts; readable on light and dark pages by prefers-color-scheme.
std::string as_svg(const std::string& title, const std::vector<Chart>& charts, std::size_t columns);

/// Parallel coordinates: an axis a parameter and one for the outcome, a line a trial.
struct Parallel {
  std::string title, note;
  std::vector<Axis> axes;
  struct Line {
    Tone tone = Tone::plain;
    std::vector<double> values;  ///< One an axis; NaN: it has none, and the line passes below the axis.
  };
  std::vector<Line> lines;  ///< Later ones lie over earlier ones.
};
std::string as_svg(const Parallel&);

}  // namespace tune::plot
