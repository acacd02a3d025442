// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/value.hpp"

namespace tune {

class Expression;  // tuner/expression.hpp

/// One test of a `when` condition on a parent parameter; all tests of a condition must hold.
struct Test {
  enum class Op : std::uint8_t { in, not_in, gt, ge, lt, le };
  std::string parent;
  Op op = Op::in;
  std::vector<Value> values;  ///< For in, not_in.
  double bound = 0;           ///< For gt, ge, lt, le.
  bool operator==(const Test&) const = default;
};

/// One searched parameter.
struct Dimension {
  enum class Kind : std::uint8_t { uniform, loguniform, integer, logint, normal, lognormal, choice, ordinal, grid, boolean, constant };
  std::string name;
  Kind kind = Kind::uniform;
  double min = 0, max = 0;            ///< Numeric kinds, as values (never exponents); infinite where a normal is not truncated.
  double step = 0;                    ///< 0: not quantised. Values are min + k * step (multiples of step for an unbounded normal).
  double mu = 0, sigma = 0;           ///< normal: of the value; lognormal: of its natural logarithm.
  std::vector<Value> values;          ///< choice, ordinal, grid; constant: the one.
  std::vector<double> weights;        ///< choice: same length as values, sum 1; empty: equal.
  std::vector<Test> when;             ///< Empty: always active.
  std::string unit, doc;
  /// Where a person expects good values; tuner/prior.hpp has its density. It never changes what can be drawn.
  struct Prior {
    static constexpr double kWidest = 10;
    double at = 0;                ///< Numeric kinds: the value expected to be best.
    double width = 0.25;          ///< Numeric kinds: standard deviation, where the range is 1 long on the parameter's own scale.
    std::vector<double> weights;  ///< Listed values and booleans (false, true): one a value, sum 1; empty for numeric kinds.
    bool operator==(const Prior&) const = default;
  };
  std::optional<Prior> prior;
  bool operator==(const Dimension&) const = default;

  /// Number of different values; nullopt if uncountable in practice (continuous).
  std::optional<std::uint64_t> cardinality() const;
  /// The value at u in [0, 1): quantile of the prior. Monotone for numeric kinds; equal shares for choices without weights.
  Value at(double u) const;
  /// A u with at(u) == value (the middle of its share where there is one; up to rounding for continuous kinds, and as near
  /// as a double comes for values whose share is below 2^-50). nullopt if the value is not of this dimension; a listed value
  /// of weight 0 is not. An integer is accepted where the values are doubles.
  std::optional<double> position(const Value&) const;
  /// Numeric kinds: position() of the value of this dimension that is nearest to x; NaN counts as the smallest.
  double nearest_position(double x) const;
};

/// What is searched: dimensions ordered so that parents stand before their children, conditions between them and
/// constraints over them. Immutable and shareable between threads once built. Sizes: d dimensions.
class Space {
 public:
  Space() = default;
  /// Error::invalid, naming the dimension, for bounds that make no sense, an unknown parent, a cycle of conditions or a
  /// constraint that does not parse. Values in conditions are brought to the parent's type (3 to 3.0).
  /// (The config parser finds these first, with line and column.)
  static Result<Space> make(std::vector<Dimension> dimensions, std::vector<std::string> constraints = {});

  const std::vector<Dimension>& dimensions() const { return dimensions_; }
  const std::vector<std::string>& constraints() const { return constraint_texts_; }
  const Dimension* find(std::string_view name) const;
  std::size_t size() const { return dimensions_.size(); }

  /// Unit cube to parameters; inactive dimensions are left out. `unit` has size() numbers in [0, 1), in the order of
  /// dimensions(). O(d log d). Does not look at constraints.
  Params decode(std::span<const double> unit) const;
  /// Parameters to the unit cube; 0.5 for inactive dimensions. nullopt if a value is not of its dimension.
  std::optional<std::vector<double>> encode(const Params&) const;

  bool is_active(const Dimension&, const Params&) const;
  /// Every constraint holds. A constraint that mentions an inactive parameter is not judged (counts as held).
  bool satisfies(const Params&) const;
  /// Checks a point given by a person: known names, values of their dimensions (integers are accepted for doubles), only
  /// active parameters, constants filled in, constraints held. Missing active parameters: Error naming them.
  Result<Params> complete(Params given) const;

  /// Number of distinct parameter sets (conditions respected, constraints not); nullopt if not finite, above 2^62, or
  /// where parameters that conditions mention take more than 200,000 steps to go through.
  std::optional<std::uint64_t> cardinality() const;

  /// A short stable text that changes exactly when the meaning of old trials' parameters could: with the set of names,
  /// with what kind of value a name has, with conditions and constants. Bounds, scales, steps, weights, listed values and
  /// constraints may change: they say what is tried next, not what was tried.
  std::string hash() const;

 private:
  std::vector<Dimension> dimensions_;
  std::vector<std::string> constraint_texts_;
  std::vector<std::shared_ptr<const Expression>> constraints_;  // Shared: copies of a space are common, expressions immutable.
};

/// Do a and b (same parameters' identity) name the same configuration? Stable 64-bit hash of parameters for sets.
std::uint64_t fingerprint(const Params&);

}  // namespace tune
