// SPDX-License-Identifier: Apache-2.0
// What happened and why: the decision log of an experiment, its settings as they changed, and the story of one trial.
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/story.hpp"

namespace tune {
namespace {

constexpr std::int64_t kPage = 200, kLargestPage = 2000;
constexpr std::int64_t kMany = std::int64_t{1} << 40;

bool is_json(const std::string& text) {
  JsonReader json(text);
  json.skip();
  return json.next() == JsonReader::Token::end && !json.failed();
}

void write_event(JsonWriter& json, const Record& record, const Spec& spec) {
  const auto* decided = record.decided();
  json.begin_object().key("seq").value(record.seq).key("at").value(record.at.seconds).key("kind").value(kind(record)).key("trial");
  const auto trial = trial_of(record);
  trial ? json.value(trial->value) : json.null();
  json.key("text").value(sentence(record, spec)).key("by").value(decided ? decided->reason.by : "");
  json.key("why").value(decided ? decided->reason.why : "").key("note");
  decided && is_json(decided->reason.note) ? json.raw(decided->reason.note) : json.null();
  json.key("because");
  decided && decided->reason.because > 0 ? json.value(decided->reason.because) : json.null();
  json.end_object();
}

void write_events(JsonWriter& json, const char* key, const std::vector<Record>& records, const Spec& spec) {
  json.key(key).begin_array();
  for (const auto& record : records) write_event(json, record, spec);
  json.end_array();
}

Result<FactQuery> read_query(const Query& query) {
  FactQuery facts;
  const auto after = query.whole("after", 0, kMany), before = query.whole("before", 1, kMany);
  const auto limit = query.whole("limit", 1, kLargestPage), trial = query.whole("trial", 0, kMany);
  for (const auto* one : {&after, &before, &limit, &trial})
    if (!*one) return one->error();
  if (*after && *before) return Error{Error::Code::invalid, "`after` or `before`, not both", ""};
  facts.after = after->value_or(0), facts.before = *before, facts.limit = limit->value_or(kPage);
  if (*trial) facts.trial = TrialId{**trial};
  facts.kinds = query.list("kinds");
  if (facts.kinds.size() > 40) return Error{Error::Code::invalid, "there are fewer kinds of facts than that", ""};
  return facts;
}

}  // namespace

Result<Response> events(Site& site, const Call& call) {
  auto query = read_query(call.query);
  if (!query) return query.error();
  const auto about = regarded(site, call);
  if (!about) return about.error();
  const auto records = about->reader->facts(about->pulse.id, *query);
  if (!records) return records.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_events(json, "events", *records, *about->spec);
  json.key("first").value(records->empty() ? Seq{0} : records->front().seq);
  json.key("last").value(records->empty() ? Seq{0} : records->back().seq).end_object();
  return json_response(std::move(out));
}

Result<Response> settings(Site& site, const Call& call) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  const auto records = (*reader)->facts(pulse->id, FactQuery{.limit = kPage, .kinds = {"Configured"}});
  if (!records) return records.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("settings").begin_array();
  for (const auto& record : *records) {
    const auto* made = record.as<Configured>();
    if (!made || !is_json(made->config)) continue;
    json.begin_object().key("seq").value(record.seq).key("at").value(record.at.seconds).key("by").value(made->by);
    json.key("changes").value(made->changes).key("config").raw(without_secrets(made->config)).end_object();
  }
  json.end_array().end_object();
  return json_response(std::move(out));
}

Result<Response> story(Site& site, const Call& call) {
  const auto about = regarded(site, call);
  if (!about) return about.error();
  if (auto there = about->reader->trial(about->pulse.id, *call.trial); !there) return there.error();
  const auto records = about->reader->facts(about->pulse.id, *call.trial);
  if (!records) return records.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_events(json, "facts", *records, *about->spec);
  json.end_object();
  return json_response(std::move(out));
}

}  // namespace tune
