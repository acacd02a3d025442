// SPDX-License-Identifier: Apache-2.0
#include "ui/server/dashboard.hpp"

#include <ctime>
#include <filesystem>

#include "tuner/value.hpp"
#include "ui/server/server.hpp"
#include "ui/server/site.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

bool is_free(const std::optional<std::string>& address) { return !address || address->empty(); }

constexpr int kFirstPort = 7740, kLastPort = 7749;

Server::Settings at(const std::string& address, const Dashboard::Settings& settings) {
  Server::Settings server;
  server.address = address;
  if (settings.tls.wanted())
    server.identity = [tls = settings.tls, folder = store_folder(settings.store), address] { return tls_identity(tls, folder, address); };
  return server;
}

Result<std::unique_ptr<Server>> listen(const Dashboard::Settings& settings, Service& service) {
  if (!is_free(settings.address)) return Server::open(at(*settings.address, settings), service);
  for (int port = kFirstPort; port < kLastPort; ++port) {
    auto server = Server::open(at("127.0.0.1:" + std::to_string(port), settings), service);
    if (server || server.error().code != Error::Code::conflict) return server;
  }
  return Server::open(at("127.0.0.1:" + std::to_string(kLastPort), settings), service);
}

/// The authority that people and trials are to trust, if it is ours.
Result<std::optional<Authority>> whom_to_trust(const Dashboard::Settings& settings) {
  if (!settings.tls.own) return std::optional<Authority>{};
  auto authority = Authority::open(store_folder(settings.store), std::time(nullptr));
  if (!authority) return authority.error();
  return std::optional{std::move(*authority)};
}

}  // namespace

Dashboard::Dashboard() = default;
Dashboard::~Dashboard() = default;
const std::string& Dashboard::address() const { return server_->address(); }
std::string Dashboard::way_in() const { return site_->way_in(); }
std::string Dashboard::viewers_way_in() const { return site_->viewers_way_in(); }
std::string Dashboard::url() const { return site_->origin(); }
const std::string& Dashboard::secret() const { return site_->secret(); }
bool Dashboard::takes_reports() const { return !site_->settings().metrics_only && !site_->settings().read_only; }

Result<Done> Dashboard::check(const Settings& settings) {
  if (auto fit = check_tls(settings.tls); !fit) return fit;
  if (is_free(settings.address)) return Done{};
  if (auto allowed = Server::check(at(*settings.address, settings)); !allowed) return allowed;
  if (settings.public_metrics && !Server::check({*settings.address}))  // It needs TLS: it is not of this machine alone.
    return Error{Error::Code::invalid, "metrics without the token are for this machine only, and " + printable(*settings.address) + " is for others",
                 "have Prometheus show the token: docs/prometheus.md"};
  return Done{};
}

Result<std::unique_ptr<Dashboard>> Dashboard::open(const Settings& settings) {
  if (auto allowed = check(settings); !allowed) return allowed.error();  // First: who is refused leaves nothing behind.
  const auto wanted = at(is_free(settings.address) ? "127.0.0.1:0" : *settings.address, settings);
  Result<Identity> identity = Identity{};
  if (wanted.identity) identity = wanted.identity();
  if (!identity) return identity.error();
  auto trust = whom_to_trust(settings);
  if (!trust) return trust.error();

  std::unique_ptr<Dashboard> dashboard(new Dashboard);
  auto site = Site::open({settings.store, {}, settings.read_only, settings.public_metrics, settings.metrics_only, settings.metrics,
                          settings.owner, settings.tls.wanted(), identity->names, settings.viewers});
  if (!site) return site.error();
  dashboard->site_ = std::move(*site);
  auto server = listen(settings, *dashboard->site_);
  if (!server) return server.error();
  dashboard->server_ = std::move(*server);
  const auto& bound = dashboard->server_->address();
  const bool https = settings.tls.wanted();
  dashboard->site_->set_address(https ? shown_address(settings.tls, *identity, bound) : bound);
  dashboard->local_url_ = https ? "https://" + local_address(settings.tls, *identity, bound) : dashboard->url();
  if (const auto& authority = *trust) {
    dashboard->authority_ = std::filesystem::absolute(authority->certificate_path()).string();
    dashboard->trust_ = "certificate authority: " + printable(authority->certificate_path()) + ", SHA-256 " + authority->fingerprint();
  }
  return dashboard;
}

}  // namespace tune
