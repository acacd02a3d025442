// SPDX-License-Identifier: Apache-2.0
#include "search/note.hpp"

#include "tuner/json.hpp"

namespace tune::detail {

NoteReader::NoteReader(std::string_view note) {
  using Token = JsonReader::Token;
  JsonReader in{note};
  if (in.next() != Token::object) return;
  while (in.next() == Token::key) {
    Member m;
    m.key = in.text();
    switch (in.next()) {
      case Token::number:
        m.numbers = {in.number()};
        break;
      case Token::string:
        m.kind = Member::Kind::text;
        m.text = in.text();
        break;
      case Token::array: {
        m.kind = Member::Kind::numbers;
        auto t = in.next();
        for (; t == Token::number; t = in.next()) m.numbers.push_back(in.number());
        if (t != Token::array_end) return;
        break;
      }
      case Token::boolean:
      case Token::null:
        continue;
      default:
        return;
    }
    members_.push_back(std::move(m));
  }
}

const NoteReader::Member* NoteReader::find(std::string_view key, Member::Kind kind) const {
  for (const auto& m : members_)
    if (m.key == key && m.kind == kind) return &m;
  return nullptr;
}

std::optional<double> NoteReader::number(std::string_view key) const {
  const auto* m = find(key, Member::Kind::number);
  return m ? std::optional{m->numbers.front()} : std::nullopt;
}

const std::vector<double>* NoteReader::numbers(std::string_view key) const {
  const auto* m = find(key, Member::Kind::numbers);
  return m ? &m->numbers : nullptr;
}

std::optional<std::string_view> NoteReader::text(std::string_view key) const {
  const auto* m = find(key, Member::Kind::text);
  return m ? std::optional<std::string_view>{m->text} : std::nullopt;
}

void NoteWriter::begin(std::string_view key) {
  if (!members_.empty()) members_ += ',';
  members_ += '"';
  members_ += key;
  members_ += "\":";
}

NoteWriter& NoteWriter::set(std::string_view key, double number) {
  begin(key);
  JsonWriter{members_}.value(number);
  return *this;
}

NoteWriter& NoteWriter::set(std::string_view key, const std::vector<double>& numbers) {
  begin(key);
  JsonWriter out{members_};
  out.begin_array();
  for (const double x : numbers) out.value(x);
  out.end_array();
  return *this;
}

NoteWriter& NoteWriter::set(std::string_view key, std::string_view text) {
  begin(key);
  JsonWriter{members_}.value(text);
  return *this;
}

std::optional<NoteReader> own_note(const Record& r, std::string_view arm, bool moved_too) {
  const auto* p = r.as<Propose>();
  if (!p || p->source != "sampler") return std::nullopt;
  NoteReader note{r.decided()->reason.note};
  if (note.text("arm") != arm || (!moved_too && note.text("moved"))) return std::nullopt;
  return note;
}

}  // namespace tune::detail
