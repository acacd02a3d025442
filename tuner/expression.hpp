// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/value.hpp"

namespace tune {

/// A constraint between parameters, as a person writes it: `tile_m * tile_n <= 65536 and not (opt == "sgd" and lr >
/// 1)`.
///
///   or ||   and &&   not !   < <= > >= == !=   + -   * / %   unary -   ^ (right to left)   ( )
///   min max abs floor ceil sqrt log exp   1e-3   "text" 'text'   true false
///
/// from loosest to tightest; -2^2 is -4. A name is letters, digits, `_` and dots; one with a `-` is written between
/// backquotes. Comparisons do not chain. Numbers are doubles (integers beyond 2^53 lose digits) and true counts 1.
///
/// Immutable once parsed, so threads may share it. Parsing is total: any bytes give an Expression or an Error; nesting
/// is bounded, and evaluation walks a list and not a tree, so that no text can exhaust the stack.
class Expression {
 public:
  /// Error::invalid says what was expected; `error_at`, if given, receives the byte where. The result is a yes or no:
  /// an expression that can only be a number or a text is refused.
  static Result<Expression> parse(std::string_view text, std::size_t* error_at = nullptr);

  /// Parameters that it mentions, each once, sorted.
  const std::vector<std::string>& names() const { return names_; }

  /// Does it hold? nullopt when a parameter that it mentions is absent: it is then not judged. What cannot be computed
  /// (a division by zero, the root of -1, "a" < 1) does not hold, and neither does its negation, unless `and` or `or`
  /// had already decided: `b == 0 or a / b < 2` holds for b = 0. Linear in the length of the text.
  std::optional<bool> evaluate(const Params&) const;

 private:
  enum class Op : std::uint8_t {
    number,
    text,
    boolean,
    name,  // push a constant or a parameter
    negate,
    invert,
    truth,  // unary; `truth` refuses what is not a yes or no
    add,
    subtract,
    multiply,
    divide,
    modulo,
    power,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    unequal,
    minimum,
    maximum,  // of `operand` values
    absolute,
    floor,
    ceil,
    root,
    log,
    exp,
    skip_if_false,
    skip_if_true  // and, or: jump to `operand`, keeping what is on the stack
  };
  struct Instruction {
    Op op;
    std::uint32_t operand = 0;  ///< Index into names_, texts_ or numbers_, count, or target.
  };
  struct Parser;

  std::vector<Instruction> code_;
  std::vector<std::string> names_, texts_;
  std::vector<double> numbers_;
};

}  // namespace tune
