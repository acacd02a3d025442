// SPDX-License-Identifier: Apache-2.0
#include "ui/server/tls.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>

#include "tuner/value.hpp"
#include "ui/server/host_name.hpp"
#include "ui/server/wire.hpp"

namespace tune {
namespace {

Error unfit(std::string what, std::string hint = {}) { return {Error::Code::invalid, std::move(what), std::move(hint)}; }

std::string_view host_of(std::string_view address) {
  auto host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host.substr(0, host.find('%'));
}

bool is_every_address(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

std::string with_port(const std::string& name, const std::string& address) {
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + address.substr(address.rfind(':'));
}

/// This machine's name, whole and up to its first dot. No resolver is asked: it could ask others.
std::vector<std::string> machine_names() {
  char text[256] = "";
  if (::gethostname(text, sizeof text - 1) != 0) return {};
  std::vector<std::string> names;
  const std::string_view whole = text;
  for (const auto name : {whole, whole.substr(0, whole.find('.'))})
    if (const auto known = host_name(name)) names.push_back(*known);
  return names;
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

std::vector<std::string> own_names(const TlsSettings& settings, std::string_view host) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& name : settings.hosts) add(host_name(name).value_or(name));
  for (const auto& name : machine_names()) add(name);
  for (const auto* name : {"localhost", "127.0.0.1", "::1"}) add(name);
  if (is_every_address(host))
    for (const auto& address : machine_addresses()) add(address);
  else if (const auto name = host_name(host))
    add(*name);
  return names;
}

}  // namespace

Result<Done> check_tls(const TlsSettings& settings) {
  if (!settings.hosts.empty() && !settings.wanted())
    return unfit("`--host` is a name for a certificate, and there is none", "add --tls, or --tls-cert and --tls-key");
  if (settings.own && !(settings.certificate.empty() && settings.key.empty()))
    return unfit("`--tls` makes a certificate, `--tls-cert` brings one: it is one or the other");
  if (settings.certificate.empty() != settings.key.empty()) return unfit("`--tls-cert` and `--tls-key` need each other");
  for (const auto& name : settings.hosts)
    if (const auto known = host_name(name); !known || is_every_address(*known))
      return unfit("`" + printable(name) + "` is not a machine's name or address", "--host gpu1.lab");
  if (settings.own || !settings.wanted()) return Done{};
  const auto given = read_identity(settings.certificate, settings.key, std::time(nullptr));
  if (!given) return given.error();
  if (const auto taken = detail::tls_context(*given); !taken) return taken.error();
  for (const auto& name : settings.hosts)
    if (!is_among(given->names, *host_name(name)))
      return unfit(printable(settings.certificate) + " does not vouch for " + printable(name));
  return Done{};
}

Result<Identity> tls_identity(const TlsSettings& settings, const std::string& folder, const std::string& address) {
  const auto now = std::time(nullptr);
  if (!settings.own) return read_identity(settings.certificate, settings.key, now);
  const auto authority = Authority::open(folder, now);
  if (!authority) return authority.error();
  return authority->issue(own_names(settings, host_of(address)), now);
}

std::string shown_address(const TlsSettings& settings, const Identity& identity, const std::string& address) {
  std::vector<std::string> names;
  for (const auto& name : settings.hosts) names.push_back(*host_name(name));
  const std::string host(host_of(address));
  if (is_every_address(host))
    for (const auto& name : machine_names()) names.push_back(name);
  else
    names.push_back(host);
  for (const auto& name : identity.names)
    if (!name.starts_with('*')) names.push_back(name);
  const auto shown = std::find_if(names.begin(), names.end(), [&](const auto& name) { return is_among(identity.names, name); });
  return with_port(shown == names.end() ? host : *shown, address);
}

std::string local_address(const TlsSettings& settings, const Identity& identity, const std::string& address) {
  const std::string host(host_of(address));
  const std::string here = !is_every_address(host) ? host : host == "::" ? "::1" : "127.0.0.1";
  return is_among(identity.names, here) ? with_port(here, address) : shown_address(settings, identity, address);
}

}  // namespace tune
