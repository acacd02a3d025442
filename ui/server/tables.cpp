// SPDX-License-Identifier: Apache-2.0
// The store's views of an experiment, as they are.
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"

namespace tune {
namespace {

Result<Response> table(Site& site, const Call& call, StoreReader::View view) {
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
  json.end_object();
  return json_response(std::move(out));
}

}  // namespace

Result<Response> rungs(Site& site, const Call& call) { return table(site, call, StoreReader::View::rungs); }
Result<Response> lineage(Site& site, const Call& call) { return table(site, call, StoreReader::View::lineage); }
Result<Response> attempts(Site& site, const Call& call) { return table(site, call, StoreReader::View::attempts); }
Result<Response> checkpoints(Site& site, const Call& call) { return table(site, call, StoreReader::View::checkpoints); }
Result<Response> workers(Site& site, const Call& call) { return table(site, call, StoreReader::View::workers); }

}  // namespace tune
