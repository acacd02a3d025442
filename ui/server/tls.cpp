// SPDX-License-Identifier: Apache-2.0
#include "ui/server/tls.hpp"

#include <algorithm>
#include <ctime>
#include <string_view>

#include "executors/link/host_name.hpp"
#include "tuner/value.hpp"
#include "ui/server/wire.hpp"

namespace tune {
namespace {

Error unfit(std::string what, std::string hint = {}) { return {Error::Code::invalid, std::move(what), std::move(hint)}; }

std::string_view host_of(std::string_view address) {
  auto host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host.substr(0, host.find('%'));
}

std::string with_port(const std::string& name, const std::string& address) {
  return (name.find(':') == std::string::npos ? name : "[" + name + "]") + address.substr(address.rfind(':'));
}

}  // namespace

Result<Done> check_tls(const TlsSettings& settings) {
  if (!settings.hosts.empty() && !settings.wanted())
    return unfit("`--host` is a name for a certificate, and there is none", "add --tls, or --tls-cert and --tls-key");
  if (settings.own && !(settings.certificate.empty() && settings.key.empty()))
    return unfit("`--tls` makes a certificate, `--tls-cert` brings one: it is one or the other", "without --tls it is the one that you bring");
  if (settings.certificate.empty() != settings.key.empty()) return unfit("`--tls-cert` and `--tls-key` need each other", "--tls-cert FILE --tls-key FILE, or --tls alone, which makes both");
  for (const auto& name : settings.hosts)
    if (const auto known = host_name(name); !known || is_every_address(*known))
      return unfit("`" + printable(name) + "` is not a machine's name or address", "--host gpu1.lab");
  if (settings.own || !settings.wanted()) return Done{};
  const auto with_hint = [](Error error) {
    if (error.hint.empty()) error.hint = "--tls alone makes a certificate and its key";
    return error;
  };
  const auto given = read_identity(settings.certificate, settings.key, std::time(nullptr));
  if (!given) return with_hint(given.error());
  if (const auto taken = detail::tls_context(*given); !taken) return with_hint(taken.error());
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
  return authority->issue(server_names(settings.hosts, host_of(address)), now);
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
