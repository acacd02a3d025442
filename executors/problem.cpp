// SPDX-License-Identifier: Apache-2.0
#include "executors/problem.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <numbers>

#include "executors/table_problem.hpp"

namespace tune {
namespace {

// The numeric parameters as they are, in the space's order; inactive ones left out.
std::vector<double> numbers(const Space& space, const Params& params) {
  std::vector<double> out;
  for (const auto& d : space.dimensions())
    if (const auto* v = params.find(d.name))
      if (const auto x = to_number(*v)) out.push_back(*x);
  return out;
}

/// One value, known as soon as the parameters are: the same at every step.
class Function : public Problem {
 public:
  Function(const Spec& spec, std::int64_t steps)
      : space_(spec.space), steps_(steps > 0 ? steps : 1), metrics_{spec.objectives.front().metric} {}
  const std::vector<std::string>& metrics() const final { return metrics_; }
  Trajectory course(const Params& params) const final {
    const double value = at(numbers(space_, params));
    return {steps_, [value](std::int64_t, std::span<double> out) { out[0] = value; }, {}};
  }

 protected:
  virtual double at(const std::vector<double>& x) const = 0;

 private:
  const Space& space_;
  std::int64_t steps_;
  std::vector<std::string> metrics_;
};

/// x in [-5, 10], y in [0, 15]; three minima of 0.397887. F. H. Branin, 1972.
class Branin final : public Function {
  using Function::Function;
  double at(const std::vector<double>& x) const override {
    using std::numbers::pi;
    const double a = x.empty() ? 0 : x[0], b = x.size() < 2 ? 0 : x[1];
    const double bend = b - 5.1 / (4 * pi * pi) * a * a + 5 / pi * a - 6;
    return bend * bend + 10 * (1 - 1 / (8 * pi)) * std::cos(a) + 10;
  }
};

/// Any number of parameters; the minimum is 0 where all are 1. H. H. Rosenbrock, 1960.
class Rosenbrock final : public Function {
  using Function::Function;
  double at(const std::vector<double>& x) const override {
    double sum = 0;
    for (std::size_t i = 0; i + 1 < x.size(); ++i)
      sum += 100 * std::pow(x[i + 1] - x[i] * x[i], 2) + std::pow(1 - x[i], 2);
    return x.size() == 1 ? std::pow(1 - x[0], 2) : sum;
  }
};

/// A learning curve for any space: a power law that falls from 1 + a towards a, where a is the squared distance in the
/// unit cube from a point at 0.3 of each dimension and the exponent is larger for points nearer to it.
class Curve final : public Problem {
 public:
  Curve(const Spec& spec, std::int64_t steps)
      : space_(spec.space),
        sign_(spec.objectives.front().maximize ? -1 : 1),
        steps_(steps > 0 ? steps : 27),
        metrics_{spec.objectives.front().metric} {}
  const std::vector<std::string>& metrics() const override { return metrics_; }
  Trajectory course(const Params& params) const override {
    double floor = 0;
    if (const auto unit = space_.encode(params))
      for (const double u : *unit) floor += (u - 0.3) * (u - 0.3);
    const double exponent = 0.3 + 0.7 / (1 + floor);
    return {steps_,
            [=, sign = sign_](std::int64_t step, std::span<double> out) {
              out[0] = sign * (floor + std::pow(static_cast<double>(step), -exponent));
            },
            {}};
  }

 private:
  const Space& space_;
  double sign_;
  std::int64_t steps_;
  std::vector<std::string> metrics_;
};

/// The toy of Jaderberg et al., "Population based training of neural networks", 2017, section 4.4: Q(theta) = 1.2 -
/// theta0^2 - theta1^2 is wanted, and what is climbed, from (0.9, 0.9) at a rate of 0.01, is 1.2 - h0 theta0^2 - h1 theta1^2,
/// where h0 and h1 are the first two numeric parameters. Theta travels with checkpoints: what it will be depends on all the
/// parameters that a trial and its donors had before.
class Surrogate final : public Problem {
 public:
  Surrogate(const Spec& spec, std::int64_t steps)
      : space_(spec.space),
        sign_(spec.objectives.front().maximize ? 1 : -1),
        steps_(steps > 0 ? steps : 200),
        metrics_{spec.objectives.front().metric} {}
  const std::vector<std::string>& metrics() const override { return metrics_; }
  Trajectory course(const Params& params) const override { return from(params, {0, {0.9, 0.9}}); }
  Trajectory resume(const Params& params, TrialId, int, std::int64_t step, const std::string& state) const override {
    Point begin{step, {}};
    const auto comma = std::min(state.find(','), state.size());
    std::from_chars(state.data(), state.data() + comma, begin.theta[0]);
    if (comma < state.size()) std::from_chars(state.data() + comma + 1, state.data() + state.size(), begin.theta[1]);
    return from(params, begin);
  }

 private:
  struct Point {
    std::int64_t step;
    std::array<double, 2> theta;
  };
  // Step by step and not by a power, so that a course with a checkpoint in between comes to the same bits.
  struct Climb {
    Point begin, now;
    std::array<double, 2> shrinks;
    const std::array<double, 2>& at(std::int64_t step) {
      if (step < now.step) now = begin;
      for (; now.step < step; ++now.step)
        for (std::size_t i = 0; i < 2; ++i) now.theta[i] *= shrinks[i];
      return now.theta;
    }
  };
  Trajectory from(const Params& params, Point begin) const {
    auto h = numbers(space_, params);
    h.resize(2);
    constexpr double kRate = 0.01;
    const auto climb = std::make_shared<Climb>(Climb{begin, begin, {1 - 2 * kRate * h[0], 1 - 2 * kRate * h[1]}});
    Trajectory c{steps_,
             [climb, sign = sign_](std::int64_t step, std::span<double> out) {
               const auto& theta = climb->at(step);
               out[0] = sign * (1.2 - theta[0] * theta[0] - theta[1] * theta[1]);
             },
             {}};
    c.state = [climb](std::int64_t step) {
      const auto& theta = climb->at(step);
      return to_text(Value{theta[0]}) + "," + to_text(Value{theta[1]});
    };
    return c;
  }

  const Space& space_;
  double sign_;
  std::int64_t steps_;
  std::vector<std::string> metrics_;
};

}  // namespace

Result<std::unique_ptr<Problem>> find_problem(const std::string& from, const Spec& spec, std::int64_t steps) {
  if (steps == 0) steps = static_cast<std::int64_t>(spec.instances.size());
  if (from == "branin") return std::unique_ptr<Problem>(std::make_unique<Branin>(spec, steps));
  if (from == "rosenbrock") return std::unique_ptr<Problem>(std::make_unique<Rosenbrock>(spec, steps));
  if (from == "curve") return std::unique_ptr<Problem>(std::make_unique<Curve>(spec, steps));
  if (from == "pbt") return std::unique_ptr<Problem>(std::make_unique<Surrogate>(spec, steps));
  if (from.ends_with(".json")) return table_problem(from, spec);
  return Error{Error::Code::invalid, "there is no problem `" + printable(from) + "`",
               "known are branin, rosenbrock, curve and pbt, and tables by the path of their .json file"};
}

}  // namespace tune
