// SPDX-License-Identifier: Apache-2.0
// The store's views of an experiment, as they are; beside its workers, why trials wait.
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/waiting.hpp"

namespace tune {
namespace {

using View = StoreReader::View;

Result<Response> table(Site& site, const Call& call, View view) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  const auto rows = (*reader)->view(view, pulse->id);
  if (!rows) return rows.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_table(json, *rows);
  if (view == View::workers) {
    const auto experiment = (*reader)->experiment(call.name);
    if (!experiment) return experiment.error();
    json.key("waiting").value(why_trials_wait(**reader, *experiment));
  }
  json.end_object();
  return json_response(std::move(out));
}

}  // namespace

Result<Response> rungs(Site& site, const Call& call) { return table(site, call, View::rungs); }
Result<Response> lineage(Site& site, const Call& call) { return table(site, call, View::lineage); }
Result<Response> attempts(Site& site, const Call& call) { return table(site, call, View::attempts); }
Result<Response> checkpoints(Site& site, const Call& call) { return table(site, call, View::checkpoints); }
Result<Response> workers(Site& site, const Call& call) { return table(site, call, View::workers); }
Result<Response> allocations(Site& site, const Call& call) { return table(site, call, View::allocations); }

}  // namespace tune
