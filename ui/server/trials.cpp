// SPDX-License-Identifier: Apache-2.0
// The trials of an experiment: as binary columns, as a table page by page, and whole as NDJSON or CSV.
#include <algorithm>
#include <cmath>

#include "ui/server/column_writer.hpp"
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

constexpr std::int64_t kPage = 100, kLargestPage = 10'000;
constexpr std::int64_t kMany = std::int64_t{1} << 40;

/// A cursor is the last row's place in the order, as JSON: [its value of `sort`, its number].
std::string cursor(const Cell& key, std::int64_t number) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  const auto* x = std::get_if<double>(&key);
  x && !(*x == *x) ? json.begin_array().end_array() : (write_cell(json, key), json);  // NaN: no text is mistaken for it.
  json.value(number).end_array();
  return out;
}

Result<TrialQuery::After> read_cursor(const std::string& text) {
  using Token = JsonReader::Token;
  TrialQuery::After after;
  JsonReader json(text);
  bool good = json.next() == Token::array;
  switch (json.next()) {
    case Token::number:
      after.key = json.integer() ? Cell{*json.integer()} : Cell{json.number()};
      break;
    case Token::string:
      if (json.text() == "inf" || json.text() == "-inf")
        after.key = json.text() == "inf" ? HUGE_VAL : -HUGE_VAL;
      else
        after.key = std::string(json.text());
      break;
    case Token::array:
      after.key = std::nan("");
      good = good && json.next() == Token::array_end;
      break;
    default:
      good = good && !json.failed();
  }
  good = good && json.next() == Token::number && json.integer();
  if (good) after.number = *json.integer();
  good = good && json.next() == Token::array_end && json.next() == Token::end && !json.failed();
  if (!good) return Error{Error::Code::invalid, "`after` is the `next` of the page before", "leave it out for the first page"};
  return after;
}

Result<TrialQuery> read_query(Site& site, const StoreReader& reader, const Pulse& pulse, const Call& call) {
  TrialQuery query;
  query.where = call.query.get("where");
  if (call.query.has("sort")) query.sort = call.query.get("sort");
  const auto descending = call.query.whole("desc", 0, 1);
  if (!descending) return descending.error();
  query.descending = descending->value_or(0) == 1;
  const auto top = call.query.whole("top", 1, kMany);
  if (!top) return top.error();
  query.top = *top;
  query.columns = call.query.list("columns");
  for (const auto& word : call.query.list("state")) {
    const auto state = trial_state(word);
    if (!state)
      return Error{Error::Code::invalid, "`" + printable(word) + "` is no state of a trial",
                   "queued, leased, running, paused, complete, stopped, failed, infeasible or cancelled"};
    query.states.push_back(*state);
  }
  if (call.query.has("after")) {
    auto after = read_cursor(call.query.get("after"));
    if (!after) return after.error();
    query.after = std::move(*after);
  }
  if (const auto spec = site.spec(reader, pulse)) query.objective = (*spec)->objectives.front().metric;
  return query;
}

/// One page: two columns more are asked for, which tell where the next one begins.
Result<Response> page_of(const StoreReader& reader, const Pulse& pulse, TrialQuery query) {
  query.top = std::min(query.top.value_or(kPage), kLargestPage);
  if (query.columns.empty()) {
    auto names = reader.param_names(pulse.id);
    if (!names) return names.error();
    query.columns = {"number", "state", "cause", "value", "last_step"};
    for (const auto& name : *names) query.columns.push_back("params." + name);
  }
  query.columns.push_back(query.sort);
  query.columns.push_back("number");
  auto table = reader.trials(pulse.id, query);
  if (!table) return table.error();
  std::string next;
  if (static_cast<std::int64_t>(table->rows.size()) == *query.top) {
    const auto& last = table->rows.back();
    next = cursor(last[last.size() - 2], std::get<std::int64_t>(last.back()));
  }
  table->columns.resize(table->columns.size() - 2);
  for (auto& row : table->rows) row.resize(row.size() - 2);
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_table(json, *table);
  json.key("next");
  next.empty() ? json.null() : json.value(next);
  json.end_object();
  return json_response(std::move(out));
}

}  // namespace

Result<Response> columns(Site& site, const Call& call) {
  const auto since = call.query.whole("since", 0, kMany);
  if (!since) return since.error();
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  Response response;
  response.content_type = ColumnWriter::kType;
  const auto done = site.trials(**reader, *pulse, [&](const TrialColumns& trials) -> Result<Done> {
    auto bytes = trials.write(call.query.list("cols"), *since);
    if (!bytes) return bytes.error();
    response.body = Body(std::move(*bytes));
    return Done{};
  });
  if (!done) return done.error();
  return response;
}

Result<Response> trials(Site& site, const Call& call) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  auto query = read_query(site, **reader, *pulse, call);
  if (!query) return query.error();
  const auto accept = call.request.only("accept").value_or("");
  const bool csv = accept.find("text/csv") != std::string_view::npos;
  if (!csv && accept.find("application/x-ndjson") == std::string_view::npos) return page_of(**reader, *pulse, std::move(*query));
  std::string out;
  const auto write = [&](std::string_view text) { out += text; };
  const auto done = csv ? export_csv(**reader, pulse->id, *query, write) : export_ndjson(**reader, pulse->id, *query, write);
  if (!done) return done.error();
  Response response;
  response.content_type = csv ? "text/csv; charset=utf-8" : "application/x-ndjson";
  response.body = Body(std::move(out));
  return response;
}

}  // namespace tune
