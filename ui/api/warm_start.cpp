// SPDX-License-Identifier: Apache-2.0
#include "ui/api/warm_start.hpp"

#include <algorithm>

#include "store/sqlite/reader.hpp"
#include "tuner/config.hpp"
#include "tuner/transfer.hpp"
#include "ui/api/policies.hpp"

namespace tune {
namespace {

// More would cost every later proposal time and say little that is new.
constexpr std::size_t kMostLessons = 100;

// A trial as its facts leave it; the last Settle stands.
Result<std::vector<ForeignTrial>> trials_of(const StoreReader& reader, std::int64_t experiment) {
  std::vector<ForeignTrial> all;
  auto done = reader.read(experiment, 1, [&](Record&& r) {
    const auto id = trial_of(r);
    if (!id || id->value < 0) return;
    const auto i = static_cast<std::size_t>(id->value);
    if (const auto* p = r.as<Propose>()) {
      all.resize(std::max(all.size(), i + 1));
      all[i] = {p->params, TrialState::queued, {}, true};
    }
    if (i >= all.size()) return;
    if (const auto* l = r.as<Launch>(); l && l->params) all[i].params = *l->params;
    if (r.as<Retry>()) all[i].state = TrialState::queued;
    if (const auto* s = r.as<Settle>()) all[i].state = s->state, all[i].values = s->values, all[i].feasible = s->feasible;
  });
  if (!done) return done.error();
  return all;
}

Error about(const std::string& source, const Error& e) {
  return {e.code, "`warm_start`: " + printable(source) + ": " + e.message, e.hint};
}

}  // namespace

Result<std::vector<Imported>> read_lessons(const Spec& into, const std::string& store) {
  std::vector<Imported> out;
  if (into.warm_start.empty()) return out;
  auto reader = StoreReader::open(store);
  if (!reader) return reader.error();
  for (const auto& source : into.warm_start) {
    const auto row = (*reader)->experiment(source);
    if (!row) return about(source, row.error());
    const auto from = read_config(row->config, {catalogue(), "its settings", "/", {}, false});
    if (!from.spec) return Error{Error::Code::invalid, "`warm_start`: the settings of " + printable(source) + " cannot be read", {}};
    const auto trials = trials_of(**reader, row->id);
    if (!trials) return about(source, trials.error());
    auto lesson = transfer(*from.spec, *trials, into, std::max<std::size_t>(1, kMostLessons / into.warm_start.size()));
    if (!lesson) return lesson.error();
    lesson->source = source;  // Its name in the store, whatever its settings call it.
    out.push_back(std::move(lesson).value());
  }
  return out;
}

}  // namespace tune
