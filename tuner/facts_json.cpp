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

#include "tuner/json.hpp"
#include "tuner/utf8.hpp"

// Each struct tells its fields once, to a visitor; the writer and the reader below are two visitors. So the two
// directions cannot disagree, and a new field is one line here.
namespace tune {
namespace {

/// A string that holds JSON text: written as JSON where it can be, so that SQL reaches into it.
template <class F>
struct JsonText {
  std::string F::*member;
};
template <class F>
JsonText<F> json(std::string F::*member) {
  return {member};
}

template <class F>
struct Of {};

void fields(Of<Configured>, auto&& v) {
  using F = Configured;
  v("config", json(&F::config)), v("space_hash", &F::space_hash), v("changes", &F::changes), v("by", &F::by);
}
void fields(Of<Opened>, auto&& v) {
  using F = Opened;
  v("version", &F::version), v("machine", &F::machine), v("host", &F::host), v("boot_id", &F::boot_id);
  v("pid", &F::pid), v("reason", &F::reason);
}
void fields(Of<Imported::Trial>, auto&& v) {
  using F = Imported::Trial;
  v("params", &F::params), v("state", &F::state), v("values", &F::values);
}
void fields(Of<Imported>, auto&& v) {
  using F = Imported;
  v("source", &F::source), v("matched", &F::matched), v("unmatched", &F::unmatched), v("trials", &F::trials);
}
void fields(Of<Requested>, auto&& v) {
  using F = Requested;
  v("id", &F::id), v("by", &F::by), v("via", &F::via), v("verb", &F::verb), v("trial", &F::trial);
  v("worker", &F::worker), v("params", &F::params), v("args", json(&F::args));
}
void fields(Of<Annotated>, auto&& v) {
  using F = Annotated;
  v("trial", &F::trial), v("tags_added", &F::tags_added), v("tags_dropped", &F::tags_dropped), v("note", &F::note);
  v("star", &F::star), v("by", &F::by);
}
void fields(Of<Device>, auto&& v) {
  using F = Device;
  v("index", &F::index), v("uuid", &F::uuid);
}
void fields(Of<Offer>, auto&& v) {
  using F = Offer;
  v("cpus", &F::cpus), v("memory_bytes", &F::memory_bytes), v("devices", &F::devices), v("custom", &F::custom);
}
void fields(Of<WorkerJoined>, auto&& v) {
  using F = WorkerJoined;
  v("worker", &F::worker), v("agent", &F::agent), v("name", &F::name), v("group", &F::group);
  v("allocation", &F::allocation), v("version", &F::version), v("offers", &F::offers), v("labels", &F::labels);
  v("deadline", &F::deadline);
}
void fields(Of<WorkerChanged>, auto&& v) {
  using F = WorkerChanged;
  v("worker", &F::worker), v("state", &F::state), v("offers", &F::offers), v("deadline", &F::deadline),
      v("why", &F::why);
}
void fields(Of<WorkerLost>, auto&& v) {
  using F = WorkerLost;
  v("worker", &F::worker), v("why", &F::why), v("proof", &F::proof);
}
void fields(Of<AllocationChanged>, auto&& v) {
  using F = AllocationChanged;
  v("allocation", &F::allocation), v("engine_id", &F::engine_id), v("state", &F::state), v("reason", &F::reason);
  v("nodes", &F::nodes), v("ends_at", &F::ends_at);
}
void fields(Of<Started>, auto&& v) {
  using F = Started;
  v("trial", &F::trial), v("attempt", &F::attempt), v("rank", &F::rank), v("worker", &F::worker), v("pid", &F::pid);
}
void fields(Of<Announced>, auto&& v) {
  using F = Announced;
  v("trial", &F::trial), v("attempt", &F::attempt), v("event", &F::event), v("caps", &F::caps), v("text", &F::text);
}
void fields(Of<Reported>, auto&& v) {
  using F = Reported;
  // The key is `n` and not `seq`: on a journal line `seq` is the record's.
  v("trial", &F::trial), v("attempt", &F::attempt), v("n", &F::seq), v("step", &F::step), v("metrics", &F::metrics);
  v("constraints", &F::constraints), v("cost", &F::cost), v("final", &F::final);
}
void fields(Of<Checkpointed>, auto&& v) {
  using F = Checkpointed;
  v("trial", &F::trial), v("attempt", &F::attempt), v("step", &F::step), v("checkpoint", &F::checkpoint);
  v("bytes", &F::bytes), v("seconds", &F::seconds), v("where", &F::where);
}
void fields(Of<CheckpointLost>, auto&& v) {
  using F = CheckpointLost;
  v("checkpoint", &F::checkpoint), v("why", &F::why);
}
void fields(Of<Updated>, auto&& v) {
  using F = Updated;
  v("trial", &F::trial), v("attempt", &F::attempt), v("step", &F::step);
}
void fields(Of<Usage>, auto&& v) {
  using F = Usage;
  v("seconds", &F::seconds), v("cpu_seconds", &F::cpu_seconds), v("peak_memory_bytes", &F::peak_memory_bytes);
}
void fields(Of<Exited>, auto&& v) {
  using F = Exited;
  v("trial", &F::trial), v("attempt", &F::attempt), v("cause", &F::cause), v("exit_code", &F::exit_code);
  v("signal", &F::signal), v("first_rank", &F::first_rank), v("usage", &F::usage), v("last_seq", &F::last_seq);
  v("text", &F::text);
}
void fields(Of<Fenced>, auto&& v) {
  using F = Fenced;
  v("trial", &F::trial), v("attempt", &F::attempt), v("worker", &F::worker), v("what", &F::what), v("count", &F::count);
}
void fields(Of<Collected>, auto&& v) {
  using F = Collected;
  v("checkpoints", &F::checkpoints), v("bytes", &F::bytes);
}
void fields(Of<Warned>, auto&& v) {
  using F = Warned;
  v("code", &F::code), v("subject", &F::subject), v("text", &F::text);
}
void fields(Of<TimePassed>, auto&&) {}

void fields(Of<Rung>, auto&& v) {
  using F = Rung;
  v("bracket", &F::bracket), v("rung", &F::rung), v("step", &F::step), v("value", &F::value), v("rank", &F::rank);
  v("of", &F::of), v("cut", &F::cut);
}
void fields(Of<Seat>, auto&& v) {
  using F = Seat;
  v("worker", &F::worker), v("cpus", &F::cpus), v("memory_bytes", &F::memory_bytes), v("devices", &F::devices);
  v("device_share", &F::device_share), v("custom", &F::custom);
}
void fields(Of<Resources>, auto&& v) {
  using F = Resources;
  v("cpus", &F::cpus), v("gpus", &F::gpus), v("memory_bytes", &F::memory_bytes), v("custom", &F::custom);
}
void fields(Of<Propose>, auto&& v) {
  using F = Propose;
  v("trial", &F::trial), v("params", &F::params), v("source", &F::source), v("sampler", &F::sampler);
  v("as_of", &F::as_of), v("seconds", &F::seconds), v("parent", &F::parent), v("replicate_of", &F::replicate_of);
  v("priority", &F::priority), v("until_step", &F::until_step), v("chance", &F::chance);
}
void fields(Of<Launch>, auto&& v) {
  using F = Launch;
  v("trial", &F::trial), v("attempt", &F::attempt), v("form", &F::form), v("ranks", &F::ranks);
  v("until_step", &F::until_step), v("from", &F::from), v("params", &F::params), v("rung", &F::rung);
  v("speculative", &F::speculative);
}
void fields(Of<Extend>, auto&& v) {
  using F = Extend;
  v("trial", &F::trial), v("until_step", &F::until_step), v("rung", &F::rung);
}
void fields(Of<Pause>, auto&& v) {
  using F = Pause;
  v("trial", &F::trial), v("attempt", &F::attempt), v("rung", &F::rung);
}
void fields(Of<Stop>, auto&& v) {
  using F = Stop;
  v("trial", &F::trial), v("attempt", &F::attempt), v("as", &F::as), v("rung", &F::rung);
}
void fields(Of<Exploit>, auto&& v) {
  using F = Exploit;
  v("trial", &F::trial), v("donor", &F::donor), v("checkpoint", &F::checkpoint), v("step", &F::step);
  v("params", &F::params), v("in_place", &F::in_place), v("attempt", &F::attempt), v("until_step", &F::until_step);
}
void fields(Of<Update>, auto&& v) {
  using F = Update;
  v("trial", &F::trial), v("attempt", &F::attempt), v("params", &F::params), v("checkpoint", &F::checkpoint);
}
void fields(Of<Resize>, auto&& v) {
  using F = Resize;
  v("trial", &F::trial), v("resources", &F::resources);
}
void fields(Of<Retry>, auto&& v) {
  using F = Retry;
  v("trial", &F::trial), v("attempt", &F::attempt), v("not_before", &F::not_before), v("resources", &F::resources);
  v("from", &F::from);
}
void fields(Of<Settle>, auto&& v) {
  using F = Settle;
  v("trial", &F::trial), v("state", &F::state), v("cause", &F::cause), v("values", &F::values);
  v("feasible", &F::feasible), v("at_step", &F::at_step);
}
void fields(Of<Allocate>, auto&& v) {
  using F = Allocate;
  v("allocation", &F::allocation), v("key", &F::key), v("engine", &F::engine), v("spec", json(&F::spec));
}
void fields(Of<Release>, auto&& v) {
  using F = Release;
  v("allocation", &F::allocation), v("worker", &F::worker), v("how", &F::how);
}
void fields(Of<Collect>, auto&& v) {
  using F = Collect;
  v("checkpoints", &F::checkpoints);
}
void fields(Of<Finish>, auto&& v) {
  using F = Finish;
  v("exit_code", &F::exit_code), v("live_as", &F::live_as);
}
void fields(Of<Reason>, auto&& v) {
  using F = Reason;
  v("because", &F::because), v("by", &F::by), v("why", &F::why), v("note", json(&F::note));
}

template <class T>
concept Described = requires {
  fields(Of<T>{}, [](auto&&...) {});
};
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
