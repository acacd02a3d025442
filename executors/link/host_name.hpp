// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

/// Names of machines as certificates and the Host header have them.
namespace tune {

/// The one spelling of a name: a DNS name in lower case ("gpu1.lab"), an address in its shortest form ("fd00::2", no
/// brackets). nullopt: it is neither.
std::optional<std::string> host_name(std::string_view text);
/// Is it an address, not a DNS name? Of what host_name() gave.
bool is_address(std::string_view name);
/// Is `name`, as host_name() gives it, among `names`? One that begins with "*." stands for every name with one label more.
bool is_among(const std::vector<std::string>& names, std::string_view name);

struct HostAndPort {
  std::string host;  ///< As host_name() spells it.
  unsigned short port = 0;
};
/// "gpu1.lab:7741", "[::1]:7741" in two. Error (invalid): it is not a name or address with a port.
Result<HostAndPort> split_address(std::string_view address);
/// And back.
std::string join_address(const HostAndPort&);

/// By what names this machine may be reached, as far as it knows, without asking a resolver, which could ask others.
/// Its name, whole and up to its first dot.
std::vector<std::string> machine_names();
/// What a server that listens on `host` can be called: `given`, the machine's names, this machine for itself, and `host`, or all
/// addresses of interfaces that are up if it listens on every one ("0.0.0.0", "::").
std::vector<std::string> server_names(const std::vector<std::string>& given, std::string_view host);
bool is_every_address(std::string_view host);
/// The address of this machine from which it reaches `peer` ("gpu1.lab:7741"), which is how others of that network find it;
/// "127.0.0.1" if there is no way. Asks the resolver for a name, and sends nothing.
std::string address_towards(const std::string& peer);
bool is_loopback(std::string_view address);

}  // namespace tune
