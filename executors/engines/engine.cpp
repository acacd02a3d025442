// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/engine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "executors/descriptor.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"

namespace tune {
namespace {

constexpr std::array<std::string_view, 8> kStates = {"submitted", "queued", "running", "ending",
                                                     "ended",     "failed", "lost",    "unknown"};

void texts(JsonWriter& json, const std::vector<std::string>& list) {
  json.begin_array();
  for (const auto& text : list) json.value(text);
  json.end_array();
}

// Readers of one member each; false where it is of another type.
bool read(const JsonNode& node, std::string& out) {
  if (node.kind == JsonNode::Kind::string) out = node.text;
  return node.kind == JsonNode::Kind::string;
}
bool read(const JsonNode& node, double& out) {
  if (node.kind == JsonNode::Kind::number) out = node.number;
  return node.kind == JsonNode::Kind::number;
}
bool read(const JsonNode& node, std::int64_t& out) {
  if (node.integer) out = *node.integer;
  return node.integer.has_value();
}
bool read(const JsonNode& node, bool& out) {
  if (node.kind == JsonNode::Kind::boolean) out = node.boolean;
  return node.kind == JsonNode::Kind::boolean;
}
bool read(const JsonNode& node, std::vector<std::string>& out) {
  out.clear();
  for (const auto& item : node.items)
    if (!read(item, out.emplace_back())) return false;
  return node.kind == JsonNode::Kind::array;
}
template <class T>
bool read(const JsonNode& node, std::map<std::string, T>& out) {
  for (const auto& member : node.members)
    if (!read(member.value, out[member.key])) return false;
  return node.kind == JsonNode::Kind::object;
}

struct Members {
  const JsonNode& object;
  bool good = true;
  template <class T>
  void read(std::string_view key, T& into) {
    const auto* member = object.find(key);
    good = good && member != nullptr && tune::read(member->value, into);
  }
};

}  // namespace

std::string_view to_text(AllocationState state) { return kStates[static_cast<std::size_t>(state)]; }

std::optional<AllocationState> allocation_state(std::string_view text) {
  const auto at = std::find(kStates.begin(), kStates.end(), text);
  if (at == kStates.end()) return std::nullopt;
  return static_cast<AllocationState>(at - kStates.begin());
}

bool is_key(std::string_view text) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto allowed = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 40 && letter(text.front()) && text.back() != '-' && std::all_of(text.begin(), text.end(), allowed);
}

std::string to_json(const AgentSpec& spec) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("agents").value(spec.agents);
  json.key("per_agent").begin_object();
  json.key("cpu").value(spec.per_agent.cpus).key("gpu").value(spec.per_agent.gpus).key("memory").value(spec.per_agent.memory_bytes);
  json.key("custom").begin_object();
  for (const auto& [name, count] : spec.per_agent.custom) json.key(name).value(count);
  json.end_object().end_object();
  json.key("gang").value(spec.gang);
  json.key("walltime").value(spec.walltime.seconds).key("margin").value(spec.margin.seconds);
  json.key("join_file").value(spec.join_file).key("program").value(spec.program);
  json.key("arguments");
  texts(json, spec.arguments);
  json.key("labels").begin_object();
  for (const auto& [name, value] : spec.labels) json.key(name).value(value);
  json.end_object();
  json.key("site_args");
  texts(json, spec.site_args);
  json.end_object();
  return out;
}

Result<AgentSpec> agent_spec(std::string_view text) {
  const Error corrupt{Error::Code::corrupt, "this is not the description of an allocation: " + printable(text.substr(0, 200)), ""};
  const auto root = parse_json(text, 0, [](const JsonFault&) {});
  if (!root) return corrupt;
  AgentSpec spec;
  std::int64_t agents = 0;
  Members all{*root};
  all.read("agents", agents);
  all.read("gang", spec.gang);
  all.read("walltime", spec.walltime.seconds);
  all.read("margin", spec.margin.seconds);
  all.read("join_file", spec.join_file);
  all.read("program", spec.program);
  all.read("arguments", spec.arguments);
  all.read("labels", spec.labels);
  all.read("site_args", spec.site_args);
  const auto* per_agent = root->find("per_agent");
  if (!all.good || !per_agent || agents < 1 || agents > 1'000'000) return corrupt;
  Members resources{per_agent->value};
  resources.read("cpu", spec.per_agent.cpus);
  resources.read("gpu", spec.per_agent.gpus);
  resources.read("memory", spec.per_agent.memory_bytes);
  resources.read("custom", spec.per_agent.custom);
  if (!resources.good) return corrupt;
  spec.agents = static_cast<int>(agents);
  return spec;
}

std::vector<std::string> agent_command(const AgentSpec& spec) {
  std::vector<std::string> argv = {spec.program, "agent", "--join", spec.join_file};
  argv.insert(argv.end(), spec.arguments.begin(), spec.arguments.end());
  return argv;
}

namespace detail {

std::string shell_word(std::string_view text) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-_=./:,+%@").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), safe)) return std::string{text};
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

std::string shell_line(std::span<const std::string> argv) {
  std::string out;
  for (const auto& word : argv) (out.empty() ? out : out += ' ') += shell_word(word);
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string tail_of_text(std::string_view text, int lines) {
  std::size_t begin = text.size();
  if (text.ends_with('\n')) --begin;  // It ends the last line and begins none.
  while (begin > 0 && (text[begin - 1] != '\n' || --lines > 0)) --begin;
  return std::string{text.substr(begin)};
}

Result<std::string> tail_of_file(const std::string& path, int lines) {
  constexpr off_t kMost = 64 << 10;
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return Error{errno == ENOENT ? Error::Code::not_found : Error::Code::io, "no log " + printable(path) + ": " + std::strerror(errno), ""};
  }
  std::string text(static_cast<std::size_t>(std::min(found.st_size, kMost)), '\0');
  const ssize_t n = ::pread(fd.get(), text.data(), text.size(), std::max<off_t>(0, found.st_size - kMost));
  if (n < 0) return Error{Error::Code::io, "cannot read " + printable(path) + ": " + std::strerror(errno), ""};
  text.resize(static_cast<std::size_t>(n));
  return tail_of_text(text, lines);
}

}  // namespace detail
}  // namespace tune
