// SPDX-License-Identifier: Apache-2.0
#include "executors/link/host_name.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "executors/descriptor.hpp"
#include "tuner/value.hpp"

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

/// Those of interfaces that are up, as others may call them: link-local ones differ from link to link.
std::vector<std::string> machine_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, ::freeifaddrs);
  std::vector<std::string> found;
  for (const auto* one = first; one; one = one->ifa_next) {
    if (!one->ifa_addr || !(one->ifa_flags & IFF_UP)) continue;
    char text[INET6_ADDRSTRLEN] = "";
    if (one->ifa_addr->sa_family == AF_INET)
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, text, sizeof text);
    if (one->ifa_addr->sa_family == AF_INET6) {
      const auto& address = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr)->sin6_addr;
      if (!IN6_IS_ADDR_LINKLOCAL(&address)) ::inet_ntop(AF_INET6, &address, text, sizeof text);
    }
    if (*text) found.emplace_back(text);
  }
  return found;
}

}  // namespace

std::string address_towards(const std::string& peer) {
  static constexpr const char* kHere = "127.0.0.1";
  const auto to = split_address(peer);
  if (!to) return kHere;
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(to->host.c_str(), std::to_string(to->port).c_str(), &hints, &found) != 0) return kHere;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  const Descriptor fd{::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage ours{};
  socklen_t length = sizeof ours;
  char text[NI_MAXHOST] = "";
  const bool told = fd && ::connect(fd.get(), found->ai_addr, found->ai_addrlen) == 0 &&
                    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&ours), &length) == 0 &&
                    ::getnameinfo(reinterpret_cast<sockaddr*>(&ours), length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0;
  return told ? text : kHere;
}

bool is_loopback(std::string_view address) { return address.starts_with("127.") || address == "::1" || address == "localhost"; }

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

bool is_every_address(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

std::vector<std::string> machine_names() {
  char text[256] = "";
  if (::gethostname(text, sizeof text - 1) != 0) return {};
  std::vector<std::string> names;
  const std::string_view whole = text;
  for (const auto name : {whole, whole.substr(0, whole.find('.'))})
    if (const auto known = host_name(name)) names.push_back(*known);
  return names;
}

std::vector<std::string> server_names(const std::vector<std::string>& given, std::string_view host) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& name : given) add(host_name(name).value_or(name));
  for (const auto& name : machine_names()) add(name);
  for (const auto* name : {"localhost", "127.0.0.1", "::1"}) add(name);
  if (is_every_address(host))
    for (const auto& address : machine_addresses()) add(address);
  else if (const auto name = host_name(host))
    add(*name);
  return names;
}

Result<HostAndPort> split_address(std::string_view address) {
  const Error no{Error::Code::invalid, "'" + printable(address) + "' is not a machine's address with a port", "for example gpu1.lab:7741"};
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return no;
  auto host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  HostAndPort split;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, split.port);
  const auto name = host_name(host);
  if (error != std::errc{} || stop != end || !name || bracketed != (name->find(':') != std::string::npos)) return no;
  split.host = *name;
  return split;
}

std::string join_address(const HostAndPort& at) {
  return (at.host.find(':') == std::string::npos ? at.host : "[" + at.host + "]") + ":" + std::to_string(at.port);
}

}  // namespace tune
