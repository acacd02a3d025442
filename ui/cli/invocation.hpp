// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"
#include "ui/cli/listing.hpp"
#include "ui/cli/verbs.hpp"

namespace tune {

/// Exit codes, the same for every verb. docs/cli.md is the reference.
enum Exit : int {
  kOk = 0,
  kUnexpected = 1,
  kUsage = 2,
  kNoSuccess = 3,
  kNotFound = 4,
  kConflict = 5,
  kUnreachable = 6,
  kTargetMissed = 7,
  kTimedOut = 8,
  kInterrupted = 130,
  kTerminated = 143,
};
int exit_code(Error::Code);

/// One call of `tune`: its arguments, and where its answer goes. Results go to stdout in the form that was asked for;
/// everything else goes to stderr. One thread.
class Invocation {
 public:
  enum class Format { table, json, json_lines, csv };

  /// Error::invalid for an unknown option, a missing or superfluous value.
  static Result<Invocation> parse(const Verb&, std::vector<std::string> arguments);

  const Verb& verb() const { return *verb_; }
  bool has(std::string_view flag) const { return given_.contains(std::string(flag)); }
  /// The last one given. A value that was left out is empty.
  std::optional<std::string> get(std::string_view flag) const;
  const std::vector<std::string>& all(std::string_view flag) const;
  /// A whole number of at least `least`. Error::invalid names the flag.
  Result<std::optional<std::int64_t>> whole(std::string_view flag, std::int64_t least = 0) const;
  /// The whole line, quoted for a shell: what a hint tells people to type again.
  const std::string& line() const { return line_; }
  const std::vector<std::string>& words() const { return words_; }
  const std::vector<std::string>& rest() const { return rest_; }  ///< After `--`.

  // --- what global options say
  std::string store() const;  ///< --store, TUNE_STORE, ./tune.db
  Format format() const { return format_; }
  /// " --store PATH" where a hint needs it, empty where the default is meant.
  std::string store_hint() const;
  std::string output() const { return get("output").value_or(""); }  ///< `-o` as given.
  bool quiet() const { return has("quiet"); }
  bool verbose() const { return has("verbose"); }
  bool colour() const { return colour_; }  ///< Of stdout.
  bool colour_on_stderr() const { return colour_on_stderr_; }
  std::size_t width() const { return width_; }  ///< Of stdout if it is a terminal, else 0: do not cut.

  // --- answers
  void print(std::string_view text) const;  ///< To stdout as it is.
  /// For programs: to a pipe or file as it is; on a terminal with everything made visible that could steer it.
  void print_exact(std::string_view text) const;
  void print(const Listing&) const;              ///< In the format that was asked for.
  void tell(std::string_view line) const;        ///< A line to stderr, unless --quiet.
  void complain(const std::string& text) const;  ///< To stderr as it is, also with --quiet.
  int fail(const Error&) const;                  ///< Prints it; the exit code for it.
  /// Asks on the terminal; false if there is none, or --no-input. --yes answers for the person.
  bool confirmed(const std::string& question) const;

 private:
  const Verb* verb_ = nullptr;
  std::map<std::string, std::vector<std::string>> given_;
  std::vector<std::string> words_, rest_;
  std::string line_;
  Format format_ = Format::table;
  bool colour_ = false, colour_on_stderr_ = false;
  std::size_t width_ = 0;
};

/// "error: …" and its "= help:" line, to stderr.
void print_error(const Error&, bool colour);
Error usage_error(std::string message, std::string hint = {});

}  // namespace tune
