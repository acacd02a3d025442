// SPDX-License-Identifier: Apache-2.0
// Another program as a tool: lines of JSON through its standard input and output (README.md has the protocol).
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/regret/tool.hpp"
#include "tuner/json.hpp"

extern char** environ;

namespace tune::regret {
namespace {

using nlohmann::json;

Error trouble(std::string message) { return {Error::Code::io, std::move(message), ""}; }

/// The child, from the first line to the end of its input. The destructor closes that input and waits.
class Child {
 public:
  explicit Child(std::string command) : command_(std::move(command)) {}
  ~Child() {
    if (to_) std::fclose(to_);
    if (from_) std::fclose(from_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    std::free(line_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Result<Done> start();
  Result<Done> send(const std::string& line) {
    if (std::fputs(line.c_str(), to_) < 0 || std::fputc('\n', to_) == EOF || std::fflush(to_) != 0)
      return trouble("`" + printable(command_) + "` does not read any more");
    return Done{};
  }
  Result<json> receive() {
    const auto length = ::getline(&line_, &room_, from_);
    if (length <= 0) return trouble("`" + printable(command_) + "` ended without an answer");
    auto answer = json::parse(line_, line_ + length, nullptr, false);
    if (!answer.is_object())
      return trouble("`" + printable(command_) + "` answered " + printable({line_, static_cast<std::size_t>(length)}));
    return answer;
  }

 private:
  std::string command_;
  pid_t pid_ = 0;
  FILE *to_ = nullptr, *from_ = nullptr;
  char* line_ = nullptr;
  std::size_t room_ = 0;
};

Result<Done> Child::start() {
  ::signal(SIGPIPE, SIG_IGN);  // A child that ended is an error of a write and not our end.
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return trouble("no pipe");
  to_ = ::fdopen(in[1], "w"), from_ = ::fdopen(out[0], "r");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::string shell = "sh", option = "-c", text = "exec " + command_;
  char* argv[] = {shell.data(), option.data(), text.data(), nullptr};
  const int fault = ::posix_spawn(&pid_, "/bin/sh", &actions, nullptr, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]), ::close(out[1]);
  if (fault != 0) pid_ = 0;
  return fault == 0 ? Result<Done>{Done{}} : trouble("cannot start `" + printable(command_) + "`");
}

json to_tree(const Value& v) { return json::parse(tune::to_json(v)); }

json to_tree(const Params& params) {
  json out = json::object();
  for (const auto& [name, value] : params) out[name] = to_tree(value);
  return out;
}

json to_tree(const Test& t) {
  static constexpr const char* kOps[] = {"in", "not_in", "gt", "ge", "lt", "le"};
  json out{{"parent", t.parent}, {"op", kOps[static_cast<int>(t.op)]}};
  if (t.op == Test::Op::in || t.op == Test::Op::not_in)
    for (const auto& v : t.values) out["values"].push_back(to_tree(v));
  else
    out["bound"] = t.bound;
  return out;
}

// The kinds that problems have; others do not come up here.
json to_tree(const Dimension& d) {
  using Kind = Dimension::Kind;
  json out{{"name", d.name}};
  switch (d.kind) {
    case Kind::uniform:
    case Kind::loguniform:
      out.update({{"type", "float"}, {"min", d.min}, {"max", d.max}, {"log", d.kind == Kind::loguniform}});
      break;
    case Kind::integer:
    case Kind::logint:
      out.update({{"type", "integer"},
                  {"min", static_cast<std::int64_t>(d.min)},
                  {"max", static_cast<std::int64_t>(d.max)},
                  {"log", d.kind == Kind::logint}});
      break;
    case Kind::boolean:
      out.update({{"type", "choice"}, {"values", {false, true}}});
      break;
    default:
      out["type"] = d.kind == Kind::choice ? "choice" : "ordinal";
      for (const auto& v : d.values) out["values"].push_back(to_tree(v));
  }
  for (const auto& t : d.when) out["when"].push_back(to_tree(t));
  return out;
}

Result<Params> to_params(const json& tree) {
  Params out;
  for (const auto& [name, v] : tree.items()) {
    if (v.is_boolean())
      out.set(name, v.get<bool>());
    else if (v.is_number_integer())
      out.set(name, v.get<std::int64_t>());
    else if (v.is_number_float())
      out.set(name, v.get<double>());
    else if (v.is_string())
      out.set(name, v.get<std::string>());
    else
      return trouble("parameter " + printable(name) + " is no value: " + printable(v.dump()));
  }
  return out;
}

class ExternalStudy final : public Study {
 public:
  ExternalStudy(Child& child, const Problem& problem) : child_(child), problem_(problem) {}

  Result<std::optional<Params>> ask(std::int64_t trial) override {
    if (auto sent = child_.send(json{{"ask", trial}}.dump()); !sent) return sent.error();
    auto answer = child_.receive();
    if (!answer) return answer.error();
    if (!answer->contains("params") || !(*answer)["cpu"].is_number())
      return trouble("an answer without params and cpu: " + printable(answer->dump()));
    cpu_ += (*answer)["cpu"].get<double>();
    const json& given = (*answer)["params"];
    if (given.is_null()) return std::optional<Params>{};
    auto params = to_params(given);
    if (!params) return params.error();
    auto whole = problem_.space.complete(std::move(*params));
    if (!whole) return whole.error();
    return std::optional<Params>{std::move(*whole)};
  }

  Result<Done> tell(std::int64_t trial, const Params& params, std::optional<double> value) override {
    json line{{"tell", trial}, {"params", to_tree(params)}};
    if (value) line["value"] = *value;
    return child_.send(line.dump());
  }

  double cpu_seconds() const override { return cpu_; }

 private:
  Child& child_;
  const Problem& problem_;
  double cpu_ = 0;
};

class ExternalTool final : public Tool {
 public:
  explicit ExternalTool(std::string command) : child_(std::move(command)) {}

  Result<Done> start() {
    if (auto started = child_.start(); !started) return started;
    auto hello = child_.receive();
    if (!hello) return hello.error();
    if (!(*hello)["tool"].is_string() || !(*hello)["version"].is_string())
      return trouble("the first line names no tool and version: " + printable(hello->dump()));
    name_ = (*hello)["tool"], version_ = (*hello)["version"];
    return Done{};
  }
  std::string name() const override { return name_; }
  std::string version() const override { return version_; }

  Result<std::unique_ptr<Study>> open(const Problem& problem, std::uint64_t seed, int trials) override {
    json space = json::array();
    for (const auto& d : problem.space.dimensions()) space.push_back(to_tree(d));
    const json line{{"open", {{"seed", seed}, {"trials", trials}, {"space", std::move(space)}}}};
    if (auto sent = child_.send(line.dump()); !sent) return sent.error();
    auto answer = child_.receive();
    if (!answer) return answer.error();
    if (answer->contains("refused"))
      return Error{Error::Code::invalid, (*answer)["refused"].dump(), ""};
    return std::unique_ptr<Study>(std::make_unique<ExternalStudy>(child_, problem));
  }

 private:
  Child child_;
  std::string name_, version_;
};

}  // namespace

ToolFactory external_tool(const std::string& command) {
  return [command]() -> Result<std::unique_ptr<Tool>> {
    auto tool = std::make_unique<ExternalTool>(command);
    if (auto started = tool->start(); !started) return started.error();
    return std::unique_ptr<Tool>(std::move(tool));
  };
}

}  // namespace tune::regret
