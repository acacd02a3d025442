// SPDX-License-Identifier: Apache-2.0
// What a browser is shown, and the page for Prometheus.
#include <string>

#include "tuner/json.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
  return out;
}

/// One series of all experiments: its lines are made anew only where an experiment changed.
Result<std::string> family(Site& site, const StoreReader& reader, const std::vector<Pulse>& pulses, const std::string& name,
                           const std::function<std::string(const ExperimentRow&, const std::string& begin)>& lines) {
  std::string text = "# TYPE " + name + " gauge\n";
  for (const auto& pulse : pulses) {
    const auto own = site.once_per_change(name, pulse, [&]() -> Result<std::string> {
      const auto row = reader.experiment(pulse.name);
      if (!row) return row.error();
      return lines(*row, name + "{experiment=\"" + label(pulse.name) + "\"");
    });
    if (own) text += *own;
  }
  return text;
}

/// What can be told from the store alone, where no sweep of this process tells more.
Result<std::string> store_metrics(Site& site) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulses = (*reader)->pulses();
  if (!pulses) return pulses.error();
  const auto trials = family(site, **reader, *pulses, "tune_trials", [](const ExperimentRow& row, const std::string& begin) {
    std::string out;
    for (std::size_t i = 0; i < row.counts.size(); ++i)
      out += begin + ",state=\"" + std::string(to_text(static_cast<TrialState>(i))) + "\"} " + std::to_string(row.counts[i]) + "\n";
    return out;
  });
  const auto best = family(site, **reader, *pulses, "tune_best_value", [&](const ExperimentRow& row, const std::string& begin) {
    const auto spec = site.spec(row);
    if (!row.best_value || !spec) return std::string{};
    return begin + ",objective=\"" + label((*spec)->objectives.front().metric) + "\"} " + to_text(*row.best_value) + "\n";
  });
  return *trials + *best + "# TYPE tune_build_info gauge\ntune_build_info{version=\"" TUNE_VERSION "\"} 1\n";
}

Error nothing() { return {Error::Code::not_found, "there is nothing here", ""}; }

}  // namespace

Result<Response> page(Site& site, const Call& call) {
  const auto token = token_in_target(call.request);
  if (!token) return site.assets().page(call.request);
  const auto cookie = site.let_in(*token);
  if (!cookie) {
    return error_response({Error::Code::invalid, "this address was used already",
                           "use the browser that has it open, or put the token of the store's folder after /?token="},
                          401);
  }
  Response response;
  response.status = 303;
  response.headers = {{"Location", "/"}, {"Set-Cookie", *cookie}};
  return response;
}

Result<Response> asset(Site& site, const Call& call) {
  if (auto file = site.assets().file(call.request.path(), call.request)) return std::move(*file);
  return nothing();
}

Result<Response> metrics_page(Site& site, const Call&) {
  auto text = site.settings().metrics ? Result<std::string>{site.settings().metrics()} : store_metrics(site);
  if (!text) return text.error();
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = Body(std::move(*text));
  return response;
}

}  // namespace tune
