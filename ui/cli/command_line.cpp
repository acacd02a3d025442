// SPDX-License-Identifier: Apache-2.0
// From the words of a command line to the verb that serves them, and what is said where there is none.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

#include "tuner/nearest.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/verbs.hpp"

namespace tune {
namespace {

void append_flags(std::string& out, std::span<const Flag> flags) {
  for (const auto& flag : flags) {
    std::string left = flag.letter ? std::string("-") + flag.letter + ", " : "    ";
    left += "--" + std::string(flag.name);
    if (!flag.value.empty())
      left += flag.value.front() == '[' ? "[=" + std::string(flag.value.substr(1)) : " " + std::string(flag.value);
    out += "  " + pad(left, 28) + " " + std::string(flag.help) + "\n";
  }
}

std::string help_text() {
  std::string out =
      "tune finds good settings for any program.\n\n"
      "usage: tune VERB …\n\n";
  for (const auto& verb : verbs())
    if (!verb.hidden) out += "  " + pad(std::string(verb.name), 11) + std::string(verb.help) + "\n";
  out += "\noptions of every verb:\n";
  append_flags(out, global_flags());
  out +=
      "\nexamples:\n  tune init && tune sweep config.json\n  tune best -o args\n\n"
      "`tune VERB --help` tells more about one.\n";
  return out;
}

std::string help_text(const Verb& verb) {
  std::string out = std::string(verb.help) + "\n\nusage: tune " + std::string(verb.name);
  if (!verb.usage.empty()) out += " " + std::string(verb.usage);
  out += "\n";
  if (!verb.flags.empty()) out += "\noptions:\n";
  append_flags(out, verb.flags);
  out += "\noptions of every verb:\n";
  append_flags(out, global_flags());
  out += "\nexamples:\n";
  for (const auto& example : verb.examples) out += "  " + std::string(example) + "\n";
  return out;
}

/// The verb is the first argument that is neither an option nor the value of a global one.
std::optional<std::size_t> place_of_verb(const std::vector<std::string>& arguments) {
  const auto takes_next = [](std::string_view word) {
    return std::any_of(global_flags().begin(), global_flags().end(), [&](const Flag& flag) {
      if (flag.value.empty()) return false;
      return (word.starts_with("--") && word.substr(2) == flag.name) ||
             (flag.letter && word.size() == 2 && word[1] == flag.letter);
    });
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") return std::nullopt;
    if (!arguments[i].starts_with("-")) return i;
    if (takes_next(arguments[i])) ++i;
  }
  return std::nullopt;
}

int without_verb(const std::vector<std::string>& arguments) {
  for (const auto& word : arguments) {
    if (word == "--version") return std::puts("tune " TUNE_VERSION), kOk;
    if (word == "--help" || word == "-h") return std::fputs(help_text().c_str(), stdout), kOk;
  }
  if (arguments.empty()) return std::fputs(help_text().c_str(), stderr), kUsage;
  print_error(usage_error("no verb among the arguments", "tune --help"), false);
  return kUsage;
}

int unknown_verb(const std::string& word) {
  std::vector<std::string> names;
  for (const auto& verb : verbs())
    if (!verb.hidden) names.emplace_back(verb.name);
  const auto near = nearest(word, names);
  print_error(usage_error("`" + printable(word) + "` is no verb of tune",
                          near.empty() ? "tune --help" : "did you mean `tune " + std::string(near) + "`?"),
              false);
  return kUsage;
}

int serve(const Verb& verb, std::vector<std::string> arguments) {
  auto parsed = Invocation::parse(verb, std::move(arguments));
  if (!parsed) {
    print_error(parsed.error(), false);
    return kUsage;
  }
  auto& call = *parsed;
  if (call.has("help")) return call.print(help_text(verb)), kOk;
  if (call.has("version")) return call.print("tune " TUNE_VERSION "\n"), kOk;
  if (const auto folder = call.get("dir"); folder && chdir(folder->c_str()) != 0)
    return call.fail(
        {Error::Code::not_found, "cannot go to `" + printable(*folder) + "`: " + std::strerror(errno), {}});
  return verb.serve(call);
}

/// A closed descriptor 0, 1 or 2 would be given to the next file that is opened: the store must never be what we print
/// into.
void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

}  // namespace

int command_line(std::vector<std::string> arguments) {
  occupy_standard_descriptors();
  int code = kUnexpected;
  try {
    const auto place = place_of_verb(arguments);
    if (!place) {
      code = without_verb(arguments);
    } else {
      const std::string word = arguments[*place];
      arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(*place));
      if (word == "help") {
        const auto* about = arguments.empty() ? nullptr : find_verb(arguments[0]);
        std::fputs(about ? help_text(*about).c_str() : help_text().c_str(), stdout);
        code = kOk;
      } else {
        const auto* verb = find_verb(word);
        code = verb ? serve(*verb, std::move(arguments)) : unknown_verb(word);
      }
    }
  } catch (const std::exception& problem) {
    print_error({Error::Code::io, std::string("unexpected: ") + printable(problem.what()), {}}, false);
    return kUnexpected;
  }
  // Results that did not arrive are no success, whoever closed the pipe.
  if (std::fflush(stdout) != 0 && errno != EPIPE) {
    const std::string why = std::strerror(errno);
    print_error({Error::Code::io, "cannot write the results: " + why, {}}, false);
    if (code == kOk) code = kUnexpected;
  }
  return code;
}

}  // namespace tune
