// SPDX-License-Identifier: Apache-2.0
// Two more visitors of fact_fields.hpp. A fact is the fields that differ from a newly made one: which they are as the bits of
// a number, then the fields. Whole numbers take as many bytes as they need, seven bits each, small ones of either sign one.
#include "store/packed.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <type_traits>

#include "tuner/fact_fields.hpp"

namespace tune::detail {
namespace {

template <class T>
concept Enumeration = std::is_enum_v<T>;

/// The member that a field names, also where it holds JSON text: here that is text like any other.
auto& member_of(auto& fact, auto field) {
  if constexpr (requires { field.member; })
    return fact.*field.member;
  else
    return fact.*field;
}

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}

  void value(bool b) { out_ += static_cast<char>(b); }
  void value(std::signed_integral auto n) {
    const auto wide = static_cast<std::int64_t>(n);
    number(static_cast<std::uint64_t>(wide) << 1 ^ static_cast<std::uint64_t>(wide >> 63));
  }
  void value(double x) { out_.append(reinterpret_cast<const char*>(&x), sizeof x); }
  void value(const std::string& text) { number(text.size()), out_ += text; }
  void value(TrialId id) { value(id.value); }
  void value(WorkerId id) { value(id.value); }
  void value(Time time) { value(time.seconds); }
  void value(Enumeration auto word) { out_ += static_cast<char>(word); }
  template <class T>
  void value(const std::optional<T>& some) {
    value(*some);  // An absent one is a field that is not told.
  }
  template <class T>
  void value(const std::vector<T>& list) {
    number(list.size());
    for (const auto& item : list) value(item);
  }
  template <class... T>
  void value(const std::variant<T...>& one) {
    number(one.index());
    std::visit([this](const auto& v) { this->value(v); }, one);
  }
  void value(const std::map<std::string, double>& named) {
    number(named.size());
    for (const auto& [name, x] : named) value(name), value(x);
  }
  void value(const Metrics& metrics) {
    number(metrics.size());
    for (std::size_t i = 0; i < metrics.size(); ++i) value((*metrics.names)[i]), value(metrics.values[i]);
  }
  void value(const Params& params) {
    number(params.size());
    for (const auto& [name, one] : params) value(name), value(one);
  }
  void value(const Decided& decided) { value(decided.what), value(decided.reason); }
  template <Described F>
  void value(const F& fact) {
    [[maybe_unused]] static const F blank{};  // A fact may have no fields.
    std::uint64_t told = 0, bit = 1;
    fields(Of<F>{}, [&](std::string_view, auto field) {
      if (!(member_of(fact, field) == member_of(blank, field))) told |= bit;
      bit <<= 1;
    });
    number(told);
    fields(Of<F>{}, [&](std::string_view, auto field) {
      if (told & 1) value(member_of(fact, field));
      told >>= 1;
    });
  }

 private:
  void number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) out_ += static_cast<char>(n | 0x80);
    out_ += static_cast<char>(n);
  }

  std::string& out_;
};

/// The same, the other way round.
class Unpacker {
 public:
  explicit Unpacker(std::string_view& in) : in_(in) {}

  void value(bool& b) { b = bytes(1).front() != 0; }
  template <std::signed_integral T>
  void value(T& n) {
    const std::uint64_t folded = number();
    n = static_cast<T>(static_cast<std::int64_t>(folded >> 1) ^ -static_cast<std::int64_t>(folded & 1));
  }
  void value(double& x) { std::memcpy(&x, bytes(sizeof x).data(), sizeof x); }
  void value(std::string& text) { text = bytes(number()); }
  void value(TrialId& id) { value(id.value); }
  void value(WorkerId& id) { value(id.value); }
  void value(Time& time) { value(time.seconds); }
  template <Enumeration E>
  void value(E& word) {
    word = static_cast<E>(bytes(1).front());
  }
  template <class T>
  void value(std::optional<T>& some) {
    value(some.emplace());
  }
  template <class T>
  void value(std::vector<T>& list) {
    list.resize(number());
    for (auto& item : list) value(item);
  }
  template <class... T>
  void value(std::variant<T...>& one) {
    using Read = void (*)(Unpacker&, std::variant<T...>&);
    static constexpr Read kReads[] = {[](Unpacker& u, std::variant<T...>& v) { u.value(v.template emplace<T>()); }...};
    kReads[number()](*this, one);
  }
  void value(std::map<std::string, double>& named) {
    for (auto left = number(); left > 0; --left) {
      std::string name;
      value(name), value(named[name]);
    }
  }
  void value(Metrics& metrics) {
    std::vector<std::string> names(number());
    metrics.values.resize(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) value(names[i]), value(metrics.values[i]);
    metrics.names = std::make_shared<const std::vector<std::string>>(std::move(names));
  }
  void value(Params& params) {
    for (auto left = number(); left > 0; --left) {
      std::string name;
      Value one;
      value(name), value(one);
      params.set(std::move(name), std::move(one));
    }
  }
  void value(Decided& decided) { value(decided.what), value(decided.reason); }
  template <Described F>
  void value(F& fact) {
    std::uint64_t told = number();
    fields(Of<F>{}, [&](std::string_view, auto field) {
      if (told & 1) value(member_of(fact, field));
      told >>= 1;
    });
  }

 private:
  std::string_view bytes(std::size_t n) {
    const auto taken = in_.substr(0, n);
    in_.remove_prefix(n);
    return taken;
  }
  std::uint64_t number() {
    std::uint64_t n = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1).front());
      n |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return n;
    }
  }

  std::string_view& in_;
};

}  // namespace

void pack(const Record& r, std::string& out) {
  Packer packer(out);
  packer.value(r.seq), packer.value(r.epoch), packer.value(r.at), packer.value(r.fact);
}

Record unpack(std::string_view& packed) {
  Record r;
  Unpacker unpacker(packed);
  unpacker.value(r.seq), unpacker.value(r.epoch), unpacker.value(r.at), unpacker.value(r.fact);
  return r;
}

}  // namespace tune::detail
