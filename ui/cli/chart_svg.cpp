// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>

#include "ui/cli/chart.hpp"
#include "ui/view/text.hpp"

namespace tune::plot {
namespace {

constexpr double kLeft = 64, kRight = 16, kTop = 40, kBottom = 48, kGap = 8, kHeading = 40, kCharacter = 6.4;
constexpr double kAxisGap = 130, kTall = 300;
struct Size {
  double wide, high;
};
constexpr Size kAlone{760, 440}, kOneOfMany{460, 300};

// Okabe and Ito's colours, which people who see fewer colours tell apart.
constexpr const char* kStyle = R"(<style>
svg{font:11px system-ui,sans-serif;--page:#fff;background:var(--page);color:#1b1f24;--plain:#0072b2;--best:#d55e00;--failed:#cc79a7;--faint:#9aa4af;--rule:#d8dde3}
@media(prefers-color-scheme:dark){svg{--page:#14171b;color:#e4e8ec;--plain:#56b4e9;--best:#e69f00;--failed:#cc79a7;--faint:#5d6772;--rule:#323a43}}
text{fill:currentColor}.quiet{opacity:.75}.halo{paint-order:stroke;stroke:var(--page);stroke-width:3px}.heading{font-size:15px;font-weight:600}.title{font-weight:600}
.rule{stroke:var(--rule);stroke-width:1}.line{fill:none;stroke-width:1.5;stroke-linejoin:round}
.plain{--c:var(--plain)}.best{--c:var(--best)}.failed{--c:var(--failed)}.faint{--c:var(--faint)}
.line{stroke:var(--c)}circle{fill:var(--c);fill-opacity:.75}.line.faint{stroke-width:1;opacity:.6}
</style>
)";

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::best: return "best";
    case Tone::failed: return "failed";
    case Tone::faint: return "faint";
    case Tone::plain: break;
  }
  return "plain";
}

/// Text of users, as XML has it. It is printable already, so that no character is in it that XML forbids.
std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

/// To a tenth of a pixel.
std::string px(double v) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, std::round(v * 10) / 10, std::chars_format::fixed, 1).ptr;
  std::string out(text, end);
  return out.ends_with(".0") ? out.substr(0, out.size() - 2) : out;
}

class Svg {
 public:
  Svg(double width, double height, const std::string& title) {
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + px(width) + " " + px(height) + "\" width=\"" + px(width) +
           "\" height=\"" + px(height) + "\" role=\"img\">\n<title>" + xml(title) + "</title>\n" + kStyle;
  }
  void heading(const std::string& title) { text(kGap * 2, 26, title, "heading"); }
  enum class Anchor { start, middle, end };
  void text(double x, double y, std::string_view what, const char* of = "", Anchor anchor = Anchor::start, bool upright = false) {
    static constexpr const char* anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    out_ += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"" + anchors[static_cast<int>(anchor)];
    if (*of) out_ += std::string(" class=\"") + of + "\"";
    if (upright) out_ += " transform=\"rotate(-90 " + px(x) + " " + px(y) + ")\"";
    out_ += ">" + xml(what) + "</text>\n";
  }
  void rule(double x0, double y0, double x1, double y1) {
    out_ += "<line class=\"rule\" x1=\"" + px(x0) + "\" y1=\"" + px(y0) + "\" x2=\"" + px(x1) + "\" y2=\"" + px(y1) + "\"/>\n";
  }
  void dot(double x, double y, Tone tone) {
    out_ += std::string("<circle class=\"") + class_of(tone) + "\" cx=\"" + px(x) + "\" cy=\"" + px(y) + "\" r=\"2.5\"/>\n";
  }
  void begin_path(Tone tone) { out_ += std::string("<path class=\"line ") + class_of(tone) + "\" d=\""; }
  void move(double x, double y) { out_ += "M" + px(x) + " " + px(y); }
  void to(double x, double y) { out_ += "L" + px(x) + " " + px(y); }
  void across(double x) { out_ += "H" + px(x); }
  void end_path() { out_ += "\"/>\n"; }
  std::string end() { return std::move(out_) + "</svg>\n"; }

 private:
  std::string out_;
};

std::string cut(const std::string& text, double pixels) { return fit(text, static_cast<std::size_t>(std::max(pixels / kCharacter, 3.0))); }

void draw(Svg& svg, const Chart& chart, Size size, double left, double top) {
  const double x0 = left + kLeft, x1 = left + size.wide - kRight, y0 = top + size.high - kBottom, y1 = top + kTop;
  const auto at = [&](double v) { return x0 + v * (x1 - x0); };
  const auto up = [&](double v) { return y0 - v * (y0 - y1); };
  svg.text(left + kGap * 2, top + 16, cut(chart.title, size.wide - 4 * kGap), "title");
  for (const auto& tick : ticks(chart.y, 6)) {
    const double v = chart.y.place(tick.at);
    if (std::isnan(v)) continue;
    svg.rule(x0, up(v), x1, up(v));
    svg.text(x0 - 6, up(v) + 4, cut(tick.text, kLeft - 24), "quiet", Svg::Anchor::end);
  }
  double used = x0 - 30;
  for (const auto& tick : ticks(chart.x, 7)) {
    const double v = chart.x.place(tick.at);
    const std::string text = cut(tick.text, 80);
    const double half = kCharacter * static_cast<double>(display_width(text)) / 2;
    if (std::isnan(v) || at(v) - half < used + 6) continue;
    svg.text(at(v), y0 + 16, text, "quiet", Svg::Anchor::middle);
    used = at(v) + half;
  }
  svg.rule(x0, y0, x1, y0);
  svg.text((x0 + x1) / 2, y0 + 34, cut(chart.x.label, x1 - x0), "", Svg::Anchor::middle);
  svg.text(left + 14, (y0 + y1) / 2, cut(chart.y.label, y0 - y1), "", Svg::Anchor::middle, true);
  for (const auto& s : chart.series) {
    bool drawing = false;
    if (s.mark != Series::Mark::points) svg.begin_path(s.tone);
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const double x = chart.x.place(s.x[i]), y = chart.y.place(s.y[i]);
      const bool has = !std::isnan(x) && !std::isnan(y);
      if (has && s.mark == Series::Mark::points) svg.dot(at(x), up(y), s.tone);
      if (has && s.mark != Series::Mark::points) {
        if (drawing && s.mark == Series::Mark::steps) svg.across(at(x));
        drawing ? svg.to(at(x), up(y)) : svg.move(at(x), up(y));
      }
      drawing = has;
    }
    if (s.mark != Series::Mark::points) svg.end_path();
  }
  double legend = x0;
  for (const auto& s : chart.series) {
    if (s.name.empty()) continue;
    svg.dot(legend + 4, y1 - 12, s.tone);
    svg.text(legend + 12, y1 - 8, s.name, "quiet");
    legend += 24 + kCharacter * static_cast<double>(display_width(s.name));
  }
  if (!chart.note.empty()) svg.text(x0, y0 + 46, cut(chart.note, x1 - x0), "quiet");
}

}  // namespace

std::string as_svg(const std::string& title, const std::vector<Chart>& charts, std::size_t columns) {
  const bool alone = charts.size() == 1;
  const Size size = alone ? kAlone : kOneOfMany;
  const double top = alone ? kGap : kHeading;
  columns = std::clamp<std::size_t>(columns, 1, std::max<std::size_t>(charts.size(), 1));
  const std::size_t rows = (charts.size() + columns - 1) / columns;
  Svg svg(size.wide * static_cast<double>(columns), top + size.high * static_cast<double>(rows) + kGap, title);
  if (!alone) svg.heading(title);
  for (std::size_t i = 0; i < charts.size(); ++i)
    draw(svg, charts[i], size, size.wide * static_cast<double>(i % columns), top + size.high * static_cast<double>(i / columns));
  return svg.end();
}

std::string as_svg(const Parallel& chart) {
  const double margin = 80, top = kHeading + 40, bottom = top + kTall, nowhere = bottom + 22;
  const double width = 2 * margin + kAxisGap * static_cast<double>(std::max<std::size_t>(chart.axes.size(), 2) - 1);
  Svg svg(width, nowhere + 40, chart.title);
  svg.heading(chart.title);
  const auto x = [&](std::size_t axis) { return margin + kAxisGap * static_cast<double>(axis); };
  for (const auto& line : chart.lines) {
    svg.begin_path(line.tone);
    for (std::size_t a = 0; a < chart.axes.size(); ++a) {
      const double v = chart.axes[a].place(line.values[a]), y = std::isnan(v) ? nowhere : bottom - v * kTall;
      a > 0 ? svg.to(x(a), y) : svg.move(x(a), y);
    }
    svg.end_path();
  }
  for (std::size_t a = 0; a < chart.axes.size(); ++a) {
    svg.rule(x(a), top, x(a), bottom);
    svg.text(x(a), top - 14, cut(chart.axes[a].label, kAxisGap - kGap), "title", Svg::Anchor::middle);
    for (const auto& tick : ticks(chart.axes[a], 6))
      if (const double v = chart.axes[a].place(tick.at); !std::isnan(v))
        svg.text(x(a) + 5, bottom - v * kTall + 4, cut(tick.text, kAxisGap / 2), "halo");
    const bool gone = std::any_of(chart.lines.begin(), chart.lines.end(), [&](const auto& l) { return std::isnan(chart.axes[a].place(l.values[a])); });
    if (gone) svg.text(x(a) + 5, nowhere + 4, "none", "halo");
  }
  if (!chart.note.empty()) svg.text(kGap * 2, nowhere + 28, chart.note, "quiet");
  return svg.end();
}

}  // namespace tune::plot
