// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/facts.hpp"

/// How arms remember: flat JSON objects in the notes of their proposals. Numbers come back as they were, bit for bit.
namespace tune::detail {

/// A note, read. Members that are neither a number, a list of numbers nor a text are passed over. Total on any text.
class NoteReader {
 public:
  explicit NoteReader(std::string_view note);
  std::optional<double> number(std::string_view key) const;
  const std::vector<double>* numbers(std::string_view key) const;
  std::optional<std::string_view> text(std::string_view key) const;

 private:
  struct Member {
    std::string key, text;
    std::vector<double> numbers;
    enum class Kind { number, numbers, text } kind = Kind::number;
  };
  const Member* find(std::string_view key, Member::Kind) const;
  std::vector<Member> members_;
};

/// Collects members for Suggestion::note.
class NoteWriter {
 public:
  NoteWriter& set(std::string_view key, double);
  NoteWriter& set(std::string_view key, const std::vector<double>&);
  NoteWriter& set(std::string_view key, std::string_view text);
  std::string take() { return std::move(members_); }

 private:
  void begin(std::string_view key);
  std::string members_;
};

/// The note of a sampler's proposal that this arm made and nobody moved; nullopt for every other record. A moved one
/// (after the arm spoke, for a repeat, a constraint or a tie) is nullopt too unless `moved_too`.
std::optional<NoteReader> own_note(const Record&, std::string_view arm, bool moved_too = false);

}  // namespace tune::detail
