// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/config.hpp"
#include "tuner/json_document.hpp"

/// The parts that read_config() is made of. Nobody else includes this.
namespace tune::detail {

/// Collects what is wrong, by place. Places become lines and columns only for those that are shown.
class Findings {
 public:
  /// Returns the source's number for spans.
  std::size_t add_source(std::string name, std::string text);
  /// E… is an error, W… a warning.
  void add(std::string_view code, Span, std::string message, std::string hint = "");
  bool has_errors() const;
  void finish(ConfigResult&) const;
  std::string_view text(std::size_t source) const { return sources_[source].text; }

 private:
  struct Source {
    std::string name, text;
  };
  struct Finding {
    std::string code, message, hint;
    Span span;
    bool is_error() const { return code[0] == 'E'; }
  };
  std::deque<Source> sources_;
  std::vector<Finding> all_;
};

/// Text of a user within a message: in backquotes, escaped, cut at 60 characters.
std::string shown(std::string_view text);
/// "a number", "an object": what the node is.
std::string_view kind_of(const JsonNode&);

struct Range {
  double min = -std::numeric_limits<double>::infinity(), max = std::numeric_limits<double>::infinity();
  bool above_min = false, below_max = false;  ///< The end itself is excluded.
  bool contains(double x) const { return (above_min ? x > min : x >= min) && (below_max ? x < max : x <= max); }
  std::string text() const;  ///< "at least 1", "above 0 and at most 0.5"
};
inline constexpr Range kPositive{0, std::numeric_limits<double>::infinity(), true, false};
inline constexpr Range kFromOne{1};
inline constexpr Range kFromZero{0};

/// One object of the config while it is read. Its known keys are those of config_fields() under `path`; the constructor
/// reports the unknown and the not yet served. Getters report a wrong type or range and answer nullopt, as they do for
/// an absent key. An absent section is empty.
class Section {
 public:
  /// `more`: keys besides those of the table (options of a policy, for example).
  Section(Findings&, const JsonNode*, Span where, std::string path, const std::vector<std::string_view>& more = {});

  bool present() const { return node_ != nullptr; }
  Span where() const { return where_; }
  const JsonNode* node() const { return node_; }
  Findings& findings() { return findings_; }

  /// nullptr if absent or refused as not served.
  const JsonMember* member(std::string_view key) const;
  Section section(std::string_view key, std::string path = "", const std::vector<std::string_view>& more = {});
  const JsonMember* require(std::string_view key);  ///< Reports E005 if it is absent.

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<double> number(std::string_view key, Range = {});
  std::optional<std::int64_t> integer(std::string_view key, Range = {});
  std::optional<Duration> duration(std::string_view key);
  std::optional<std::int64_t> bytes(std::string_view key);
  std::optional<std::vector<std::string>> texts(std::string_view key);
  template <class E>
  std::optional<E> word(std::string_view key, std::initializer_list<std::pair<std::string_view, E>> words,
                        std::initializer_list<std::string_view> later = {}) {
    std::vector<std::string_view> names;
    for (const auto& [name, value] : words) names.push_back(name);
    const auto index = word_index(key, names, later);
    return index ? std::optional<E>{(words.begin() + *index)->second} : std::nullopt;
  }
  void wrong_type(const JsonMember&, std::string_view wanted);

 private:
  std::optional<std::size_t> word_index(std::string_view key, const std::vector<std::string_view>& words,
                                        std::initializer_list<std::string_view> later);
  Findings& findings_;
  const JsonNode* node_;
  Span where_;
  std::string path_;
};

/// The number of a node, checked for type, finiteness and range. Shared by sections and lists.
std::optional<double> number_of(Findings&, const JsonNode&, Span, std::string_view name, Range);
std::optional<std::int64_t> integer_of(Findings&, const JsonNode&, Span, std::string_view name, Range);
/// A boolean, number or text; reports anything else.
std::optional<Value> value_of(Findings&, const JsonNode&, std::string_view name);

/// Where things stood, for the checks that need several parts of the config.
struct Places {
  std::map<std::string, Span, std::less<>> params;  ///< A parameter's key and value.
  std::vector<Span> command;                        ///< By element.
  std::map<std::string, Span, std::less<>> keys;    ///< "scheduler", "stop.time", "search.type": those given.
  std::vector<Span> constraints;
  Span top;
  Span at(std::string_view key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? top : found->second;
  }
};

/// config_overrides.cpp: puts `--set` values into the tree.
void apply_sets(Findings&, JsonNode& root, const std::vector<std::string>& sets);
/// config_params.cpp: the parameters that are sound by themselves; the others are reported.
std::vector<Dimension> read_params(Findings&, const JsonNode& params, Places&);
/// config_conditions.cpp: False where no space can be made with what `when` says.
bool check_conditions(Findings&, const std::vector<Dimension>&, const JsonNode& params, const Places&);
/// config_space.cpp: params, constraints, points, warm_start. False where the space could not be made.
bool read_space(Findings&, Section& top, Spec&, Places&);
/// config_reader.cpp: what a section like `resources` gives, over what `out` has.
void read_resources(Section, Resources& out);
/// config_reader.cpp: a path of the config, which starts from its folder.
std::string below(std::string_view folder, std::string_view path);
/// config_supplies.cpp: requires, inputs, code.
void read_supplies(Section& top, const std::string& folder, Spec&);
/// config_policies.cpp: search, scheduler, executor.
void read_policies(Section& top, const Catalogue&, Spec&, Places&);
/// What follows from a population or a schedule for the rest of the config. Once all of it is read.
void population_defaults(Spec&);
/// config_checks.cpp: what involves several keys. Only called when every part by itself is sound.
void check_whole(Findings&, const Spec&, const Places&, const Catalogue&);
/// config_effective.cpp
std::string effective_config(const Spec&, const JsonNode& root, const Catalogue&);

}  // namespace tune::detail
