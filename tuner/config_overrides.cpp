// SPDX-License-Identifier: Apache-2.0
// `--set key=value`: changes the tree before it is checked, so that every check applies.
#include <charconv>

#include "tuner/config_parts.hpp"

namespace tune::detail {
namespace {

// The value as JSON, else as text: params.lr.max=0.1 is a number, name=b is a text.
JsonNode parse_value(Findings& findings, std::size_t source, std::size_t begin) {
  const std::string whole{findings.text(source)};
  const std::string_view text = std::string_view{whole}.substr(begin);
  bool fine = true;
  // Blanks in front keep the offsets those of the whole.
  auto node = parse_json(std::string(begin, ' ') + std::string{text}, source, [&](const JsonFault&) { fine = false; });
  if (node && fine) return std::move(*node);
  JsonNode out;
  out.kind = JsonNode::Kind::string;
  out.text = text;
  out.span = {source, begin, whole.size()};
  return out;
}

struct Setter {
  Findings& findings;
  Span place;  // The key on the command line.
  JsonNode value;

  void refuse(std::string message) { findings.add("E015", place, std::move(message)); }

  // Names of parameters have dots themselves: the longest key that is there wins.
  void set(JsonNode& root, std::string_view path) {
    JsonNode* node = &root;
    while (!path.empty()) {
      if (node->kind == JsonNode::Kind::array) {
        const auto dot = path.find('.');
        const auto word = path.substr(0, dot);
        std::size_t index = 0;
        const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), index);
        if (ec != std::errc{} || end != word.data() + word.size() || index >= node->items.size())
          return refuse(shown(word) + " is no place in a list of " + std::to_string(node->items.size()) +
                        "; they count from 0");
        node = &node->items[index];
        path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
        continue;
      }
      if (node->kind != JsonNode::Kind::object)
        return refuse("there is no object that " + shown(path) + " could be set in");
      JsonMember* next = nullptr;
      for (auto& m : node->members) {
        const bool fits = path == m.key || (path.starts_with(m.key) && path[m.key.size()] == '.');
        if (fits && (!next || m.key.size() > next->key.size())) next = &m;
      }
      if (!next) next = &add(*node, path);
      path = path.size() > next->key.size() ? path.substr(next->key.size() + 1) : "";
      next->key_span = place;
      node = &next->value;
    }
    *node = std::move(value);
  }

  JsonMember& add(JsonNode& object, std::string_view path) {
    const auto dot = path.find('.');
    JsonNode empty;
    empty.kind = JsonNode::Kind::object;
    empty.span = place;
    object.members.push_back({std::string{path.substr(0, dot)}, place, std::move(empty)});
    return object.members.back();
  }
};

}  // namespace

void apply_sets(Findings& findings, JsonNode& root, const std::vector<std::string>& sets) {
  for (const auto& set : sets) {
    const std::size_t source = findings.add_source("--set", set);
    const auto equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      findings.add("E015", {source, 0, set.size()}, "--set wants key=value", "--set stop.trials=100");
      continue;
    }
    if (root.kind != JsonNode::Kind::object) return;
    const std::string_view path = std::string_view{set}.substr(0, equals);
    if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string_view::npos) {
      findings.add("E015", {source, 0, equals}, shown(path) + " is no key", "--set stop.trials=100");
      continue;
    }
    Setter{findings, {source, 0, equals}, parse_value(findings, source, equals + 1)}.set(root, path);
  }
}

}  // namespace tune::detail
