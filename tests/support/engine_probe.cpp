// SPDX-License-Identifier: Apache-2.0
// One verb of an engine from the command line, for the tests that speak to real ones:
//
//   tune_engine_probe ENGINE FOLDER OPTIONS check SPEC | submit SPEC KEY | list KEY[:ID]… | cancel KEY[:ID] | logs KEY[:ID] LINES
//
// OPTIONS is an object of texts, SPEC the JSON of an AgentSpec. Prints one line of JSON; exit 1 for an Error.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "executors/engines/engine.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"

using namespace tune;

namespace {

constexpr std::string_view kCodes[] = {"invalid", "not_found", "conflict", "unreachable", "io", "corrupt"};

int fail(const Error& error) {
  std::string out;
  JsonWriter(out).begin_object().key("error").value(kCodes[static_cast<int>(error.code)]).key("message").value(error.message).key("hint").value(error.hint).end_object();
  std::puts(out.c_str());
  return 1;
}
int say(const std::string& text) {
  std::string out;
  JsonWriter(out).value(text);
  std::puts(out.c_str());
  return 0;
}
AllocationName name_of(const std::string& word) {
  const auto colon = word.find(':');
  return {word.substr(0, colon), colon == std::string::npos ? "" : word.substr(colon + 1)};
}
void write(JsonWriter& json, const Allocation& a) {
  json.begin_object().key("key").value(a.name.key).key("id").value(a.name.id).key("state").value(to_text(a.state)).key("missing").value(a.missing);
  json.key("reason").value(a.reason).key("nodes").begin_array();
  for (const auto& node : a.nodes) json.value(node);
  json.end_array();
  if (a.end) json.key("end").value(a.end->seconds);
  json.end_object();
}
const EngineEntry* entry_of(const std::string& name) {
  for (const auto& entry : engines())
    if (entry.info.name == name) return &entry;
  return nullptr;
}

int listed(Engine& engine, const std::vector<std::string>& words) {
  std::vector<AllocationName> names;
  for (const auto& word : words) names.push_back(name_of(word));
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& allocation : engine.list(names)) write(json, allocation);
  json.end_array();
  std::puts(out.c_str());
  return 0;
}

int carry_out(Engine& engine, const std::string& verb, const std::vector<std::string>& words) {
  if (verb == "list") return listed(engine, words);
  if (verb == "cancel") {
    const auto done = engine.cancel(name_of(words.at(0)));
    return done ? say("done") : fail(done.error());
  }
  if (verb == "logs") {
    const auto text = engine.logs(name_of(words.at(0)), std::atoi(words.at(1).c_str()));
    return text ? say(*text) : fail(text.error());
  }
  const auto spec = agent_spec(words.at(0));
  if (!spec) return fail(spec.error());
  if (verb == "check") {
    const auto done = engine.check(*spec);
    return done ? say("done") : fail(done.error());
  }
  const auto id = engine.submit(*spec, words.at(1));
  return id ? say(*id) : fail(id.error());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const EngineEntry* entry = words.size() > 3 ? entry_of(words[0]) : nullptr;
  const auto given = words.size() > 2 ? parse_json(words[2], 0, [](const JsonFault&) {}) : std::nullopt;
  if (!entry || !given) {
    std::fputs("usage: tune_engine_probe ENGINE FOLDER OPTIONS VERB …\n", stderr);
    return 2;
  }
  EngineContext context{{}, words[1]};
  for (const auto& member : given->members) {
    const auto& value = member.value;
    context.options.set(member.key, value.kind == JsonNode::Kind::string ? value.text : to_json(value));
  }
  auto engine = entry->make(context);
  return engine ? carry_out(**engine, words[3], {words.begin() + 4, words.end()}) : fail(engine.error());
}
