// SPDX-License-Identifier: Apache-2.0
#include "ui/server/site.hpp"

#include <exception>

#include "executors/process/trial_token.hpp"
#include "tuner/json.hpp"
#include "ui/server/asking.hpp"
#include "ui/server/in_parts.hpp"
#include "ui/server/news.hpp"
#include "ui/server/relay.hpp"
#include "ui/server/routes.hpp"
#include "ui/server/token.hpp"
#include "ui/view/experiment_text.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

constexpr std::string_view kCodes[] = {"invalid", "not_found", "conflict", "unreachable", "io", "corrupt"};
constexpr int kStatuses[] = {400, 404, 409, 503, 500, 500};

constexpr Seq kWorthParts = 20'000;  // Records; fewer are read by one reader as soon.

constexpr std::string_view kDoor =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>tune</title><h1>tune</h1><p>This page needs the store's "
    "token. Open the address that <code>tune ui</code> printed, or <a href=\"\">try again</a> if you came here by a link.</p>"
    "</html>\n";

}  // namespace

Response error_response(const Error& error, int status) {
  std::string out;
  const auto code = static_cast<std::size_t>(error.code);
  JsonWriter(out).begin_object().key("error").begin_object().key("code").value(kCodes[code]).key("message").value(error.message)
      .key("hint").value(error.hint).end_object().end_object();
  auto response = json_response(std::move(out));
  response.status = status ? status : kStatuses[code];
  return response;
}

Response json_response(std::string json) {
  Response response;
  response.body = Body(std::move(json));
  return response;
}

struct Site::Trials {
  std::mutex mutex;
  std::shared_ptr<const Spec> spec;
  std::unique_ptr<TrialColumns> columns;
};

struct Site::Outlook {
  std::mutex mutex;
  LiveForecast live;
};

Result<std::unique_ptr<Site>> Site::open(Settings settings) {
  std::unique_ptr<Site> site(new Site(std::move(settings)));
  auto token = store_token(store_folder(site->settings_.store));
  if (!token) return token.error();
  auto viewers = viewer_token(store_folder(site->settings_.store), site->settings_.viewers);
  if (!viewers) return viewers.error();
  auto once = random_token();
  if (!once) return once.error();
  site->user_ = {*token, cookie_for(*token), *once};
  if (!viewers->empty()) site->viewer_ = {*viewers, cookie_for(*viewers)};
  site->set_address(site->settings_.address);
  if (site->settings_.metrics_only) return site;
  site->asking_ = std::make_unique<Asking>(site->settings_.store);
  site->relay_ = std::make_unique<Relay>();
  site->news_ = std::make_unique<News>(*site);
  return site;
}

std::unique_ptr<Site> Site::offline(std::string store) {
  Settings settings;
  settings.store = std::move(store), settings.read_only = true;
  return std::unique_ptr<Site>(new Site(std::move(settings)));
}

Site::Site(Settings settings) : settings_(std::move(settings)), readers_(settings_.store) {}
Site::~Site() = default;

void Site::set_address(const std::string& address) {
  settings_.address = address;
  const std::lock_guard lock(keys_mutex_);
  cookie_name_ = cookie_name(address, settings_.https);
}

std::string Site::way_in() const {
  const std::lock_guard lock(keys_mutex_);
  return origin() + "/?token=" + user_.once;
}
std::string Site::viewers_way_in() const { return viewer_.token.empty() ? "" : origin() + "/?token=" + viewer_.token; }

std::string Site::origin() const { return (settings_.https ? "https://" : "http://") + settings_.address; }

std::string Site::token_of(const Call& call) const { return trial_token(user_.token, call.name, *call.trial, call.attempt); }

GuardSettings Site::guard() const {
  const std::lock_guard lock(keys_mutex_);
  return {user_, viewer_, cookie_name_, settings_.read_only, settings_.public_metrics, settings_.https, settings_.names};
}

bool Site::only_shows(const Call& call) const { return settings_.read_only || call.role == Role::viewer; }

std::optional<std::string> Site::let_in(std::string_view token) {
  const std::lock_guard lock(keys_mutex_);
  const bool looks = !viewer_.token.empty() && same_secret(token, viewer_.token);
  if (!looks && !same_secret(token, user_.token)) {
    if (user_.once.empty() || !same_secret(token, user_.once)) return std::nullopt;
    user_.once.clear();
  }
  return cookie_name_ + "=" + (looks ? viewer_ : user_).cookie + "; HttpOnly; SameSite=Strict; Path=/" + (settings_.https ? "; Secure" : "");
}

/// The route, and what the guard is to know of it.
std::pair<const Route*, Target> Site::find(const Request& request) const {
  Target target;
  const Route* found = nullptr;
  std::string_view pattern;
  for (const auto& route : routes()) {
    if (settings_.metrics_only && route.right != Right::measure) continue;
    if (target.found ? route.path != pattern : !fits(route.path, request.path(), nullptr)) continue;
    target.found = true, target.page = route.page, pattern = route.path;
    target.methods += (target.methods.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == request.method) found = &route, target.right = route.right;
  }
  if (target.right == Right::report) {
    Call call{request, {}, {}, {}};
    fits(found->path, request.path(), &call);
    target.token = token_of(call);
  }
  return {found, target};
}

std::optional<Response> Site::admit(const Request& request) {
  const auto [route, target] = find(request);
  auto refusal = tune::refuse(request, target, guard());
  if (!refusal) return std::nullopt;
  auto response = error_response(refusal->error, refusal->status);
  if (refusal->status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tune\"");
    if (target.page && request.path().find('.') == std::string_view::npos)
      response.content_type = "text/html; charset=utf-8", response.body = Body::lasting(kDoor);
  }
  if (!refusal->allow.empty()) response.headers.emplace_back("Allow", refusal->allow);
  return response;
}

bool Site::may_wait(const Request& request) {
  const auto* route = find(request).first;
  return route && route->right == Right::steer;
}

Response Site::serve(const Request& request) {
  const auto [route, target] = find(request);
  if (!route) return error_response({Error::Code::not_found, "there is nothing here", ""});
  try {
    Call call{request, {}, {}, {}};
    fits(route->path, request.path(), &call);
    call.role = role_of(request, target, guard());
    if (!route->page) {
      auto query = Query::read(request.query(), route->keys);
      if (!query) return error_response(query.error());
      call.query = std::move(*query);
    }
    auto answer = route->answer(*this, call);
    return answer ? std::move(*answer) : error_response(answer.error());
  } catch (const std::exception& failure) {
    return error_response({Error::Code::io, std::string("the answer could not be made: ") + failure.what(), ""});
  }
}

Response Site::refuse(const Malformed& malformed) {
  return error_response({Error::Code::invalid, malformed.what, ""}, malformed.status);
}

/// Another file has the store's name now: nothing that was kept is about it.
void Site::forget_other_store() {
  const auto now = readers_.file();
  if (now == file_) return;
  file_ = now;
  settled_.clear(), trials_.clear(), kept_.clear(), outlooks_.clear(), curve_cache_.clear();
}

Result<Pulse> Site::pulse(const StoreReader& reader, const std::string& name) const {
  auto all = reader.pulses();
  if (!all) return all.error();
  for (auto& one : *all)
    if (one.name == name) return std::move(one);
  auto missing = reader.experiment(name);  // Says so, and which names are near.
  return missing ? Error{Error::Code::not_found, "there is no such experiment", ""} : missing.error();
}

Result<std::shared_ptr<const Spec>> Site::spec(const ExperimentRow& row) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = specs_.find(row.name);
    if (known != specs_.end() && known->second.first == row.config) return known->second.second;
  }
  auto read = spec_of(row);
  if (!read) return read.error();
  auto spec = std::make_shared<const Spec>(std::move(*read));
  const std::lock_guard lock(mutex_);
  specs_[row.name] = {row.config, spec};
  return spec;
}

Result<Regarded> regarded(Site& site, const Call& call) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  auto spec = site.spec(**reader, *pulse);
  if (!spec) return spec.error();
  return Regarded{std::move(*reader), std::move(*pulse), std::move(*spec)};
}

Result<RegardedTrial> regarded_trial(Site& site, const Call& call) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  auto detail = (*reader)->trial(pulse->id, *call.trial);
  if (!detail) return detail.error();
  return RegardedTrial{std::move(*reader), std::move(*pulse), std::move(*detail)};
}

Result<std::shared_ptr<const Spec>> Site::spec(const StoreReader& reader, const Pulse& pulse) {
  Settled known;
  {
    const std::lock_guard lock(mutex_);
    forget_other_store();
    known = settled_[pulse.name];
  }
  bool same = known.spec && known.id == pulse.id && known.seq <= pulse.seq;
  if (same && known.seq < pulse.seq) {
    const auto changed = reader.facts(pulse.id, FactQuery{.after = known.seq, .limit = 1, .kinds = {"Configured"}});
    if (!changed) return changed.error();
    same = changed->empty();
  }
  if (!same) {
    auto config = reader.config(pulse.id);
    if (!config) return config.error();
    ExperimentRow row;
    row.name = pulse.name, row.config = std::move(*config);
    auto read = spec(row);
    if (!read) return read;
    known.spec = std::move(*read);
  }
  const std::lock_guard lock(mutex_);
  // What was read may be newer than the pulse; then the next look finds the change once more.
  settled_[pulse.name] = {pulse.id, pulse.seq, known.spec};
  return known.spec;
}

Result<Done> Site::trials(const StoreReader& reader, const Pulse& pulse,
                          const std::function<Result<Done>(const TrialColumns&)>& look) {
  std::shared_ptr<Trials> own;
  {
    const std::lock_guard lock(mutex_);
    forget_other_store();
    auto& kept = trials_[pulse.name];
    if (!kept) kept = std::make_shared<Trials>();
    own = kept;
  }
  const std::lock_guard lock(own->mutex);
  // An experiment that was removed and made anew has fewer records.
  if (!own->columns || pulse.seq < own->columns->seq()) {
    auto settings = spec(reader, pulse);
    if (!settings) return settings.error();
    own->columns = std::make_unique<TrialColumns>(pulse.id, **settings);
  }
  const bool large = own->columns->seq() == 0 && pulse.seq > kWorthParts;
  if (auto done = large ? read_in_parts(*own->columns, reader, pulse) : own->columns->follow(reader); !done) return done;
  return look(*own->columns);
}

Result<Done> Site::read_in_parts(TrialColumns& columns, const StoreReader& reader, const Pulse& pulse) {
  std::vector<Readers::Lease> more;
  std::vector<const StoreReader*> readers{&reader};
  while (readers.size() < useful_parts()) {
    auto one = readers_.take();
    if (!one) return one.error();
    readers.push_back(&**one);
    more.push_back(std::move(*one));
  }
  const auto together = ReadersTogether::look(std::move(readers), pulse.id);
  if (!together) return together.error();
  return columns.read(**together);
}

std::optional<Forecast> Site::forecast(const StoreReader& reader, const Pulse& pulse) {
  if (!pulse.owned || pulse.state != "running") return std::nullopt;
  std::shared_ptr<Outlook> own;
  {
    const std::lock_guard lock(mutex_);
    auto& kept = outlooks_[pulse.name];
    if (!kept) kept = std::make_shared<Outlook>();
    own = kept;
  }
  const auto settings = spec(reader, pulse);
  if (!settings) return std::nullopt;
  ExperimentRow row;
  row.id = pulse.id, row.name = pulse.name, row.state = pulse.state, row.owned = pulse.owned, row.last_seq = pulse.seq;
  const std::lock_guard lock(own->mutex);
  const auto* told = own->live.of(reader, row, **settings);
  return told ? std::optional{*told} : std::nullopt;
}

Result<std::string> Site::once_per_change(const std::string& what, const Pulse& pulse,
                                          const std::function<Result<std::string>()>& make,
                                          std::chrono::milliseconds patience) {
  const std::pair key(what, pulse.name);
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    forget_other_store();
    const auto found = kept_.find(key);
    const bool same = found != kept_.end() && found->second.owned == pulse.owned && found->second.state == pulse.state;
    if (same && (found->second.seq == pulse.seq || now - found->second.at < patience)) return found->second.text;
  }
  auto text = make();
  if (!text) return text;
  const std::lock_guard lock(mutex_);
  kept_[key] = {pulse.seq, pulse.owned, pulse.state, *text, now};
  return text;
}

}  // namespace tune
