// SPDX-License-Identifier: Apache-2.0
// What a worker must be and is given: requires, inputs, code.
#include <algorithm>

#include "tuner/command.hpp"
#include "tuner/config_parts.hpp"
#include "tuner/glob.hpp"
#include "tuner/labels.hpp"

namespace tune::detail {
namespace {

bool is_input_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; });
}

/// False, and reported: no machine has such a path.
bool is_path(Findings& findings, const std::string& path, Span span) {
  const bool good = !path.empty() && path.find('\0') == std::string::npos;
  if (!good) findings.add(path.empty() ? "E011" : "E053", span, path.empty() ? "a path is empty" : "a path cannot hold a NUL character");
  return good;
}

InputSpec read_input(Findings& findings, const JsonMember& m, const std::string& folder) {
  InputSpec input;
  Span span = m.span();
  if (m.value.kind == JsonNode::Kind::string) {
    input.path = m.value.text;
  } else if (m.value.kind == JsonNode::Kind::object) {
    Section s{findings, &m.value, m.key_span, "inputs.*"};
    if (!s.require("path")) return input;
    input.path = s.text("path").value_or("?");
    input.shared = s.boolean("shared").value_or(false);
    span = s.member("path")->span();
  } else {
    findings.add("E004", m.span(), shown(m.key) + " must be a text or an object and is " + std::string{kind_of(m.value)});
    return input;
  }
  if (is_path(findings, input.path, span)) input.path = below(folder, input.path);
  return input;
}

void read_patterns(Findings& findings, Section& s, std::string_view key, std::vector<std::string>& out) {
  out = s.texts(key).value_or(out);
  const auto* m = s.member(key);
  if (!m || m->value.kind != JsonNode::Kind::array) return;
  for (const auto& item : m->value.items)
    if (item.kind == JsonNode::Kind::string && !is_glob(item.text))
      findings.add("E077", item.span, shown(item.text) + " is no pattern for files below `code.root`", "for example \"src\", \"**/*.py\"");
}

void read_inputs(Section& top, const std::string& folder, Spec& spec) {
  auto inputs = top.section("inputs");
  if (!inputs.present()) return;
  auto& findings = top.findings();
  for (const auto& m : inputs.node()->members) {
    if (!is_input_name(m.key))
      findings.add("E012", m.key_span, shown(m.key) + " is no name for an input", "a letter first, then letters, digits, `_` and `-`, at most 64");
    for (const auto& [name, other] : spec.inputs)
      if (input_variable(name) == input_variable(m.key))
        findings.add("E025", m.key_span, shown(m.key) + " and " + shown(name) + " are the same variable, " + input_variable(name));
    spec.inputs.emplace(m.key, read_input(findings, m, folder));
  }
}

void read_code(Section& top, const std::string& folder, Spec& spec) {
  auto s = top.section("code");
  if (!s.present()) return;
  CodeSpec code;
  const auto root = s.text("root").value_or(".");
  if (!s.member("root") || is_path(top.findings(), root, s.member("root")->span())) code.root = below(folder, root);
  read_patterns(top.findings(), s, "include", code.include);
  read_patterns(top.findings(), s, "exclude", code.exclude);
  if (code.include.empty()) top.findings().add("E011", s.where(), "`include` of `code` takes no file");
  spec.code = std::move(code);
}

}  // namespace

void read_supplies(Section& top, const std::string& folder, Spec& spec) {
  spec.required_labels = top.texts("requires").value_or(spec.required_labels);
  for (std::size_t i = 0; i < spec.required_labels.size(); ++i)
    if (!is_label(spec.required_labels[i]))
      top.findings().add("E076", top.member("requires")->value.items[i].span, shown(spec.required_labels[i]) + " is no label",
                         "NAME or NAME=VALUE, as \"fast\" or \"gpu=a100\"");
  read_inputs(top, folder, spec);
  read_code(top, folder, spec);
}

}  // namespace tune::detail
