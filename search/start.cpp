// SPDX-License-Identifier: Apache-2.0
#include "search/start.hpp"

#include "search/sobol.hpp"

namespace tune::detail {

Start::Start(const Axes& axes, std::uint64_t seed) : axes_(&axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (i < kSobolDimensions) directions_.push_back(sobol_directions(i));
    seeds_.push_back(static_cast<std::uint32_t>(Rng{seed, Purpose::scramble, static_cast<std::int64_t>(i)}.next()));
  }
}

Point Start::centre() const {
  Point p = point(0);
  for (std::size_t i = 0; i < p.size(); ++i)
    if ((*axes_)[i].kind != Axis::Kind::categorical) p.at[i] = 0.5;
  axes_->snap(p);
  return p;
}

Point Start::point(std::uint32_t number) const {
  Point p{std::vector<double>(axes_->size()), {}};
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double u = i < directions_.size() ? sobol_coordinate(directions_[i], seeds_[i], number) : Rng{seeds_[i], number}.uniform();
    p.at[i] = axes_->coordinate(i, u);
  }
  axes_->snap(p);
  return p;
}

Point Start::random(Rng& rng) const {
  Point p{std::vector<double>(axes_->size()), {}};
  for (std::size_t i = 0; i < p.size(); ++i) p.at[i] = axes_->coordinate(i, rng.uniform());
  axes_->snap(p);
  return p;
}

}  // namespace tune::detail
