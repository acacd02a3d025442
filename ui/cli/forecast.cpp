// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <thread>

#include "tuner/units.hpp"
#include "ui/view/live_forecast.hpp"
#include "ui/cli/source.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

constexpr std::int64_t kFutures = 64;

/// The value of an option as a positive number. Error::invalid names it.
Result<std::optional<double>> positive(const Invocation& call, const char* flag) {
  const auto text = call.get(flag);
  if (!text) return std::optional<double>{};
  double x = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), x);
  if (failed == std::errc{} && end == text->data() + text->size() && x > 0 && std::isfinite(x)) return std::optional{x};
  return usage_error("`--" + std::string(flag) + "` is a number above 0, not `" + printable(*text) + "`");
}

/// Seconds of a step, from --step-seconds, or from --trial-cost and how many steps a trial has.
Result<std::optional<double>> step_seconds(const Invocation& call, const Spec& spec, std::optional<std::int64_t> steps) {
  if (call.has("step-seconds")) return positive(call, "step-seconds");
  const auto cost = call.get("trial-cost");
  if (!cost) return std::optional<double>{};
  const auto whole = parse_duration(*cost);
  if (!whole || whole->seconds <= 0)
    return usage_error("`--trial-cost` is a duration such as 90s or 1h30m, not `" + printable(*cost) + "`");
  const auto* most = spec.scheduler.options.find("max_step");
  const double n = steps ? static_cast<double>(*steps) : most ? to_number(*most).value_or(1) : 1;
  return std::optional{whole->seconds / std::max(1.0, n)};
}

void print(const Invocation& call, const Forecast& f, bool live, std::optional<double> price) {
  Listing listing({{"what"}, {"10%"}, {"50%"}, {"90%"}});
  const auto add = [&](const std::string& what, const Band& band, const auto& shown) {
    listing.add({what, shown(band.low), shown(band.middle), shown(band.high)});
  };
  const auto time = [](double seconds) { return Shown::shown_as(duration_text(seconds), Shown(seconds)); };
  const auto scaled = [](double by) {
    return [by](double x) { return Shown::shown_as(number_text(x * by), Shown(x * by)); };
  };
  const auto count = scaled(1);
  if (live) add("time left", f.left, time);
  add("time in all", f.seconds, time);
  add("slot-hours", f.slot_seconds, scaled(1 / 3600.0));
  if (price) add("cost", f.slot_seconds, scaled(*price / 3600));
  add("trials", f.trials, count);
  add("failed", f.failed, count);
  const bool brackets = std::any_of(f.rungs.begin(), f.rungs.end(), [](const auto& r) { return r.first.first > 0; });
  for (const auto& [rung, band] : f.rungs)
    add("trials at step " + std::to_string(rung.second) + (brackets ? " of bracket " + std::to_string(rung.first) : ""), band, count);
  call.print(listing);
}

int forecast_experiment(Invocation& call, std::optional<int> slots, int futures, std::optional<double> price) {
  for (const char* flag : {"from", "trial-cost", "step-seconds", "steps", "set"})
    if (call.has(flag))
      return call.fail(usage_error("`--" + std::string(flag) + "` goes with a config; an experiment tells by what it measured"));
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto& row = subject->experiment;
  if (row.state == "finished") {
    call.tell("`" + subject->name() + "` has ended: tune status " + subject->name());
    return kOk;
  }
  const auto spec = spec_of(row);
  if (!spec) return call.fail(spec.error());
  const auto told = forecast_of(*subject->reader, row, *spec, slots, futures);
  if (!told) return call.fail(told.error());
  call.tell(subject->name() + ": " + std::to_string(told->futures) + " futures on " + std::to_string(told->slots) +
            " slots, by the pace of " + std::to_string(told->measured) + " trials" + (row.owned ? "" : "; if it is resumed now"));
  print(call, *told, true, price);
  return kOk;
}

int forecast_config(Invocation& call, const std::string& path, std::optional<int> slots, int futures, std::optional<double> price) {
  std::optional<Source> source;
  if (const auto from = call.get("from")) {
    auto opened = Source::open(call, *from);
    if (!opened) return call.fail(opened.error());
    source = std::move(*opened);
  }
  const auto spec = (source ? *source : Source{}).read_config(call, path, call.all("set"));
  if (!spec) return kUsage;
  const auto steps = call.whole("steps", 1);
  if (!steps) return call.fail(steps.error());
  const auto seconds = step_seconds(call, *spec, *steps);
  if (!seconds) return call.fail(seconds.error());
  Outlook outlook{*spec};
  if (source) {
    auto recording = source->recording(call, *spec);
    if (!recording) return call.fail(recording.error());
    outlook.recording = std::move(*recording);
  }
  outlook.step_seconds = *seconds, outlook.steps = *steps, outlook.futures = futures;
  const double room = std::thread::hardware_concurrency() / std::max(spec->resources.cpus, 1e-9);
  outlook.slots = slots ? slots : spec->parallel ? spec->parallel : std::max(1, static_cast<int>(std::min(room, 1e6)));
  const auto told = forecast(outlook);
  if (!told) return call.fail(told.error());
  call.tell(std::to_string(told->futures) + " futures on " + std::to_string(told->slots) + " slots, by " +
            (told->measured > 0 ? "the pace of " + std::to_string(told->measured) + " trials"
                                : number_text(outlook.step_seconds.value_or(0)) + " seconds a step"));
  print(call, *told, false, price);
  return kOk;
}

}  // namespace

int forecast_verb(Invocation& call) {
  const auto workers = call.whole("workers", 1);
  if (!workers) return call.fail(workers.error());
  const auto futures = call.whole("futures", 16);
  if (!futures) return call.fail(futures.error());
  const auto price = positive(call, "cost-per-slot-hour");
  if (!price) return call.fail(price.error());
  const auto slots = *workers ? std::optional{static_cast<int>(**workers)} : std::nullopt;
  const auto n = static_cast<int>(futures->value_or(kFutures));
  std::error_code failed;
  if (call.words().size() == 1 && std::filesystem::is_regular_file(call.words()[0], failed))
    return forecast_config(call, call.words()[0], slots, n, *price);
  return forecast_experiment(call, slots, n, *price);
}

}  // namespace tune
