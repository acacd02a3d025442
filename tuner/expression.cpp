// SPDX-License-Identifier: Apache-2.0
#include "tuner/expression.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <variant>

namespace tune {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxLength = 64 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '.'; }

// What the parser knows about a part: enough to refuse `1 + "a"` before the first trial.
enum class Kind : std::uint8_t { unknown, number, boolean, text };

}  // namespace

// Recursive descent that emits postfix code. One function per level of precedence.
struct Expression::Parser {
  std::string_view in;
  Expression out{};
  std::size_t at = 0, error_at = 0;
  std::string error{};
  int depth = 0;

  bool fail(std::string what, std::size_t where) {
    if (error.empty()) error = std::move(what), error_at = where;
    return false;
  }
  void emit(Op op, std::size_t operand = 0) { out.code_.push_back({op, static_cast<std::uint32_t>(operand)}); }

  void blank() {
    while (at < in.size() && (in[at] == ' ' || in[at] == '\t' || in[at] == '\n' || in[at] == '\r')) ++at;
  }
  bool symbol(std::string_view s) {
    blank();
    if (in.substr(at, s.size()) != s) return false;
    at += s.size();
    return true;
  }
  bool word(std::string_view w) {
    blank();
    if (in.substr(at, w.size()) != w || (at + w.size() < in.size() && is_name_part(in[at + w.size()]))) return false;
    at += w.size();
    return true;
  }
  bool want(Kind kind, Kind wanted, const char* of, std::size_t where) {
    if (kind == Kind::unknown || kind == wanted || (wanted == Kind::number && kind == Kind::boolean)) return true;
    return fail(std::string{of} +
                    (wanted == Kind::number ? " needs a number here" : " needs a yes or no here, such as a comparison"),
                where);
  }

  bool either(Kind& kind) { return chain(kind, "or", "||", Op::skip_if_true, &Parser::both); }
  bool both(Kind& kind) { return chain(kind, "and", "&&", Op::skip_if_false, &Parser::negation); }

  // a op b op c, where the left side may decide: the jump leaves its value on the stack.
  bool chain(Kind& kind, const char* name, const char* sign, Op skip, bool (Parser::*operand)(Kind&)) {
    std::size_t start = (blank(), at);
    if (!(this->*operand)(kind)) return false;
    while (word(name) || symbol(sign)) {
      if (!want(kind, Kind::boolean, name, start)) return false;
      const std::size_t jump = out.code_.size();
      emit(skip);
      start = (blank(), at);
      if (!(this->*operand)(kind) || !want(kind, Kind::boolean, name, start)) return false;
      emit(Op::truth);
      out.code_[jump].operand = static_cast<std::uint32_t>(out.code_.size());
      kind = Kind::boolean;
    }
    return true;
  }

  bool negation(Kind& kind) {
    const bool named = word("not");
    if (!named && !(peek() == '!' && in.substr(at, 2) != "!=" && symbol("!"))) return comparison(kind);
    const Nested nested{*this};
    const std::size_t start = (blank(), at);
    if (!nested.fine || !negation(kind) || !want(kind, Kind::boolean, "not", start)) return false;
    emit(Op::invert);
    kind = Kind::boolean;
    return true;
  }

  std::optional<Op> comparator() {
    static constexpr std::array<std::pair<std::string_view, Op>, 6> all{{{"<=", Op::less_equal},
                                                                         {">=", Op::greater_equal},
                                                                         {"==", Op::equal},
                                                                         {"!=", Op::unequal},
                                                                         {"<", Op::less},
                                                                         {">", Op::greater}}};
    for (const auto& [sign, op] : all)
      if (symbol(sign)) return op;
    return std::nullopt;
  }

  bool comparison(Kind& kind) {
    const std::size_t start = (blank(), at);
    if (!sum(kind)) return false;
    const auto op = comparator();
    if (!op) return peek() == '=' ? fail("write `==` to compare", at) : true;
    const std::size_t second = (blank(), at);
    Kind right{};
    if (!sum(right)) return false;
    if (*op != Op::equal && *op != Op::unequal) {
      if (!want(kind, Kind::number, "an order", start) || !want(right, Kind::number, "an order", second)) return false;
    }
    emit(*op);
    kind = Kind::boolean;
    const std::size_t third = (blank(), at);
    if (comparator()) return fail("comparisons do not chain; write `a < b and b < c`", third);
    return true;
  }

  bool sum(Kind& kind) { return left_to_right(kind, &Parser::product, {{'+', Op::add}, {'-', Op::subtract}}); }
  bool product(Kind& kind) {
    return left_to_right(kind, &Parser::signed_factor, {{'*', Op::multiply}, {'/', Op::divide}, {'%', Op::modulo}});
  }
  bool left_to_right(Kind& kind, bool (Parser::*operand)(Kind&), std::initializer_list<std::pair<char, Op>> signs) {
    std::size_t start = (blank(), at);
    if (!(this->*operand)(kind)) return false;
    for (;;) {
      const char c = peek();
      const auto* found = std::find_if(signs.begin(), signs.end(), [&](const auto& s) { return s.first == c; });
      if (found == signs.end()) return true;
      ++at;
      if (!want(kind, Kind::number, "arithmetic", start)) return false;
      start = (blank(), at);
      if (!(this->*operand)(kind) || !want(kind, Kind::number, "arithmetic", start)) return false;
      emit(found->second);
      kind = Kind::number;
    }
  }

  bool signed_factor(Kind& kind) {
    if (peek() != '-') return factor(kind);
    ++at;
    const Nested nested{*this};
    const std::size_t start = (blank(), at);
    if (!nested.fine || !signed_factor(kind) || !want(kind, Kind::number, "arithmetic", start)) return false;
    emit(Op::negate);
    kind = Kind::number;
    return true;
  }

  bool factor(Kind& kind) {
    const std::size_t start = (blank(), at);
    if (!primary(kind)) return false;
    if (peek() != '^') return true;
    ++at;
    const Nested nested{*this};
    const std::size_t second = (blank(), at);
    Kind right{};
    if (!want(kind, Kind::number, "arithmetic", start) || !nested.fine || !signed_factor(right) ||
        !want(right, Kind::number, "arithmetic", second))
      return false;
    emit(Op::power);
    kind = Kind::number;
    return true;
  }

  bool primary(Kind& kind) {
    const char c = peek();
    if (c == '(') return group(kind);
    if (c == '"' || c == '\'') return kind = Kind::text, string(c);
    if (is_digit(c) || c == '.') return kind = Kind::number, number();
    if (c == '`') return kind = Kind::unknown, quoted_name();
    if (is_name_start(c)) return named(kind);
    return fail(at >= in.size() ? "the expression ends too early" : "expected a number, a text, a parameter or `(`",
                at);
  }

  bool group(Kind& kind) {
    const Nested nested{*this};
    ++at;
    if (!nested.fine || !either(kind)) return false;
    return symbol(")") || fail("expected `)`", at);
  }

  bool string(char quote) {
    const std::size_t end = in.find(quote, at + 1);
    if (end == std::string_view::npos) return fail("this text has no end", at);
    emit(Op::text, out.texts_.size());
    out.texts_.emplace_back(in.substr(at + 1, end - at - 1));
    at = end + 1;
    return true;
  }

  bool number() {
    double value = 0;
    const auto [end, ec] = std::from_chars(in.data() + at, in.data() + in.size(), value);
    const auto length = static_cast<std::size_t>(end - (in.data() + at));
    if (ec != std::errc{}) return fail(length ? "this number does not fit" : "expected a number", at);
    if (at + length < in.size() && is_name_part(in[at + length]))
      return fail("expected an operator after the number", at + length);
    emit(Op::number, out.numbers_.size());
    out.numbers_.push_back(value);
    at += length;
    return true;
  }

  bool quoted_name() {
    const std::size_t end = in.find('`', at + 1);
    if (end == std::string_view::npos) return fail("this name has no end", at);
    if (end == at + 1) return fail("expected a parameter's name", at);
    parameter(in.substr(at + 1, end - at - 1));
    at = end + 1;
    return true;
  }

  bool named(Kind& kind) {
    const std::size_t start = at;
    while (at < in.size() && is_name_part(in[at])) ++at;
    const std::string_view name = in.substr(start, at - start);
    if (name == "true" || name == "false") return kind = Kind::boolean, emit(Op::boolean, name == "true"), true;
    if (name == "and" || name == "or" || name == "not")
      return fail("expected a number, a text, a parameter or `(` before `" + std::string{name} + "`", start);
    if (peek() == '(') return kind = Kind::number, call(name, start);
    kind = Kind::unknown;
    parameter(name);
    return true;
  }

  void parameter(std::string_view name) {
    const auto found = std::find(out.names_.begin(), out.names_.end(), name);
    emit(Op::name, static_cast<std::size_t>(found - out.names_.begin()));
    if (found == out.names_.end()) out.names_.emplace_back(name);
  }

  bool call(std::string_view name, std::size_t start) {
    static constexpr std::array<std::pair<std::string_view, Op>, 8> all{{{"min", Op::minimum},
                                                                         {"max", Op::maximum},
                                                                         {"abs", Op::absolute},
                                                                         {"floor", Op::floor},
                                                                         {"ceil", Op::ceil},
                                                                         {"sqrt", Op::root},
                                                                         {"log", Op::log},
                                                                         {"exp", Op::exp}}};
    const auto* found = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.first == name; });
    if (found == all.end())
      return fail("there is no function `" + std::string{name.substr(0, 40)} +
                      "`; there are min, max, abs, floor, ceil, sqrt, log and exp",
                  start);
    const Nested nested{*this};
    if (!nested.fine) return false;
    ++at;
    std::size_t count = 0;
    do {
      const std::size_t where = (blank(), at);
      Kind kind{};
      if (!either(kind) || !want(kind, Kind::number, "a function", where)) return false;
      ++count;
    } while (symbol(","));
    if (!symbol(")")) return fail("expected `,` or `)`", at);
    const bool many = found->second == Op::minimum || found->second == Op::maximum;
    if (!many && count != 1) return fail("`" + std::string{name} + "` takes one number", start);
    emit(found->second, count);
    return true;
  }

  char peek() {
    blank();
    return at < in.size() ? in[at] : '\0';
  }

  // Counts how deep the recursion is; the bound holds for every way to nest.
  struct Nested {
    Parser& parser;
    bool fine;
    explicit Nested(Parser& p)
        : parser(p), fine(++p.depth <= kMaxDepth || p.fail("nested deeper than 64 levels", p.at)) {}
    ~Nested() { --parser.depth; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;
  };
};

Result<Expression> Expression::parse(std::string_view text, std::size_t* error_at) {
  Parser parser{text};
  Kind kind{};
  const bool fine =
      text.size() > kMaxLength ? parser.fail("an expression has at most 65536 characters", 0)
      : (parser.blank(), parser.at == text.size())
          ? parser.fail("the expression is empty", 0)
          : parser.either(kind) && parser.want(kind, Kind::boolean, "a constraint", 0) &&
                ((parser.blank(), parser.at == text.size()) || parser.fail("expected an operator", parser.at));
  if (error_at) *error_at = parser.error_at;
  if (!fine) return Error{Error::Code::invalid, parser.error, ""};
  auto out = std::move(parser.out);
  out.code_.push_back({Op::truth});

  // Names sorted: the instructions keep pointing at the right ones.
  std::vector<std::string> sorted = out.names_;
  std::sort(sorted.begin(), sorted.end());
  for (auto& i : out.code_)
    if (i.op == Op::name)
      i.operand = static_cast<std::uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), out.names_[i.operand]) -
                                             sorted.begin());
  out.names_ = std::move(sorted);
  return out;
}

namespace {

struct Nothing {};  // What cannot be computed.
using Cell = std::variant<Nothing, double, bool, std::string_view>;

Cell cell(double d) { return std::isnan(d) ? Cell{} : Cell{d}; }

std::optional<double> number(const Cell& c) {
  if (const auto* d = std::get_if<double>(&c)) return *d;
  if (const auto* b = std::get_if<bool>(&c)) return *b ? 1.0 : 0.0;
  return std::nullopt;
}

Cell cell(const Value& value) {
  return std::visit(
      overloaded{[](bool b) { return Cell{b}; }, [](std::int64_t i) { return Cell{static_cast<double>(i)}; },
                 [](double d) { return cell(d); }, [](const std::string& s) { return Cell{std::string_view{s}}; }},
      value);
}

// A text and a number are different, which is an answer and not a mistake.
Cell equal(const Cell& a, const Cell& b, bool wanted) {
  if (std::holds_alternative<Nothing>(a) || std::holds_alternative<Nothing>(b)) return {};
  const auto x = number(a), y = number(b);
  if (x && y) return (*x == *y) == wanted;
  if (x || y) return !wanted;
  return (std::get<std::string_view>(a) == std::get<std::string_view>(b)) == wanted;
}

}  // namespace

std::optional<bool> Expression::evaluate(const Params& params) const {
  std::vector<Cell> values;
  values.reserve(names_.size());
  for (const auto& name : names_) {
    const Value* value = params.find(name);
    if (!value) return std::nullopt;
    values.push_back(cell(*value));
  }

  std::vector<Cell> stack;
  const auto unary = [&](auto f) {
    const auto x = number(stack.back());
    stack.back() = x ? f(*x) : Cell{};
  };
  const auto binary = [&](auto f) {
    const auto y = number(stack.back());
    stack.pop_back();
    unary([&](double x) { return y ? f(x, *y) : Cell{}; });
  };
  for (std::size_t at = 0; at < code_.size(); ++at) {
    const auto [op, operand] = code_[at];
    switch (op) {
      case Op::number:
        stack.emplace_back(numbers_[operand]);
        break;
      case Op::text:
        stack.emplace_back(std::string_view{texts_[operand]});
        break;
      case Op::boolean:
        stack.emplace_back(operand != 0);
        break;
      case Op::name:
        stack.push_back(values[operand]);
        break;
      case Op::negate:
        unary([](double x) { return Cell{-x}; });
        break;
      case Op::absolute:
        unary([](double x) { return Cell{std::fabs(x)}; });
        break;
      case Op::floor:
        unary([](double x) { return Cell{std::floor(x)}; });
        break;
      case Op::ceil:
        unary([](double x) { return Cell{std::ceil(x)}; });
        break;
      case Op::root:
        unary([](double x) { return cell(x < 0 ? NAN : std::sqrt(x)); });
        break;
      case Op::log:
        unary([](double x) { return cell(x > 0 ? std::log(x) : NAN); });
        break;
      case Op::exp:
        unary([](double x) { return Cell{std::exp(x)}; });
        break;
      case Op::add:
        binary([](double x, double y) { return cell(x + y); });
        break;
      case Op::subtract:
        binary([](double x, double y) { return cell(x - y); });
        break;
      case Op::multiply:
        binary([](double x, double y) { return cell(x * y); });
        break;
      case Op::divide:
        binary([](double x, double y) { return cell(y == 0 ? NAN : x / y); });
        break;
      case Op::modulo:
        binary([](double x, double y) { return cell(y == 0 ? NAN : x - y * std::floor(x / y)); });
        break;
      case Op::power:
        binary([](double x, double y) { return cell(std::pow(x, y)); });
        break;
      case Op::less:
        binary([](double x, double y) { return Cell{x < y}; });
        break;
      case Op::less_equal:
        binary([](double x, double y) { return Cell{x <= y}; });
        break;
      case Op::greater:
        binary([](double x, double y) { return Cell{x > y}; });
        break;
      case Op::greater_equal:
        binary([](double x, double y) { return Cell{x >= y}; });
        break;
      case Op::minimum:
        for (auto n = operand; n > 1; --n) binary([](double x, double y) { return Cell{std::min(x, y)}; });
        break;
      case Op::maximum:
        for (auto n = operand; n > 1; --n) binary([](double x, double y) { return Cell{std::max(x, y)}; });
        break;
      case Op::equal:
      case Op::unequal: {
        const Cell right = stack.back();
        stack.pop_back();
        stack.back() = equal(stack.back(), right, op == Op::equal);
        break;
      }
      case Op::invert: {
        const auto* b = std::get_if<bool>(&stack.back());
        stack.back() = b ? Cell{!*b} : Cell{};
        break;
      }
      case Op::truth:
        if (!std::holds_alternative<bool>(stack.back())) stack.back() = Nothing{};
        break;
      case Op::skip_if_false:
      case Op::skip_if_true: {
        const auto* b = std::get_if<bool>(&stack.back());
        if (!b) stack.back() = Nothing{};
        if (!b || *b == (op == Op::skip_if_true))
          at = operand - 1;
        else
          stack.pop_back();
        break;
      }
    }
  }
  const auto* answer = std::get_if<bool>(&stack.back());
  return answer && *answer;
}

}  // namespace tune
