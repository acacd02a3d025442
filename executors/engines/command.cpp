// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <utility>

#include "executors/descriptor.hpp"
#include "executors/engines/program.hpp"
#include "tuner/nearest.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;
using detail::Placeholders;

/// An argv with placeholders, and the option that it is.
struct Template {
  std::string name;
  std::vector<std::string> words = {};
  bool empty() const { return words.empty(); }
};

// Every name, so that a template is checked before anything is known.
constexpr std::string_view kNames[] = {"key", "id", "agents", "cpu", "gpu", "memory", "memory_mib", "walltime", "walltime_hms",
                                       "join_file", "tune", "script", "log", "folder"};

std::string number(double value) { return std::to_string(static_cast<long long>(std::ceil(std::min(value, 9e15)))); }

std::string hms(Duration time) {
  const auto seconds = static_cast<long long>(std::ceil(time.seconds));
  char text[40];
  std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return text;
}

// Starts one agent. The deadline counts from here: nobody asks the queue when it will end.
std::string script_of(const AgentSpec& spec, const std::string& key) {
  std::string text = "#!/bin/sh\n# One agent of an allocation of tune.\nexport TUNE_ALLOCATION=" + key + "\n";
  if (spec.walltime.seconds > 0) text += "export TUNE_DEADLINE=$(($(date +%s) + " + number(std::floor(spec.walltime.seconds)) + "))\n";
  return text + "exec " + detail::shell_line(agent_command(spec)) + "\n";
}

Result<Done> write_file(const std::string& path, const std::string& text, mode_t mode) {
  const std::string fresh = path + ".new";
  {
    const Descriptor fd{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)};
    if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::fsync(fd.get()) != 0) {
      return Error{Error::Code::io, "cannot write " + printable(path), ""};
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return Error{Error::Code::io, "cannot write " + printable(path), ""};
  return Done{};
}

class CommandEngine final : public Engine {
 public:
  struct Settings {
    std::string folder;
    Template check{"check"}, submit{"submit"}, find{"find"}, status{"status"}, cancel{"cancel"}, logs{"logs"};
    std::string id_pattern, status_pattern;
    detail::StateTable states;
    std::vector<int> away;
    Duration limit{60};
  };
  explicit CommandEngine(Settings settings) : s_(std::move(settings)) {}

  Result<Done> check(const AgentSpec& spec) override {
    if (!spec.site_args.empty()) return Error{Error::Code::invalid, "site_args have no place here", "write them into the submit template"};
    if (s_.check.empty()) return Done{};
    const auto answer = call(s_.check, of(spec, "tune-check"));
    if (!answer) return answer.error();
    if (!answer->good()) return refused(s_.check, *answer);
    return Done{};
  }

  Result<std::string> submit(const AgentSpec& spec, const std::string& key) override {
    TUNE_ASSERT(is_key(key), key);
    const auto known = find(key);
    if (!known) return known.error();
    if (!known->empty()) return *known;

    std::error_code failed;
    fs::create_directories(s_.folder, failed);
    if (auto done = write_file(path(key, ".sh"), script_of(spec, key), 0700); !done) return done.error();
    if (auto done = write_file(path(key, ".asked"), "", 0600); !done) return done.error();
    const auto answer = call(s_.submit, of(spec, key));
    if (!answer) return answer.error();  // It may have been submitted.
    if (!answer->good()) {
      const Error error = refused(s_.submit, *answer);
      if (error.code == Error::Code::invalid) ::unlink(path(key, ".asked").c_str());
      return error;
    }
    const auto id = s_.id_pattern.empty() ? std::optional{std::string{detail::trimmed(answer->out)}} : detail::first_match(answer->out, s_.id_pattern);
    if (!id || id->empty() || id->find('\n') != std::string::npos) {
      return Error{Error::Code::unreachable, "no id in what " + printable(s_.submit.words[0]) + " answered: " + last_words(*answer),
                   "id_pattern has to find it, or submit has to print nothing else"};
    }
    if (auto done = write_file(path(key, ".id"), *id, 0600); !done) return done.error();
    return *id;
  }

  std::vector<Allocation> list(std::span<const AllocationName> names) override {
    std::vector<Allocation> out;
    for (const auto& name : names) out.push_back(look(name));
    return out;
  }

  Result<Done> cancel(const AllocationName& name) override {
    const auto id = id_of(name);
    if (!id) return id.error();
    if (id->empty()) return Done{};
    const auto answer = call(s_.cancel, of(name.key, *id));
    if (!answer) return answer.error();
    if (answer->good() || is_over(look({name.key, *id}).state)) return Done{};
    return refused(s_.cancel, *answer);
  }

  Result<std::string> logs(const AllocationName& name, int lines) override {
    if (s_.logs.empty()) return detail::tail_of_file(path(name.key, ".log"), lines);
    const auto id = id_of(name);
    if (!id) return id.error();
    const auto answer = call(s_.logs, of(name.key, *id));
    if (!answer) return answer.error();
    if (!answer->good()) return refused(s_.logs, *answer);
    return detail::tail_of_text(answer->out, lines);
  }

 private:
  std::string path(const std::string& key, const char* end) const { return s_.folder + "/" + key + end; }

  Placeholders of(const std::string& key, const std::string& id) const {
    Placeholders all;
    for (const auto name : kNames) all[std::string{name}];
    all["key"] = key, all["id"] = id, all["folder"] = s_.folder, all["script"] = path(key, ".sh"), all["log"] = path(key, ".log");
    return all;
  }
  Placeholders of(const AgentSpec& spec, const std::string& key) const {
    auto all = of(key, "");
    all["agents"] = std::to_string(spec.agents);
    all["cpu"] = number(spec.per_agent.cpus), all["gpu"] = number(spec.per_agent.gpus);
    all["memory"] = std::to_string(spec.per_agent.memory_bytes);
    all["memory_mib"] = number(static_cast<double>(spec.per_agent.memory_bytes) / (1 << 20));
    all["walltime"] = number(spec.walltime.seconds), all["walltime_hms"] = hms(spec.walltime);
    all["join_file"] = spec.join_file, all["tune"] = spec.program;
    return all;
  }

  Result<ProgramAnswer> call(const Template& argv, const Placeholders& values) const {
    ProgramCall asked;
    asked.limit = s_.limit;
    for (const auto& word : argv.words) {
      auto filled = detail::fill(word, values);
      if (!filled) return filled.error();
      asked.argv.push_back(std::move(*filled));
    }
    return run_program(asked);
  }

  bool is_away(const ProgramAnswer& answer) const { return std::find(s_.away.begin(), s_.away.end(), answer.exit_code) != s_.away.end(); }
  Error refused(const Template& asked, const ProgramAnswer& answer) const {
    const bool away = is_away(answer);
    return {away ? Error::Code::unreachable : Error::Code::invalid, printable(asked.words[0]) + ": " + last_words(answer),
            away ? "it is asked again later" : "call by hand what executor." + asked.name + " says"};
  }

  /// The id of a key; empty if it was never submitted. What `find` says counts, else what we wrote down.
  Result<std::string> find(const std::string& key) {
    if (auto id = detail::tail_of_file(path(key, ".id"), 1)) return std::string{detail::trimmed(*id)};
    if (s_.find.empty()) {
      if (::access(path(key, ".asked").c_str(), F_OK) != 0) return std::string{};
      return Error{Error::Code::invalid, "it is not known whether " + key + " was submitted: its answer was lost", "a `find` template could look; see whether one of this name is there"};
    }
    const auto answer = call(s_.find, of(key, ""));
    if (!answer) return answer.error();
    if (is_away(*answer)) return refused(s_.find, *answer);
    if (!answer->good()) return std::string{};
    const auto id = s_.id_pattern.empty() ? std::optional{std::string{detail::trimmed(answer->out)}} : detail::first_match(answer->out, s_.id_pattern);
    return id.value_or("");
  }
  Result<std::string> id_of(const AllocationName& name) {
    if (name.id.empty()) return find(name.key);
    return name.id;
  }

  Allocation look(const AllocationName& name) {
    Allocation seen{name};
    const auto id = id_of(name);
    if (!id) {
      seen.reason = id.error().message;
      return seen;
    }
    if (id->empty()) {
      seen.missing = true;
      seen.reason = "it was never submitted";
      return seen;
    }
    seen.name.id = *id;
    const auto answer = call(s_.status, of(name.key, *id));
    if (!answer) {
      seen.reason = answer.error().message;
      return seen;
    }
    judge(*answer, seen);
    return seen;
  }

  void judge(const ProgramAnswer& answer, Allocation& seen) const {
    const auto word = s_.status_pattern.empty() ? std::string{detail::trimmed(answer.out)} : detail::first_match(answer.out, s_.status_pattern).value_or("");
    const std::string* state = nullptr;
    if (const auto by_exit = s_.states.exits.find(answer.exit_code); by_exit != s_.states.exits.end()) state = &by_exit->second;
    if (const auto by_word = s_.states.words.find(word); !state && answer.good() && by_word != s_.states.words.end()) state = &by_word->second;
    seen.reason = answer.good() && !word.empty() ? printable(word) : last_words(answer);
    seen.missing = state && *state == "missing";
    seen.state = state ? allocation_state(*state).value_or(AllocationState::unknown) : AllocationState::unknown;
  }

  Settings s_;
};

Result<Done> read(const Params& options, bool needed, Template& into) {
  const std::string place = "executor." + into.name;
  into.words = list_option(options, into.name);
  if (into.empty() && needed) return Error{Error::Code::invalid, place + " is not given: a list of words, the program first", ""};
  Placeholders all;
  for (const auto name : kNames) all[std::string{name}];
  for (const auto& word : into.words) {
    if (word.find('\0') != std::string::npos) return Error{Error::Code::invalid, place + " holds a NUL, which no argument can carry", ""};
    if (const auto filled = detail::fill(word, all); !filled) return Error{Error::Code::invalid, place + ": " + filled.error().message, filled.error().hint};
  }
  return Done{};
}

Result<std::unique_ptr<Engine>> make(const EngineContext& context) {
  CommandEngine::Settings s;
  s.folder = context.folder;
  for (auto* one : {&s.check, &s.submit, &s.find, &s.status, &s.cancel, &s.logs}) {
    const bool needed = one == &s.submit || one == &s.status || one == &s.cancel;
    if (auto done = read(context.options, needed, *one); !done) return done.error();
  }
  for (auto [name, into] : {std::pair{"id_pattern", &s.id_pattern}, std::pair{"status_pattern", &s.status_pattern}}) {
    *into = text_option(context.options, name);
    try {
      const std::regex compiled(*into);
    } catch (const std::regex_error& error) {
      return Error{Error::Code::invalid, "executor." + std::string{name} + " is no pattern: " + error.what(), ""};
    }
  }
  auto states = detail::StateTable::parse(list_option(context.options, "states"));
  if (!states) return states.error();
  s.states = std::move(*states);
  s.away = {255};  // ssh's own trouble.
  if (context.options.contains("away")) {
    s.away.clear();
    for (const auto& word : list_option(context.options, "away")) {
      int code = 0;
      const auto read = std::from_chars(word.data(), word.data() + word.size(), code);
      if (read.ec != std::errc{} || read.ptr != word.data() + word.size()) return Error{Error::Code::invalid, "executor.away: '" + printable(word) + "' is no exit code", ""};
      s.away.push_back(code);
    }
  }
  s.limit = duration_option(context.options, "limit", s.limit);
  return std::unique_ptr<Engine>{std::make_unique<CommandEngine>(std::move(s))};
}

}  // namespace

namespace detail {

Result<std::string> fill(std::string_view word, const Placeholders& values) {
  std::string out;
  while (!word.empty()) {
    const auto dollar = word.find('$');
    out += word.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    word.remove_prefix(dollar + 1);
    if (word.starts_with('$')) {
      out += '$';
      word.remove_prefix(1);
    } else if (word.starts_with('{')) {
      const auto end = word.find('}');
      if (end == std::string_view::npos) return Error{Error::Code::invalid, "'${' without '}'", "write $$ for a dollar sign"};
      const auto value = values.find(word.substr(1, end - 1));
      if (value == values.end()) {
        const std::string unknown{word.substr(1, end - 1)};
        const auto near = nearest(unknown, kNames);
        return Error{Error::Code::invalid, "there is no ${" + printable(unknown) + "}", near.empty() ? "" : "did you mean ${" + std::string{near} + "}?"};
      }
      out += value->second;
      word.remove_prefix(end + 1);
    } else {
      out += '$';
    }
  }
  return out;
}

std::optional<std::string> first_match(std::string_view text, const std::string& pattern) {
  try {
    const std::regex compiled(pattern);
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      std::cmatch found;
      if (line.size() > 4096 || !std::regex_search(line.data(), line.data() + line.size(), found, compiled)) continue;
      return found[found.size() > 1 ? 1 : 0].str();
    }
  } catch (const std::regex_error&) {
  }
  return std::nullopt;
}

Result<StateTable> StateTable::parse(const std::vector<std::string>& lines) {
  StateTable table;
  for (const auto& line : lines) {
    const auto equals = line.rfind('=');
    const std::string word = line.substr(0, equals), state = equals == std::string::npos ? "" : line.substr(equals + 1);
    if (state != "missing" && !allocation_state(state)) {
      return Error{Error::Code::invalid, "executor.states: '" + printable(line) + "' does not end with '=' and a state",
                   "states are submitted, queued, running, ending, ended, failed, lost, unknown and missing"};
    }
    if (!word.starts_with("exit ")) {
      table.words[word] = state;
      continue;
    }
    int code = 0;
    const auto read = std::from_chars(word.data() + 5, word.data() + word.size(), code);
    if (read.ec != std::errc{} || read.ptr != word.data() + word.size()) return Error{Error::Code::invalid, "executor.states: '" + printable(line) + "' names no exit code", "write \"exit 35=missing\""};
    table.exits[code] = state;
  }
  return table;
}

}  // namespace detail

EngineEntry command() {
  using Kind = Option::Kind;
  return {{"command",
           "Agents placed by programs that you name: PBS, LSF, HTCondor, ssh.",
           {{"submit", Kind::list, "", "Asks for an allocation and prints its id."},
            {"status", Kind::list, "", "Tells the state of ${id}."},
            {"cancel", Kind::list, "", "Ends ${id}."},
            {"find", Kind::list, "", "Prints the id of ${key}, or fails: what a crash after submit would lose."},
            {"check", Kind::list, "", "A dry run of submit."},
            {"logs", Kind::list, "", "Prints what the agents of ${id} said. Not given: the file ${log}."},
            {"states", Kind::list, "", "What status means: \"R=running\", \"exit 35=missing\"."},
            {"id_pattern", Kind::text, "\"\"", "Finds the id in what submit and find print; empty: it is all they print."},
            {"status_pattern", Kind::text, "\"\"", "Finds the word in what status prints; empty: it is all it prints."},
            {"away", Kind::list, "[\"255\"]", "Exit codes that say: ask again later."},
            {"limit", Kind::duration, "\"60s\"", "How long a program may take."}}},
          make};
}

}  // namespace tune
