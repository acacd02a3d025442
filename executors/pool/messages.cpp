// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/messages.hpp"

#include <array>
#include <charconv>

#include "tuner/facts_json.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

using Token = JsonReader::Token;

/// Same order as the alternatives of Message.
constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames = {
    "hello", "beat", "happened", "leaving", "reserved", "gone", "welcome", "beat_answer", "opening", "reserve", "order",
    "acknowledged", "fence", "end_ranks", "closing", "dismissal"};

// --- what each message is made of: the one list that writing and reading follow ------------------------------------------

template <class F>
void members(Hello& m, F&& f) { f("worker", m.worker), f("boot_id", m.boot_id), f("held", m.held); }
template <class F>
void members(Beat& m, F&& f) { f("sent", m.sent); }
template <class F>
void members(Happened& m, F&& f) { f("experiment", m.experiment), f("facts", m.facts); }
template <class F>
void members(Leaving& m, F&& f) { f("why", m.why); }
template <class F>
void members(Reserved& m, F&& f) {
  f("attempt", m.attempt), f("round", m.round), f("granted", m.granted), f("begun", m.begun);
  f("address", m.address), f("host", m.host), f("port", m.port);
}
template <class F>
void members(Gone& m, F&& f) { f("agent", m.agent), f("why", m.why); }
template <class F>
void members(Welcome& m, F&& f) { f("beat", m.beat), f("lease", m.lease), f("grace", m.grace); }
template <class F>
void members(BeatAnswer& m, F&& f) { f("sent", m.sent); }
template <class F>
void members(Opening& m, F&& f) {
  f("experiment", m.experiment), f("began", m.began.seconds), f("config", m.config), f("folder", m.folder);
  f("checkpoints", m.checkpoints), f("mark", m.mark), f("supplies", m.supplies);
}
template <class F>
void members(Reserve& m, F&& f) { f("experiment", m.experiment), f("round", m.round), f("fact", m.fact); }
template <class F>
void members(Order& m, F&& f) {
  f("experiment", m.experiment), f("fact", m.fact), f("seed", m.seed), f("done", m.done), f("ranks", m.ranks);
}
template <class F>
void members(Acknowledged& m, F&& f) { f("experiment", m.experiment), f("seq", m.seq); }
template <class F>
void members(Fence& m, F&& f) { f("attempt", m.attempt), f("why", m.why); }
template <class F>
void members(EndRanks& m, F&& f) { f("attempt", m.attempt), f("why", m.why); }
template <class F>
void members(Closing& m, F&& f) { f("experiment", m.experiment), f("kill", m.kill), f("forget", m.forget); }
template <class F>
void members(Dismissal& m, F&& f) { f("stop", m.stop), f("why", m.why); }
template <class F>
void members(SupplyName& m, F&& f) { f("name", m.name), f("hash", m.hash), f("bytes", m.bytes); }
template <class F>
void members(AttemptName& m, F&& f) { f("experiment", m.experiment), f("trial", m.trial.value), f("attempt", m.attempt); }

template <class F>
void members(RanksPlan& m, F&& f) {
  f("first", m.first), f("count", m.count), f("world", m.world), f("node", m.node), f("nodes", m.nodes);
  f("address", m.address), f("port", m.port), f("hosts", m.hosts);
}
template <class F>
void members(RanksPlan::Host& m, F&& f) { f("name", m.name), f("ranks", m.ranks); }

template <class T>
concept HasMembers = std::is_same_v<T, AttemptName> || std::is_same_v<T, SupplyName> || std::is_same_v<T, RanksPlan> || std::is_same_v<T, RanksPlan::Host>;

Record record_of(const WorkerJoined& worker) { return {0, {}, 0, Observation{worker}}; }

// --- writing -----------------------------------------------------------------------------------------------------------

class Writing {
 public:
  explicit Writing(std::string& out) : json_(out) {}
  void operator()(const char* name, auto& value) { json_.key(name), put(value); }
  template <class T>
  void operator()(const char* name, std::optional<T>& value) {
    if (value) json_.key(name), put(*value);
  }

 private:
  template <class T>
  void put(const T& value)
    requires requires(JsonWriter& json) { json.value(value); }
  {
    json_.value(value);
  }
  void put(std::uint64_t seed) { json_.value(std::to_string(seed)); }  // Above 2^53 other readers would round a number.
  void put(const Record& fact) { json_.raw(to_json_line(fact)); }
  void put(const WorkerJoined& worker) { put(record_of(worker)); }
  void put(HasMembers auto& value) {
    json_.begin_object();
    members(value, *this);
    json_.end_object();
  }
  template <class T>
  void put(std::vector<T>& list) {
    json_.begin_array();
    for (auto& one : list) put(one);
    json_.end_array();
  }
  JsonWriter json_;
};

// --- reading -----------------------------------------------------------------------------------------------------------

/// Reads the members of one object, in any order.
class Reading {
 public:
  explicit Reading(std::string_view text) : text_(text), json_(text, {.bare_nan = false, .depth = 48}) {}

  /// The value of the first key, which must be "t".
  std::optional<std::string> kind() {
    if (json_.next() != Token::object || json_.next() != Token::key || json_.text() != "t" || json_.next() != Token::string)
      return std::nullopt;
    return std::string{json_.text()};
  }
  template <class M>
  void rest(M& message) {
    Token token;
    while (!wrong_ && (token = json_.next()) == Token::key) member(message);
    wrong_ = wrong_ || token != Token::object_end;
  }
  bool whole() { return !wrong_ && json_.next() == Token::end && !json_.failed(); }
  const std::string& why() const { return why_; }

 private:
  template <class M>
  void member(M& message) {
    const std::string key{json_.text()};
    bool known = false;
    members(message, [&](std::string_view name, auto& value) {
      if (known || name != key) return;
      known = true;
      if (!get(value) && !wrong_) wrong_ = true, why_ = "`" + key + "` is not what it should be";
    });
    if (!known) json_.skip();
  }
  bool get(std::string& out) {
    if (json_.next() != Token::string) return false;
    out = json_.text();
    return true;
  }
  bool get(double& out) {
    if (json_.next() != Token::number) return false;
    out = json_.number();
    return true;
  }
  bool get(bool& out) {
    if (json_.next() != Token::boolean) return false;
    out = json_.boolean();
    return true;
  }
  bool get(std::int64_t& out) {
    if (json_.next() != Token::number || !json_.integer()) return false;
    out = *json_.integer();
    return true;
  }
  bool get(int& out) {
    std::int64_t wide = 0;
    if (!get(wide) || wide < 0 || wide > INT32_MAX) return false;
    out = static_cast<int>(wide);
    return true;
  }
  bool get(std::uint64_t& out) {
    if (json_.next() != Token::string) return false;
    const auto text = json_.text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc{} && end == text.data() + text.size();
  }
  bool get(Record& out) {
    if (json_.next() != Token::object) return false;
    const auto begin = json_.begin();
    for (Token token; (token = json_.next()) == Token::key;) json_.skip();
    if (json_.failed()) return false;
    auto read = record_from_json_line(text_.substr(begin, json_.end() - begin));
    if (!read) return why_ = read.error().message, wrong_ = true, false;
    out = std::move(*read);
    return true;
  }
  bool get(WorkerJoined& out) {
    Record record;
    if (!get(record)) return false;
    const auto* joined = record.as<WorkerJoined>();
    if (joined) out = *joined;
    return joined;
  }
  bool get(HasMembers auto& out) {
    if (json_.next() != Token::object) return false;
    return rest(out), !wrong_;
  }
  template <class T>
  bool get(std::optional<T>& out) {
    return get(out.emplace());
  }
  template <class T>
  bool get(std::vector<T>& out) {
    if (json_.next() != Token::array) return false;
    // The reader has no way to look ahead: what closes the list is what a value cannot begin with.
    for (;;) {
      T one;
      const auto closing = text_.find_first_not_of(" \t\r\n,", json_.end());
      if (closing != std::string_view::npos && text_[closing] == ']') return json_.next() == Token::array_end;
      if (!get(one)) return false;
      out.push_back(std::move(one));
    }
  }

  std::string_view text_;
  JsonReader json_;
  bool wrong_ = false;
  std::string why_;
};

Error no_message(const std::string& why) {
  return {Error::Code::corrupt, "this is no message of " + std::string{kAgentProtocol} + (why.empty() ? "" : ": " + why), {}};
}

template <std::size_t kind = 0>
Result<Message> read_as(std::size_t wanted, Reading& reading) {
  if constexpr (kind < kNames.size()) {
    if (kind != wanted) return read_as<kind + 1>(wanted, reading);
    std::variant_alternative_t<kind, Message> message;
    reading.rest(message);
    if (!reading.whole()) return no_message(reading.why());
    return Message{std::move(message)};
  }
  return no_message("");
}

}  // namespace

std::string write_message(const Message& message) {
  std::string out = R"({"t":")" + std::string{kNames[message.index()]} + '"';
  std::visit(
      [&]<class M>(M copy) {  // members() serves reading as well, so it wants something to write to.
        std::string body;
        Writing writing(body);
        members(copy, writing);
        if (!body.empty()) out += ',' + body;
      },
      message);
  return out + '}';
}

Result<Message> read_message(std::string_view text) {
  Reading reading(text);
  const auto kind = reading.kind();
  if (!kind) return no_message("it does not begin with {\"t\":\"…\"");
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == *kind) return read_as(i, reading);
  return no_message("there is no `" + printable(*kind) + "`");
}

}  // namespace tune
