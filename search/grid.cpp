// SPDX-License-Identifier: Apache-2.0
#include "search/grid.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/rng.hpp"

namespace tune {

GridSampler::GridSampler(const Space& space, std::vector<std::vector<Value>> values)
    : space_(space), lattice_(space, std::move(values)) {
  settle();
}

// Moves on to a combination that may be proposed, from where the lattice stands.
void GridSampler::settle() {
  while (!done_ && (!space_.satisfies(lattice_.at()) || tried_.contains(fingerprint(lattice_.at())))) {
    lattice_.advance();
    done_ = lattice_.first();
  }
}

void GridSampler::learn(const Record& r) {
  const auto* p = r.as<Propose>();
  if (!p) return;
  tried_.insert(fingerprint(p->params));
  settle();
}

std::optional<Sampler::Proposal> GridSampler::propose(TrialId, Rng) const {
  if (done_) return std::nullopt;
  return Proposal{lattice_.at(), "the next combination", {}};
}

namespace {

using Kind = Dimension::Kind;

// `count` values of a continuous dimension, evenly spaced on its scale from end to end; a normal's are quantiles, since
// its ends may be infinite.
std::vector<Value> spaced(const Dimension& d, std::int64_t count) {
  std::vector<Value> values;
  const auto last = static_cast<double>(count - 1);
  for (std::int64_t i = 0; i < count; ++i) {
    const double u = count == 1 ? 0.5 : static_cast<double>(i) / last;
    if (d.kind == Kind::uniform)
      values.emplace_back(i == count - 1 && count > 1 ? d.max : d.min + u * (d.max - d.min));
    else if (d.kind == Kind::loguniform)
      values.emplace_back(
          std::clamp(std::exp(std::log(d.min) + u * (std::log(d.max) - std::log(d.min))), d.min, d.max));
    else
      values.push_back(d.at((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
  }
  return values;
}

Result<std::unique_ptr<Sampler>> make(const SamplerContext& c) {
  const auto* points = c.options.find("points");
  std::vector<std::vector<Value>> values;
  for (const auto& d : c.space.dimensions()) {
    const auto count = d.cardinality();
    if (count && *count <= detail::Seen::kMost) {
      values.push_back(detail::all_values(d));
    } else if (points && !count) {
      values.push_back(spaced(d, std::get<std::int64_t>(*points)));
    } else {
      return Error{Error::Code::invalid,
                   "params." + printable(d.name) + ": a grid needs to know its values" +
                       (count ? ", and these are more than 10 million" : ""),
                   count ? "give it a larger `step`" : "give it a `step`, list its `values`, or set search.points"};
    }
  }
  return std::unique_ptr<Sampler>(std::make_unique<GridSampler>(c.space, std::move(values)));
}

}  // namespace

SamplerEntry grid_sampler() {
  return {{"grid",
           "Every combination of the parameters' values, once.",
           {{"points", Option::Kind::integer, "",
             "How many values a parameter without `step` or `values` is given, evenly spaced.", 1, 1'000'000}}},
          make};
}

}  // namespace tune
