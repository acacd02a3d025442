// SPDX-License-Identifier: Apache-2.0
// Which functions stand in which set. Nothing that is in `confirm` may be looked at while a sampler is being made.
#include "bench/regret/synthetic_parts.hpp"

namespace tune::regret {
namespace {

using namespace detail;
namespace f = functions;

std::vector<Problem> tuning() {
  const std::string set = "tuning";
  std::vector<Problem> out;
  for (const int d : {2, 5, 10, 20})
    for (const Plain& each : {Plain{"sphere", f::sphere, d, 10}, Plain{"ellipsoid", f::ellipsoid, d, 10, d > 2},
                              Plain{"rosenbrock", f::rosenbrock, d, 10}, Plain{"rastrigin", f::rastrigin, d, 10, d > 2},
                              Plain{"ackley", f::ackley, d, 10, d > 2}, Plain{"levy", f::levy, d, 10},
                              Plain{"schaffer_f7", f::schaffer_f7, d, 10, d > 2}, Plain{"plateau", f::plateau, d, 10}}) {
      if (d == 2 && each.name == "sphere") continue;
      if (d == 20 && (each.name == "sphere" || each.name == "schaffer_f7" || each.name == "rastrigin")) continue;
      out.push_back(plain(set, each));
    }
  for (int i = 0; i < 6; ++i)
    out.push_back(mixed(set, {"mixed-" + std::to_string(i), i % 2 ? f::ackley : f::ellipsoid, i % 2 ? 1 : 0.02,
                              2 + i % 3 * 2, i / 3, 2 + i % 2 * 2}));
  out.push_back(branches(set, "branches", f::ellipsoid, 0.02));
  out.push_back(switches(set, "switches", f::sphere, 0.1));
  out.push_back(nested(set, "nested", f::levy, 1));
  out.push_back(layers(set, "layers", f::ackley, 1));
  return out;
}

std::vector<Problem> confirm() {
  const std::string set = "confirm";
  std::vector<Problem> out;
  for (const Plain& each :
       {Plain{"zakharov", f::zakharov, 3, 10}, Plain{"zakharov", f::zakharov, 10, 10},
        Plain{"dixon_price", f::dixon_price, 5, 12}, Plain{"dixon_price", f::dixon_price, 15, 12},
        Plain{"bent_cigar", f::bent_cigar, 5, 20, true}, Plain{"bent_cigar", f::bent_cigar, 10, 20, true},
        Plain{"sum_of_powers", f::sum_of_powers, 5, 3}, Plain{"sum_of_powers", f::sum_of_powers, 15, 3},
        Plain{"plateau", f::plateau, 5, 10}, Plain{"plateau", f::plateau, 10, 10},
        Plain{"weierstrass", f::weierstrass, 3, 1}, Plain{"weierstrass", f::weierstrass, 10, 1, true},
        Plain{"ellipsoid", f::ellipsoid, 10, 10, true}, Plain{"schaffer_f7", f::schaffer_f7, 5, 20, true},
        Plain{"ackley", f::ackley, 10, 30, true}, Plain{"rastrigin", f::rastrigin, 3, 10, true},
        Plain{"rosenbrock", f::rosenbrock, 10, 6}, Plain{"levy", f::levy, 5, 20, true},
        Plain{"griewank", f::griewank, 2, 100}, Plain{"griewank", f::griewank, 20, 200, true},
        Plain{"rosenbrock", f::rosenbrock, 20, 4}})
    out.push_back(plain(set, each));
  for (const int d : {3, 10}) out.push_back(schwefel(set, d));
  for (const int d : {5, 10}) out.push_back(michalewicz(set, d));
  out.push_back(mixed(set, {"mixed-0", f::ellipsoid, 0.02, 2, 0, 2}));
  out.push_back(mixed(set, {"mixed-1", f::ackley, 1, 3, 1, 3}));
  out.push_back(mixed(set, {"mixed-2", f::levy, 1, 4, 0, 2}));
  out.push_back(mixed(set, {"mixed-3", f::rosenbrock, 0.02, 5, 1, 3}));
  out.push_back(branches(set, "branches", f::rosenbrock, 0.02));
  out.push_back(switches(set, "switches", f::ackley, 0.3));
  out.push_back(nested(set, "nested", f::sphere, 0.1));
  out.push_back(layers(set, "layers", f::ellipsoid, 0.02));
  return out;
}

// The four kinds of conditional space again, with other functions and draws, and two that have more conditions: one draw of
// each says little about which part of a space is searched.
std::vector<Problem> conditional() {
  const std::string set = "conditional";
  return {branches(set, "branches-rosenbrock", f::rosenbrock, 0.02),
          branches(set, "branches-ackley", f::ackley, 1),
          branches(set, "branches-6", f::ellipsoid, 0.02, 6),
          switches(set, "switches-ellipsoid", f::ellipsoid, 0.02),
          switches(set, "switches-levy", f::levy, 0.5),
          nested(set, "nested-ellipsoid", f::ellipsoid, 0.02),
          nested(set, "nested-ackley", f::ackley, 1),
          layers(set, "layers-ellipsoid", f::ellipsoid, 0.02),
          layers(set, "layers-sphere", f::sphere, 0.1),
          layers(set, "layers-levy", f::levy, 1),
          layers(set, "layers-7", f::sphere, 0.1, 7),
          layers(set, "layers-7-ackley", f::ackley, 1, 7)};
}

}  // namespace

std::vector<Problem> synthetic(std::string_view set) {
  if (set == "tuning") return tuning();
  if (set == "confirm") return confirm();
  if (set == "conditional") return conditional();
  if (set == "failing") return detail::failing("failing");
  return {};
}

}  // namespace tune::regret
