// SPDX-License-Identifier: Apache-2.0
#include "ui/server/host_name.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace tune {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_label(std::string_view label) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         label.find_first_not_of(letters) == std::string_view::npos;
}

/// "127.1" and "0x7f.1" are addresses to some programs, so no name ends in a number.
bool is_dns_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (;;) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return label.find_first_not_of(kDigits) != std::string_view::npos && !label.starts_with("0x");
    name.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
  if (text.size() > 253) return std::nullopt;
  std::string name(text);
  for (const int family : {AF_INET, AF_INET6}) {
    unsigned char bytes[16];
    char shortest[INET6_ADDRSTRLEN];
    if (::inet_pton(family, name.c_str(), bytes) == 1) return ::inet_ntop(family, bytes, shortest, sizeof shortest);
  }
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (!is_dns_name(name)) return std::nullopt;
  return name;
}

bool is_address(std::string_view name) {
  return name.find(':') != std::string_view::npos || name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_among(const std::vector<std::string>& names, std::string_view name) {
  const auto dot = name.find('.');
  const bool has_parent = dot != std::string_view::npos && dot > 0 && !is_address(name);
  return std::any_of(names.begin(), names.end(), [&](std::string_view known) {
    return known == name || (has_parent && known.starts_with("*.") && known.substr(1) == name.substr(dot));
  });
}

}  // namespace tune
