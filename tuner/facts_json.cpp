// SPDX-License-Identifier: Apache-2.0
#include "tuner/facts_json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <limits>
#include <map>
#include <type_traits>
#include <utility>

#include "tuner/fact_fields.hpp"
#include "tuner/json.hpp"
#include "tuner/utf8.hpp"

namespace tune {
namespace {

using detail::Described;
using detail::JsonText;
using detail::Of;

template <class T>
concept Enumeration = std::is_enum_v<T>;

constexpr int kDepth = 32;

std::optional<Form> form(std::string_view text) {
  for (const auto f : {Form::fresh, Form::resume, Form::restart})
    if (to_text(f) == text) return f;
  return std::nullopt;
}

// --- writing --------------------------------------------------------------------------------------------------------

/// The text is an object or an array on one line, of well-formed UTF-8 and shallow enough to stand in a body as it is.
bool embeddable(std::string_view text) {
  if (text.empty() || (text[0] != '{' && text[0] != '[')) return false;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0 || text[i] == '\n' || text[i] == '\r') return false;
    i += length;
  }
  JsonReader reader(text, {.bare_nan = false, .depth = kDepth - 4});
  reader.skip();
  return reader.next() == JsonReader::Token::end && !reader.failed();
}

class Writer {
 public:
  explicit Writer(std::string& out) : json_(out) {}

  /// The fields that differ from a newly made F. Closed sets of words are always written: they say what happened.
  template <class F>
  void members(const F& fact) {
    static const F blank{};
    fields(Of<F>{}, [&]<class M>(std::string_view name, M member) {
      if constexpr (std::is_same_v<M, JsonText<F>>) {
        const std::string& text = fact.*member.member;
        if (text.empty()) return;
        json_.key(name);
        embeddable(text) ? json_.raw(text) : json_.value(text);
      } else if (Enumeration<std::remove_cvref_t<decltype(fact.*member)>> || !(fact.*member == blank.*member)) {
        json_.key(name);
        value(fact.*member);
      }
    });
  }

 private:
  template <std::integral T>
  void value(T number) {
    if constexpr (std::is_same_v<T, bool>)
      json_.value(number);
    else
      json_.value(static_cast<std::int64_t>(number));
  }
  void value(double number) { json_.value(number); }
  void value(const std::string& text) { json_.value(std::string_view{text}); }
  void value(TrialId id) { json_.value(id.value); }
  void value(WorkerId id) { json_.value(id.value); }
  void value(Time time) { json_.value(time.seconds); }
  void value(Enumeration auto word) { json_.value(to_text(word)); }
  template <class T>
  void value(const std::optional<T>& some) {
    value(*some);
  }
  template <class T>
  void value(const std::vector<T>& list) {
    json_.begin_array();
    for (const auto& item : list) value(item);
    json_.end_array();
  }
  void value(const std::map<std::string, double>& named) {
    json_.begin_object();
    for (const auto& [name, number] : named) json_.key(name), json_.value(number);
    json_.end_object();
  }
  void value(const Metrics& metrics) {
    json_.begin_object();
    for (std::size_t i = 0; i < metrics.size(); ++i) json_.key((*metrics.names)[i]), json_.value(metrics.values[i]);
    json_.end_object();
  }
  void value(const Params& params) {
    json_.begin_object();
    for (const auto& [name, one] : params) {
      json_.key(name);
      std::visit([this](const auto& v) { parameter(v); }, one);
    }
    json_.end_object();
  }
  void parameter(const auto& v) { value(v); }
  // A floating-point parameter stays one when it is read: 3.0, not 3. "nan" would be a word to choose, so NaN is an
  // object.
  void parameter(double number) {
    if (!std::isfinite(number)) {
      json_.begin_object().key("float").value(number).end_object();
      return;
    }
    char digits[40];
    char* end = std::to_chars(digits, digits + sizeof digits - 2, number).ptr;
    if (std::string_view{digits, end}.find_first_of(".e") == std::string_view::npos) *end++ = '.', *end++ = '0';
    json_.raw({digits, end});
  }
  template <Described F>
  void value(const F& part) {
    json_.begin_object();
    members(part);
    json_.end_object();
  }

  JsonWriter json_;
};

// --- reading --------------------------------------------------------------------------------------------------------

/// Pulls values of known types out of a body. The first thing that does not fit sets `wrong`; then everything answers
/// at once.
class Reader {
 public:
  using Token = JsonReader::Token;
  explicit Reader(std::string_view text) : text_(text), json_(text, {.bare_nan = false, .depth = kDepth}) {}

  /// Reads one object into each of `parts` that knows the key; skips keys that none knows.
  template <class... F>
  void object(Token token, F&... parts) {
    if (token != Token::object) return wrong("an object");
    while (good()) {
      token = json_.next();
      if (token != Token::key) return;
      // Names are compared where the key stands; an escaped key, which we never write, is still found.
      const std::string_view key = json_.text();
      bool known = false;
      (member(key, known, parts), ...);
      if (!known) json_.skip();
    }
  }
  void whole(auto&... parts) {
    object(json_.next(), parts...);
    if (good() && json_.next() != Token::end) wrong("nothing more");
  }
  bool good() const { return wrong_.empty() && !json_.failed(); }
  std::string problem() const {
    if (json_.failed()) return json_.error() + " at byte " + std::to_string(json_.error_at());
    return "expected " + wrong_ + " at byte " + std::to_string(wrong_at_);
  }

 private:
  template <class F>
  void member(std::string_view key, bool& known, F& part) {
    if (known) return;
    fields(Of<F>{}, [&]<class M>(std::string_view name, M member) {
      if (known || key != name) return;
      known = true;
      if constexpr (std::is_same_v<M, JsonText<F>>)
        json_text(part.*member.member);
      else
        value(json_.next(), part.*member);
    });
  }
  void wrong(const char* expected) {
    if (wrong_.empty()) wrong_ = expected, wrong_at_ = json_.begin();
  }

  void json_text(std::string& out) {
    const Token token = json_.next();
    if (token == Token::string) {
      out = json_.text();
      return;
    }
    if (token != Token::object && token != Token::array) return wrong("an object, an array or a string");
    const std::size_t begin = json_.begin();
    for (int depth = 1; depth > 0;) {
      const Token next = json_.next();
      if (next == Token::end) return;
      if (next == Token::object || next == Token::array) ++depth;
      if (next == Token::object_end || next == Token::array_end) --depth;
    }
    out = text_.substr(begin, json_.end() - begin);
  }
  void value(Token token, bool& out) {
    if (token != Token::boolean) return wrong("true or false");
    out = json_.boolean();
  }
  void value(Token token, std::int64_t& out) {
    if (token != Token::number || !json_.integer()) return wrong("a whole number");
    out = *json_.integer();
  }
  void value(Token token, int& out) {
    std::int64_t number = 0;
    value(token, number);
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max())
      return wrong("a smaller number");
    out = static_cast<int>(number);
  }
  void value(Token token, double& out) {
    if (token == Token::number)
      out = json_.number();
    else if (token != Token::string)
      wrong("a number");
    else if (json_.text() == "nan")
      out = std::numeric_limits<double>::quiet_NaN();
    else if (json_.text() == "inf")
      out = std::numeric_limits<double>::infinity();
    else if (json_.text() == "-inf")
      out = -std::numeric_limits<double>::infinity();
    else
      wrong("a number");
  }
  void value(Token token, std::string& out) {
    if (token != Token::string) return wrong("a string");
    out = json_.text();
  }
  void value(Token token, TrialId& out) { value(token, out.value); }
  void value(Token token, WorkerId& out) { value(token, out.value); }
  void value(Token token, Time& out) { value(token, out.seconds); }
  void value(Token token, TrialState& out) { word(token, out, trial_state); }
  void value(Token token, Cause& out) { word(token, out, cause); }
  void value(Token token, Form& out) { word(token, out, form); }
  template <class E>
  void word(Token token, E& out, std::optional<E> (*parse)(std::string_view)) {
    const auto known = token == Token::string ? parse(json_.text()) : std::nullopt;
    if (!known) return wrong("one of the known words");
    out = *known;
  }
  template <class T>
  void value(Token token, std::optional<T>& out) {
    value(token, out.emplace());
  }
  template <class T>
  void value(Token token, std::vector<T>& out) {
    if (token != Token::array) return wrong("an array");
    out.clear();
    for (token = json_.next(); good() && token != Token::array_end; token = json_.next())
      value(token, out.emplace_back());
  }
  /// Calls `one(name)` at each value of an object.
  void named(Token token, auto&& one) {
    if (token != Token::object) return wrong("an object");
    while (good() && json_.next() == Token::key) one(std::string{json_.text()});
  }
  void value(Token token, std::map<std::string, double>& out) {
    out.clear();
    named(token, [&](std::string name) { value(json_.next(), out[std::move(name)]); });
  }
  void value(Token token, Metrics& out) {
    std::vector<std::string> names;
    out.values.clear();
    named(token, [&](std::string name) {
      names.push_back(std::move(name));
      value(json_.next(), out.values.emplace_back());
    });
    out.names = std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  void value(Token token, Params& out) {
    out = {};
    named(token, [&](std::string name) {
      Value one;
      parameter(json_.next(), one);
      out.set(std::move(name), std::move(one));
    });
  }
  void parameter(Token token, Value& out) {
    if (token == Token::string)
      out = std::string{json_.text()};
    else if (token == Token::boolean)
      out = json_.boolean();
    else if (token == Token::number && json_.integer())
      out = *json_.integer();
    else if (token == Token::number)
      out = json_.number();
    else if (token == Token::object) {
      double number = 0;
      while (good() && json_.next() == Token::key) value(json_.next(), number);
      out = number;
    } else
      wrong("a parameter's value");
  }
  template <Described F>
  void value(Token token, F& out) {
    object(token, out);
  }

  std::string_view text_;
  JsonReader json_;
  std::string wrong_;
  std::size_t wrong_at_ = 0;
};

// --- kinds ----------------------------------------------------------------------------------------------------------

/// How to read the body of one kind.
struct Kind {
  std::string_view name;
  void (*read)(Reader&, Record&);
};

template <class F>
void read_observation(Reader& reader, Record& record) {
  reader.whole(std::get<F>(record.fact.emplace<Observation>(std::in_place_type<F>)));
}
template <class F>
void read_decision(Reader& reader, Record& record) {
  auto& decided = record.fact.emplace<Decided>(Decided{F{}, {}});
  reader.whole(std::get<F>(decided.what), decided.reason);
}

template <class... O, class... D>
auto all_kinds(std::variant<O...>*, std::variant<D...>*) {
  // The names come from kind(), which has them in the order of the variants.
  return std::array{Kind{kind(Record{0, {}, 0, Observation{O{}}}), read_observation<O>}...,
                    Kind{kind(Record{0, {}, 0, Decided{D{}, {}}}), read_decision<D>}...};
}

const Kind* find_kind(std::string_view name) {
  static const auto kinds = all_kinds(static_cast<Observation*>(nullptr), static_cast<Decision*>(nullptr));
  for (const auto& k : kinds)
    if (k.name == name) return &k;
  return nullptr;
}

Error corrupt(Seq seq, std::string_view kind, const std::string& problem) {
  return {Error::Code::corrupt, "record " + std::to_string(seq) + " (" + printable(kind) + ") is damaged: " + problem,
          ""};
}

void append_body(std::string& out, const Record& record) {
  Writer writer(out);
  if (const auto* o = record.observation()) {
    std::visit([&](const auto& fact) { writer.members(fact); }, *o);
  } else {
    std::visit([&](const auto& fact) { writer.members(fact); }, record.decided()->what);
    writer.members(record.decided()->reason);
  }
}

}  // namespace

std::string body_to_json(const Record& record) {
  std::string out = "{";
  append_body(out, record);
  out += '}';
  return out;
}

Result<Record> record_from_json(Seq seq, Time at, std::int64_t epoch, std::string_view kind, std::string_view body) {
  const Kind* known = find_kind(kind);
  if (!known) return corrupt(seq, kind, "no fact has this kind");
  Record record{seq, at, epoch, {}};
  Reader reader(body);
  known->read(reader, record);
  if (!reader.good()) return corrupt(seq, kind, reader.problem());
  return record;
}

std::string to_json_line(const Record& record) {
  std::string line;
  JsonWriter(line)
      .begin_object()
      .key("seq")
      .value(record.seq)
      .key("at")
      .value(record.at.seconds)
      .key("kind")
      .value(kind(record))
      .key("v")
      .value(1)
      .key("epoch")
      .value(record.epoch);
  const std::string body = body_to_json(record);
  if (body.size() > 2) line += ',';
  return line.append(body, 1);
}

namespace {
struct Line {
  Seq seq = 0;
  Time at;
  std::string kind;
  std::int64_t epoch = 0;
};
void fields(Of<Line>, auto&& v) {
  v("seq", &Line::seq), v("at", &Line::at), v("kind", &Line::kind), v("epoch", &Line::epoch);
}
}  // namespace

Result<Record> record_from_json_line(std::string_view line) {
  Line head;
  Reader reader(line);
  reader.whole(head);
  if (!reader.good()) return corrupt(head.seq, head.kind, reader.problem());
  return record_from_json(head.seq, head.at, head.epoch, head.kind, line);
}

}  // namespace tune
