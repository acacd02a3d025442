// SPDX-License-Identifier: Apache-2.0
#include "tuner/diagnostic.hpp"

#include <algorithm>

#include "tuner/json.hpp"
#include "tuner/utf8.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

int characters(std::string_view text) {
  int n = 0;
  for (std::size_t i = 0; i < text.size(); ++n) i += std::max<std::size_t>(1, utf8_length(text.substr(i)));
  return n;
}

// For the excerpt: a tab counts as one blank, and what printable() would escape becomes one visible character, so that
// columns stay columns.
std::string flat(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text.substr(i)));
    const auto one = text.substr(i, length);
    out += one == "\t" ? " " : printable(one) == one ? std::string{one} : "\xef\xbf\xbd";
    i += length;
  }
  return out;
}

// Byte where the n-th character from 0 begins.
std::size_t byte_of(std::string_view text, int n) {
  std::size_t i = 0;
  while (n-- > 0 && i < text.size()) i += std::max<std::size_t>(1, utf8_length(text.substr(i)));
  return std::min(i, text.size());
}

std::string_view word(Diagnostic::Severity s) { return s == Diagnostic::Severity::error ? "error" : "warning"; }

}  // namespace

Diagnostic locate(std::string_view file, std::string_view text, std::size_t begin, std::size_t end) {
  begin = std::min(begin, text.size());
  end = std::clamp(end, begin, text.size());
  const auto before = text.substr(0, begin);
  const auto line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  auto line = text.substr(line_begin, text.find('\n', line_begin) == std::string_view::npos
                                          ? std::string_view::npos
                                          : text.find('\n', line_begin) - line_begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto column = std::min(begin - line_begin, line.size());

  Diagnostic out;
  out.file = file;
  out.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  out.column = characters(line.substr(0, column)) + 1;
  out.length = std::max(
      1, characters(line.substr(column, std::min(end, line_begin + line.size()) - std::min(end, line_begin + column))));

  constexpr int kBefore = 60, kWidth = 110;
  const int first = characters(line) <= kWidth ? 0 : std::max(0, out.column - 1 - kBefore);
  const auto window = line.substr(byte_of(line, first));
  const auto cut = window.substr(0, byte_of(window, kWidth));
  out.excerpt = (first > 0 ? "…" : "") + flat(cut) + (cut.size() < window.size() ? "…" : "");
  out.excerpt_column = out.column - first + (first > 0);
  return out;
}

std::string render_text(std::span<const Diagnostic> all) {
  std::string out;
  for (const auto& d : all) {
    out += std::string{word(d.severity)} + "[" + d.code + "]: " + d.message + "\n";
    std::string margin = "  ";
    if (d.line > 0) {
      const auto number = std::to_string(d.line);
      margin = std::string(number.size() + 2, ' ');
      const int room = std::max(1, characters(d.excerpt) - d.excerpt_column + 1);
      out += margin.substr(1) + "--> " + printable(d.file) + ":" + number + ":" + std::to_string(d.column) + "\n";
      out += margin + "|\n " + number + " | " + d.excerpt + "\n";
      out += margin + "| " + std::string(static_cast<std::size_t>(d.excerpt_column - 1), ' ') +
             std::string(static_cast<std::size_t>(std::min(d.length, room)), '~') + "\n";
    }
    if (!d.hint.empty()) out += margin + "= help: " + d.hint + "\n";
    out += margin + "= more: tune explain " + d.code + "\n";
  }
  return out;
}

std::string render_json(std::span<const Diagnostic> all) {
  std::string out;
  JsonWriter json{out};
  json.begin_array();
  for (const auto& d : all) {
    json.begin_object()
        .key("code")
        .value(d.code)
        .key("severity")
        .value(word(d.severity))
        .key("message")
        .value(d.message);
    json.key("hint")
        .value(d.hint)
        .key("file")
        .value(d.file)
        .key("line")
        .value(d.line)
        .key("column")
        .value(d.column)
        .key("length")
        .value(d.length)
        .end_object();
  }
  json.end_array();
  return out + "\n";
}

std::string render_sarif(std::span<const Diagnostic> all) {
  std::string out;
  JsonWriter json{out};
  json.begin_object()
      .key("$schema")
      .value("https://json.schemastore.org/sarif-2.1.0.json")
      .key("version")
      .value("2.1.0")
      .key("runs")
      .begin_array()
      .begin_object();
  json.key("tool")
      .begin_object()
      .key("driver")
      .begin_object()
      .key("name")
      .value("tune")
      .key("version")
      .value(TUNE_VERSION)
      .key("rules")
      .begin_array();
  for (const auto& code : all_codes()) {
    if (std::none_of(all.begin(), all.end(), [&](const auto& d) { return d.code == code.code; })) continue;
    json.begin_object()
        .key("id")
        .value(code.code)
        .key("shortDescription")
        .begin_object()
        .key("text")
        .value(code.title)
        .end_object();
    json.key("fullDescription").begin_object().key("text").value(code.text).end_object().end_object();
  }
  json.end_array().end_object().end_object().key("results").begin_array();
  for (const auto& d : all) {
    json.begin_object().key("ruleId").value(d.code).key("level").value(word(d.severity));
    json.key("message")
        .begin_object()
        .key("text")
        .value(d.hint.empty() ? d.message : d.message + ". " + d.hint)
        .end_object();
    json.key("locations").begin_array().begin_object().key("physicalLocation").begin_object();
    json.key("artifactLocation").begin_object().key("uri").value(d.file).end_object();
    if (d.line > 0)
      json.key("region")
          .begin_object()
          .key("startLine")
          .value(d.line)
          .key("startColumn")
          .value(d.column)
          .key("endColumn")
          .value(d.column + d.length)
          .end_object();
    json.end_object().end_object().end_array().end_object();
  }
  json.end_array().key("columnKind").value("unicodeCodePoints").end_object().end_array().end_object();
  return out + "\n";
}

std::string render_github(std::span<const Diagnostic> all) {
  const auto escaped = [](std::string_view text, bool property) {
    std::string out;
    for (const char c : text) {
      if (c == '%')
        out += "%25";
      else if (c == '\r')
        out += "%0D";
      else if (c == '\n')
        out += "%0A";
      else if (property && c == ':')
        out += "%3A";
      else if (property && c == ',')
        out += "%2C";
      else
        out += c;
    }
    return out;
  };
  std::string out;
  for (const auto& d : all) {
    out += "::" + std::string{word(d.severity)} + " file=" + escaped(d.file, true);
    if (d.line > 0)
      out += ",line=" + std::to_string(d.line) + ",col=" + std::to_string(d.column) +
             ",endColumn=" + std::to_string(d.column + d.length);
    out += ",title=" + d.code +
           "::" + escaped(d.hint.empty() ? d.message : d.message + " (help: " + d.hint + ")", false) + "\n";
  }
  return out;
}

const Code* find_code(std::string_view code) {
  const auto same = [&](const Code& c) {
    return c.code.size() == code.size() && std::equal(code.begin(), code.end(), c.code.begin(),
                                                      [](char a, char b) { return a == b || a == b - 'A' + 'a'; });
  };
  const auto all = all_codes();
  const auto found = std::find_if(all.begin(), all.end(), same);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace tune
