// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Names of machines as certificates and the Host header have them.
namespace tune {

/// The one spelling of a name: a DNS name in lower case ("gpu1.lab"), an address in its shortest form ("fd00::2", no
/// brackets). nullopt: it is neither.
std::optional<std::string> host_name(std::string_view text);
/// Is it an address, not a DNS name? Of what host_name() gave.
bool is_address(std::string_view name);
/// Is `name`, as host_name() gives it, among `names`? One that begins with "*." stands for every name with one label more.
bool is_among(const std::vector<std::string>& names, std::string_view name);

}  // namespace tune
