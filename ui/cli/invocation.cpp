// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/invocation.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "tuner/nearest.hpp"

namespace tune {
namespace {

namespace po = boost::program_options;

void add(po::options_description& all, std::span<const Flag> flags) {
  for (const auto& flag : flags) {
    std::string names{flag.name};
    if (flag.letter) names += std::string(",") + flag.letter;
    auto* value = po::value<std::vector<std::string>>()->composing();
    if (flag.value.empty()) {
      value->zero_tokens();
    } else if (flag.value.front() == '[') {
      value->implicit_value({std::string{}}, "");
    }
    all.add_options()(names.c_str(), value);
  }
}

std::vector<std::string_view> option_names(const Verb& verb) {
  std::vector<std::string_view> names;
  for (const auto& flag : verb.flags) names.push_back(flag.name);
  for (const auto& flag : global_flags()) names.push_back(flag.name);
  return names;
}

Error explain(const po::error& problem, const Verb& verb) {
  const std::string see = "tune " + std::string(verb.name) + " --help";
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&problem)) {
    const std::string name = unknown->get_option_name();
    const auto bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
    const auto near = nearest(bare, option_names(verb));
    return usage_error("`tune " + std::string(verb.name) + "` has no option `" + printable(name) + "`",
                       near.empty() ? see : "did you mean `--" + std::string(near) + "`?");
  }
  return usage_error(printable(problem.what()), see);
}

bool wants_colour(const std::string& choice, int fd) {
  if (choice == "always") return true;
  if (choice == "never") return false;
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value;
  };
  if (set("NO_COLOR")) return false;
  if (set("CLICOLOR_FORCE") && std::string_view(std::getenv("CLICOLOR_FORCE")) != "0") return true;
  const char* terminal = std::getenv("TERM");
  return isatty(fd) && terminal && std::string_view(terminal) != "dumb";
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (!isatty(fd)) return 0;
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

int exit_code(Error::Code code) {
  switch (code) {
    case Error::Code::invalid:
      return kUsage;
    case Error::Code::not_found:
      return kNotFound;
    case Error::Code::conflict:
      return kConflict;
    case Error::Code::unreachable:
    case Error::Code::io:
      return kUnreachable;
    case Error::Code::corrupt:
      return kUnexpected;
  }
  return kUnexpected;
}

Error usage_error(std::string message, std::string hint) {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

void print_error(const Error& error, bool colour) {
  std::string text = paint(Style::red, "error:", colour) + " " + printable_lines(error.message) + "\n";
  if (!error.hint.empty())
    text += "  " + paint(Style::cyan, "= help:", colour) + " " + printable_lines(error.hint) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

Result<Invocation> Invocation::parse(const Verb& verb, std::vector<std::string> arguments) {
  Invocation made;
  made.verb_ = &verb;
  made.line_ = "tune " + std::string(verb.name);
  for (const auto& argument : arguments) made.line_ += " " + shell_quoted(argument);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] != "--") continue;
    made.rest_.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
    arguments.resize(i);
  }
  if (!verb.takes_rest) made.words_ = std::move(made.rest_), made.rest_.clear();
  const auto after_dashes = std::move(made.words_);
  try {
    po::options_description all;
    add(all, verb.flags);
    add(all, global_flags());
    all.add_options()(" words", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add(" words", -1);
    using style = po::command_line_style::style_t;
    const auto parsed = po::command_line_parser(arguments)
                            .options(all)
                            .positional(positional)
                            .style(style::unix_style & ~style::allow_guessing)
                            .run();
    for (const auto& option : parsed.options) {
      auto& values = option.string_key == " words" ? made.words_ : made.given_[option.string_key];
      values.insert(values.end(), option.value.begin(), option.value.end());
    }
  } catch (const po::error& problem) {
    return explain(problem, verb);
  }
  made.words_.insert(made.words_.end(), after_dashes.begin(), after_dashes.end());

  const auto choice = made.get("color").value_or("auto");
  if (choice != "auto" && choice != "always" && choice != "never")
    return usage_error("`--color` is auto, always or never, not `" + printable(choice) + "`");
  made.colour_ = wants_colour(choice, STDOUT_FILENO);
  made.colour_on_stderr_ = wants_colour(choice, STDERR_FILENO);
  made.width_ = terminal_width(STDOUT_FILENO);
  const auto output = made.output();
  if (made.has("json"))
    made.format_ = Format::json_lines;
  else if (output == "json")
    made.format_ = Format::json;
  else if (output == "csv")
    made.format_ = Format::csv;
  return made;
}

std::optional<std::string> Invocation::get(std::string_view flag) const {
  const auto& values = all(flag);
  if (!values.empty()) return values.back();
  return has(flag) ? std::optional<std::string>{std::string{}} : std::nullopt;
}

const std::vector<std::string>& Invocation::all(std::string_view flag) const {
  static const std::vector<std::string> none;
  const auto found = given_.find(std::string(flag));
  return found == given_.end() ? none : found->second;
}

Result<std::optional<std::int64_t>> Invocation::whole(std::string_view flag, std::int64_t least) const {
  const auto text = get(flag);
  if (!text) return std::optional<std::int64_t>{};
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failed != std::errc{} || end != text->data() + text->size() || number < least)
    return usage_error("`--" + std::string(flag) + "` is a whole number of at least " + std::to_string(least) +
                       ", not `" + printable(*text) + "`");
  return std::optional<std::int64_t>{number};
}

std::string Invocation::store() const {
  if (const auto path = get("store")) return *path;
  const char* path = std::getenv("TUNE_STORE");
  return path && *path ? path : "tune.db";
}

std::string Invocation::store_hint() const {
  const auto given = get("store");
  return given ? " --store " + shell_quoted(*given) : std::string{};
}

void Invocation::print(std::string_view text) const { std::fwrite(text.data(), 1, text.size(), stdout); }

void Invocation::print_exact(std::string_view text) const {
  print(isatty(STDOUT_FILENO) ? printable_lines(text) : std::string(text));
}

void Invocation::print(const Listing& table) const {
  switch (format_) {
    case Format::table:
      return print(table.text(width_, colour_));
    case Format::json:
      return print_exact(table.json_array());
    case Format::json_lines:
      return print_exact(table.json_lines());
    case Format::csv:
      return print_exact(table.csv());
  }
}

void Invocation::tell(std::string_view line) const {
  if (quiet()) return;
  const std::string text = std::string(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void Invocation::complain(const std::string& text) const { std::fwrite(text.data(), 1, text.size(), stderr); }

int Invocation::fail(const Error& error) const {
  print_error(error, colour_on_stderr_);
  return exit_code(error.code);
}

bool Invocation::confirmed(const std::string& question) const {
  if (has("yes")) return true;
  if (has("no-input") || !isatty(STDIN_FILENO)) {
    tell(question + " Nobody is there to answer: say --yes.");
    return false;
  }
  std::fputs((question + " [y/N] ").c_str(), stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace tune
