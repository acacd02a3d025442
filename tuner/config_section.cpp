// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tuner/config_fields.hpp"
#include "tuner/config_parts.hpp"
#include "tuner/json.hpp"
#include "tuner/nearest.hpp"
#include "tuner/units.hpp"
#include "tuner/utf8.hpp"

namespace tune::detail {

std::size_t Findings::add_source(std::string name, std::string text) {
  sources_.push_back({std::move(name), std::move(text)});
  return sources_.size() - 1;
}

void Findings::add(std::string_view code, Span span, std::string message, std::string hint) {
  all_.push_back({std::string{code}, std::move(message), std::move(hint), span});
}

bool Findings::has_errors() const {
  return std::any_of(all_.begin(), all_.end(), [](const Finding& f) { return f.is_error(); });
}

void Findings::finish(ConfigResult& out) const {
  constexpr std::size_t kMost = 20;
  std::vector<const Finding*> shown_ones;
  for (const auto& f : all_) shown_ones.push_back(&f);
  const auto by_place = [](const Finding* a, const Finding* b) {
    return std::pair{a->span.source, a->span.begin} < std::pair{b->span.source, b->span.begin};
  };
  if (shown_ones.size() > kMost) {
    std::stable_sort(shown_ones.begin(), shown_ones.end(), by_place);
    std::stable_partition(shown_ones.begin(), shown_ones.end(), [](const Finding* f) { return f->is_error(); });
    out.hidden = static_cast<int>(shown_ones.size() - kMost);
    shown_ones.resize(kMost);
  }
  std::stable_sort(shown_ones.begin(), shown_ones.end(), by_place);
  for (const auto* f : shown_ones) {
    const auto& source = sources_[f->span.source];
    auto d = locate(source.name, source.text, f->span.begin, f->span.end);
    d.code = f->code, d.message = f->message, d.hint = f->hint;
    d.severity = f->is_error() ? Diagnostic::Severity::error : Diagnostic::Severity::warning;
    out.diagnostics.push_back(std::move(d));
  }
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size() && characters < kMost; ++characters)
    end += std::max<std::size_t>(1, utf8_length(text.substr(end)));
  return "`" + printable(text.substr(0, end)) + (end < text.size() ? "…" : "") + "`";
}

std::string_view kind_of(const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::null:
      return "null";
    case JsonNode::Kind::boolean:
      return "true or false";
    case JsonNode::Kind::number:
      return "a number";
    case JsonNode::Kind::string:
      return "a text";
    case JsonNode::Kind::array:
      return "a list";
    case JsonNode::Kind::object:
      return "an object";
  }
  return "";
}

std::string Range::text() const {
  std::string out;
  if (std::isfinite(min)) out = (above_min ? "above " : "at least ") + to_text(min);
  if (std::isfinite(max))
    out += (out.empty() ? "" : " and ") + std::string{below_max ? "below " : "at most "} + to_text(max);
  return out;
}

std::optional<double> number_of(Findings& findings, const JsonNode& node, Span span, std::string_view name,
                                Range range) {
  if (node.kind != JsonNode::Kind::number) {
    findings.add("E004", span, shown(name) + " must be a number and is " + std::string{kind_of(node)});
  } else if (!std::isfinite(node.number)) {
    findings.add("E014", span, shown(name) + " must be finite");
  } else if (!range.contains(node.number)) {
    findings.add("E006", span, shown(name) + " must be " + range.text() + " and is " + to_text(node.number));
  } else {
    return node.number;
  }
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(Findings& findings, const JsonNode& node, Span span, std::string_view name,
                                       Range range) {
  const auto number = number_of(findings, node, span, name, range);
  if (!number) return std::nullopt;
  if (node.integer) return node.integer;
  // 1e3 and 5.0 are whole numbers too, as JSON Schema sees it.
  if (*number == std::floor(*number) && std::fabs(*number) <= 0x1p53) return static_cast<std::int64_t>(*number);
  findings.add("E004", span, shown(name) + " must be a whole number and is " + to_text(*number));
  return std::nullopt;
}

std::optional<Value> value_of(Findings& findings, const JsonNode& node, std::string_view name) {
  switch (node.kind) {
    case JsonNode::Kind::boolean:
      return node.boolean;
    case JsonNode::Kind::string:
      return node.text;
    case JsonNode::Kind::number:
      if (node.integer) return *node.integer;
      if (const auto number = number_of(findings, node, node.span, name, {})) return *number;
      return std::nullopt;
    default:
      findings.add(
          "E004", node.span,
          "a value of " + shown(name) + " is a text, a number, true or false, not " + std::string{kind_of(node)},
          node.kind == JsonNode::Kind::array ? "name each list by a text and let the program look it up" : "");
      return std::nullopt;
  }
}

Section::Section(Findings& findings, const JsonNode* node, Span where, std::string path,
                 const std::vector<std::string_view>& more)
    : findings_(findings), node_(node), where_(where), path_(std::move(path)) {
  if (!node_) return;
  const auto name = path_.substr(path_.find_last_of('.') + 1);
  if (node_->kind != JsonNode::Kind::object) {
    findings_.add("E004", where_, shown(name) + " must be an object and is " + std::string{kind_of(*node_)});
    node_ = nullptr;
    return;
  }
  const auto fields = fields_of(path_);
  const bool any_key = std::any_of(fields.begin(), fields.end(), [](const Field* f) { return f->path.ends_with('*'); });
  std::vector<std::string_view> known = more;
  for (const auto* f : fields) known.push_back(f->path.substr(path_.empty() ? 0 : path_.size() + 1));
  for (const auto& m : node_->members) {
    const auto full = path_.empty() ? m.key : path_ + "." + m.key;
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field* f) { return f->path == full; });
    if (found != fields.end() && !(*found)->later.empty()) {
      if (std::find(more.begin(), more.end(), m.key) == more.end())
        findings_.add("E010", m.key_span,
                      shown(m.key) + " is not served by this version; it comes with " + std::string{(*found)->later});
    } else if (found == fields.end() && std::find(more.begin(), more.end(), m.key) == more.end() && !any_key &&
               !(path_.empty() && m.key.starts_with("x-"))) {
      const auto near = nearest(m.key, std::span<const std::string_view>{known});
      findings_.add("E003", m.key_span, "unknown key " + shown(m.key) + (path_.empty() ? "" : " in " + shown(name)),
                    near.empty() ? "" : "did you mean \"" + std::string{near} + "\"?");
    }
  }
}

const JsonMember* Section::member(std::string_view key) const { return node_ ? node_->find(key) : nullptr; }

Section Section::section(std::string_view key, std::string path, const std::vector<std::string_view>& more) {
  const auto* m = member(key);
  if (path.empty()) path = path_.empty() ? std::string{key} : path_ + "." + std::string{key};
  return {findings_, m ? &m->value : nullptr, m ? m->key_span : where_, std::move(path), more};
}

const JsonMember* Section::require(std::string_view key) {
  const auto* m = member(key);
  if (!m && node_)
    findings_.add("E005", where_,
                  (path_.empty() ? "the config" : "`" + path_.substr(path_.find_last_of('.') + 1) + "`") + " needs " +
                      shown(key));
  return m;
}

void Section::wrong_type(const JsonMember& m, std::string_view wanted) {
  findings_.add("E004", m.span(),
                shown(m.key) + " must be " + std::string{wanted} + " and is " + std::string{kind_of(m.value)});
}

std::optional<std::string> Section::text(std::string_view key) {
  const auto* m = member(key);
  if (!m) return std::nullopt;
  if (m->value.kind != JsonNode::Kind::string) return wrong_type(*m, "a text"), std::nullopt;
  return m->value.text;
}

std::optional<bool> Section::boolean(std::string_view key) {
  const auto* m = member(key);
  if (!m) return std::nullopt;
  if (m->value.kind != JsonNode::Kind::boolean) return wrong_type(*m, "true or false"), std::nullopt;
  return m->value.boolean;
}

std::optional<double> Section::number(std::string_view key, Range range) {
  const auto* m = member(key);
  return m ? number_of(findings_, m->value, m->span(), key, range) : std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key, Range range) {
  const auto* m = member(key);
  return m ? integer_of(findings_, m->value, m->span(), key, range) : std::nullopt;
}

std::optional<Duration> Section::duration(std::string_view key) {
  const auto* m = member(key);
  const auto given = text(key);
  if (!given) return std::nullopt;
  const auto out = parse_duration(*given);
  if (!out)
    findings_.add("E008", m->span(), shown(*given) + " is no duration",
                  "write \"90s\", \"1h30m\" or \"250ms\" (units ms, s, m, h, d)");
  return out;
}

std::optional<std::int64_t> Section::bytes(std::string_view key) {
  const auto* m = member(key);
  const auto given = text(key);
  if (!given) return std::nullopt;
  const auto out = parse_bytes(*given);
  if (!out)
    findings_.add("E009", m->span(), shown(*given) + " is no size",
                  "write \"512MiB\" or \"1.5GiB\" (units B, KiB, MiB, GiB, TiB)");
  return out;
}

std::optional<std::vector<std::string>> Section::texts(std::string_view key) {
  const auto* m = member(key);
  if (!m) return std::nullopt;
  if (m->value.kind != JsonNode::Kind::array) return wrong_type(*m, "a list of texts"), std::nullopt;
  std::vector<std::string> out;
  for (const auto& item : m->value.items) {
    if (item.kind != JsonNode::Kind::string) {
      findings_.add("E004", item.span, shown(key) + " is a list of texts; this is " + std::string{kind_of(item)});
      return std::nullopt;
    }
    out.push_back(item.text);
  }
  return out;
}

std::optional<std::size_t> Section::word_index(std::string_view key, const std::vector<std::string_view>& words,
                                               std::initializer_list<std::string_view> later) {
  const auto given = text(key);
  if (!given) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *given);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  const Span span = member(key)->span();
  if (std::find(later.begin(), later.end(), *given) != later.end()) {
    findings_.add("E010", span, "\"" + *given + "\" for " + shown(key) + " is not served by this version");
    return std::nullopt;
  }
  std::string list;
  for (const auto w : words) list += (list.empty() ? "" : ", ") + std::string{w};
  const auto near = nearest(*given, std::span<const std::string_view>{words});
  findings_.add("E007", span, shown(*given) + " is no value of " + shown(key) + "; there are " + list,
                near.empty() ? "" : "did you mean \"" + std::string{near} + "\"?");
  return std::nullopt;
}

}  // namespace tune::detail
