// SPDX-License-Identifier: Apache-2.0
#include "search/sobol.hpp"

#include <algorithm>

#include "tuner/json.hpp"

namespace tune {
namespace {

std::uint32_t reversed(std::uint32_t x) {
  x = (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
  x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
  x = (x & 0x0f0f0f0fu) << 4 | (x >> 4 & 0x0f0f0f0fu);
  x = (x & 0x00ff00ffu) << 8 | (x >> 8 & 0x00ff00ffu);
  return x << 16 | x >> 16;
}

// {"point": 17} to 17.
std::optional<std::uint32_t> point_of(const Note& note) {
  JsonReader reader{note};
  if (reader.next() != JsonReader::Token::object || reader.next() != JsonReader::Token::key ||
      reader.text() != "point" || reader.next() != JsonReader::Token::number || !reader.integer())
    return std::nullopt;
  return static_cast<std::uint32_t>(*reader.integer());
}

}  // namespace

// Every multiplier is even, so that a bit of the result depends on the bits below it only; reversed, on those above.
std::uint32_t detail::owen_scramble(std::uint32_t x, std::uint32_t seed) {
  x = reversed(x);
  x += seed;
  x ^= x * 0x6c50b47cu;
  x ^= x * 0xb82f1e52u;
  x ^= x * 0xc7afe638u;
  x ^= x * 0x8d22f6e6u;
  return reversed(x);
}

double detail::sobol_coordinate(const std::array<std::uint32_t, 32>& directions, std::uint32_t seed, std::uint32_t number) {
  std::uint32_t x = 0;
  for (std::size_t i = 0; number != 0; ++i, number >>= 1)
    if (number & 1) x ^= directions[i];
  return (static_cast<double>(owen_scramble(x, seed)) + 0.5) * 0x1.0p-32;
}

SobolSampler::SobolSampler(const Space& space, std::uint64_t seed) : space_(space), seen_(space) {
  for (std::size_t d = 0; d < space.size(); ++d) {
    if (d < detail::kSobolDimensions) directions_.push_back(detail::sobol_directions(d));
    seeds_.push_back(static_cast<std::uint32_t>(Rng{seed, Purpose::scramble, static_cast<std::int64_t>(d)}.next()));
  }
}

void SobolSampler::learn(const Record& r) {
  seen_.learn(r);
  if (const auto* p = r.as<Propose>(); p && p->sampler == "sobol")
    if (const auto used = point_of(r.decided()->reason.note)) next_ = std::max(next_, *used + 1);
}

std::optional<Sampler::Proposal> SobolSampler::propose(TrialId, Rng rng) const {
  if (seen_.exhausted()) return std::nullopt;
  std::vector<double> unit(space_.size());
  for (std::uint32_t i = next_; i < next_ + detail::kMostTries; ++i) {
    for (std::size_t d = 0; d < unit.size(); ++d)
      unit[d] = d < directions_.size() ? detail::sobol_coordinate(directions_[d], seeds_[d], i) : Rng{seeds_[d], i}.uniform();
    Params params = space_.decode(unit);
    if (!space_.satisfies(params) || seen_.contains(params)) continue;
    const std::string number = std::to_string(i);
    return Proposal{std::move(params), "point " + number + " of the sequence", "{\"point\":" + number + "}"};
  }
  // Nearly all of a finite space is used up: what is left is easier found by walking.
  if (auto params = seen_.unseen(rng.next()))
    return Proposal{std::move(*params), "one of the last that were not tried", {}};
  return std::nullopt;
}

SamplerEntry sobol_sampler() {
  return {{"sobol", "Scrambled Sobol points: covers the space evenly, without looking at results."},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            return std::unique_ptr<Sampler>(std::make_unique<SobolSampler>(c.space, c.seed));
          }};
}

}  // namespace tune
