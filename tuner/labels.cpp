// SPDX-License-Identifier: Apache-2.0
#include "tuner/labels.hpp"

#include <algorithm>

#include "tuner/value.hpp"

namespace tune {

bool is_label(std::string_view label) {
  const auto equals = label.find('=');
  const auto name = label.substr(0, equals);
  const auto of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' || c == '/';
  };
  if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), of_name)) return false;
  if (equals == std::string_view::npos) return true;
  const auto value = label.substr(equals + 1);
  return !value.empty() && value.size() <= 255 && std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < 127 && c != ','; });
}

std::vector<std::string> lacking(const std::vector<std::string>& borne, const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  for (const auto& label : wanted) {
    const bool any_value = label.find('=') == std::string::npos;
    const bool there = std::any_of(borne.begin(), borne.end(), [&](const std::string& one) {
      return one == label || (any_value && std::string_view{one}.substr(0, one.find('=')) == label);
    });
    if (!there) out.push_back(label);
  }
  return out;
}

std::string list_text(const std::vector<std::string>& labels) {
  std::string out;
  for (const auto& label : labels) out += (out.empty() ? "`" : ", `") + printable(label) + "`";
  return out;
}

}  // namespace tune
