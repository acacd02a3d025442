// SPDX-License-Identifier: Apache-2.0
// Charts with dots of Braille: a character has 2 x 4 of them (Unicode, U+2800 to U+28FF).
#include <algorithm>
#include <cmath>

#include "ui/cli/chart.hpp"
#include "ui/view/text.hpp"

namespace tune::plot {
namespace {

Style style_of(Tone tone) {
  switch (tone) {
    case Tone::best: return Style::cyan;
    case Tone::failed: return Style::red;
    case Tone::faint: return Style::dim;
    case Tone::plain: break;
  }
  return Style::plain;
}

class Grid {
 public:
  Grid(std::size_t width, std::size_t height) : width_(width), height_(height), cells_(width * height) {}

  void draw(const Series& series, const Axis& x, const Axis& y) {
    bool drawing = false;
    double last_x = 0, last_y = 0;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const double at = x.place(series.x[i]) * dots_across(), up = y.place(series.y[i]) * dots_up();
      if (std::isnan(at) || std::isnan(up)) {
        drawing = false;
        continue;
      }
      if (drawing && series.mark == Series::Mark::steps) {
        line(last_x, last_y, at, last_y, series.tone);
        line(at, last_y, at, up, series.tone);
      } else if (drawing && series.mark == Series::Mark::line) {
        line(last_x, last_y, at, up, series.tone);
      } else {
        dot(at, up, series.tone);
      }
      last_x = at, last_y = up, drawing = true;
    }
  }

  std::string row(std::size_t r, bool colour) const {
    std::string out;
    for (std::size_t c = 0; c < width_; ++c) {
      const Cell& cell = cells_[r * width_ + c];
      const char text[] = {'\xe2', static_cast<char>(0xa0 | cell.dots >> 6), static_cast<char>(0x80 | (cell.dots & 0x3f))};
      out += cell.dots ? paint(style_of(cell.tone), std::string_view(text, 3), colour) : " ";
    }
    return out;
  }

 private:
  struct Cell {
    std::uint8_t dots = 0;
    Tone tone = Tone::plain;
  };
  double dots_across() const { return static_cast<double>(2 * width_ - 1); }
  double dots_up() const { return static_cast<double>(4 * height_ - 1); }

  void dot(double across, double up, Tone tone) {
    static constexpr std::uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const auto x = static_cast<std::size_t>(std::lround(across)), y = 4 * height_ - 1 - static_cast<std::size_t>(std::lround(up));
    Cell& cell = cells_[y / 4 * width_ + x / 2];
    cell.dots |= bits[y % 4][x % 2];
    cell.tone = tone;
  }
  void line(double x0, double y0, double x1, double y1, Tone tone) {
    const double n = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1.0});
    for (double i = 0; i <= n; ++i) dot(x0 + (x1 - x0) * i / n, y0 + (y1 - y0) * i / n, tone);
  }

  std::size_t width_, height_;
  std::vector<Cell> cells_;
};

/// The ticks' texts beneath an axis of `width` columns; one that would touch its neighbour is left out.
std::string text_below(const Axis& axis, std::size_t width) {
  std::string out;
  std::size_t used = 0;
  for (const auto& tick : ticks(axis, width / 10)) {
    const double at = axis.place(tick.at);
    if (std::isnan(at)) continue;
    const std::string text = fit(tick.text, width / 3);
    const std::size_t size = display_width(text), centre = static_cast<std::size_t>(at * static_cast<double>(width - 1));
    const std::size_t begin = std::min(centre > size / 2 ? centre - size / 2 : 0, width > size ? width - size : 0);
    if (used > 0 && begin < used + 1) continue;
    out += std::string(begin - used, ' ') + text;
    used = begin + size;
  }
  return out;
}

}  // namespace

std::string on_terminal(const Chart& chart, std::size_t width, std::size_t height, bool colour) {
  width = std::max<std::size_t>(width, 30), height = std::max<std::size_t>(height, 8);
  const std::size_t rows = height - 4 - !chart.note.empty();
  const auto up = ticks(chart.y, std::max<std::size_t>(rows / 3, 2));
  std::vector<std::string> labels(rows);
  std::size_t margin = 0;
  for (const auto& tick : up) {
    const double at = chart.y.place(tick.at);
    if (std::isnan(at)) continue;
    auto& label = labels[rows - 1 - static_cast<std::size_t>(std::lround(at * static_cast<double>(rows - 1)))];
    if (label.empty()) label = fit(tick.text, width / 4);
    margin = std::max(margin, display_width(label));
  }
  const std::size_t across = width - margin - 3;
  Grid grid(across, rows);
  for (const auto& s : chart.series) grid.draw(s, chart.x, chart.y);

  std::string legend;
  for (const auto& s : chart.series)
    if (!s.name.empty()) legend += "  " + paint(style_of(s.tone), (s.mark == Series::Mark::points ? "• " : "─ ") + s.name, colour);
  std::string out = " " + paint(Style::bold, fit(chart.title, width - 1), colour) + "\n";
  out += " " + paint(Style::dim, fit(chart.y.label, width / 2), colour) + legend + "\n";
  for (std::size_t r = 0; r < rows; ++r)
    out += " " + pad(labels[r], margin, true) + paint(Style::dim, labels[r].empty() ? "│" : "┤", colour) + grid.row(r, colour) + "\n";
  out += " " + std::string(margin, ' ') + " " + text_below(chart.x, across) + "\n";
  const std::string below = fit(chart.x.label, across);
  out += " " + std::string(margin + 1 + (across - display_width(below)) / 2, ' ') + paint(Style::dim, below, colour) + "\n";
  if (!chart.note.empty()) out += " " + paint(Style::dim, fit(chart.note, width - 1), colour) + "\n";
  return out;
}

}  // namespace tune::plot
