// SPDX-License-Identifier: Apache-2.0
#include "tuner/instances.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "tuner/rng.hpp"

namespace tune {
namespace {

constexpr std::int64_t kOrder = -1, kShared = -2;  // Streams of Purpose::instance; those of repeats are their numbers.

// As Command reads it: `$$` is a dollar sign.
bool names_instance(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('$', at)) != std::string_view::npos;) {
    const auto rest = text.substr(at);
    if (rest.starts_with("${instance}")) return true;
    at += rest.starts_with("$$") ? 2 : 1;
  }
  return false;
}

}  // namespace

std::vector<std::size_t> instance_order(std::uint64_t seed, std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Rng rng{seed, Purpose::instance, kOrder};
  for (std::size_t left = count; left > 1; --left) std::swap(order[left - 1], order[rng.below(left)]);
  return order;
}

std::vector<std::string> drawn_instances(const Spec& spec) {
  std::vector<std::string> out;
  for (const auto i : instance_order(spec.seed, spec.instances.size())) out.push_back(spec.instances[i]);
  return out;
}

std::string instance_after(const Spec& spec, std::int64_t steps) {
  if (spec.instances.empty()) return "";
  const auto place = std::min(static_cast<std::size_t>(steps), spec.instances.size() - 1);
  return spec.instances[instance_order(spec.seed, spec.instances.size())[place]];
}

bool launches_by_instance(const Spec& spec) {
  return !spec.instances.empty() && !spec.space.find("instance") &&
         std::any_of(spec.command.begin(), spec.command.end(), [](const auto& element) { return names_instance(element); });
}

std::uint64_t seed_of(const Spec& spec, const Trial& t) {
  if (spec.instances.empty()) return Rng(spec.seed, Purpose::seed, t.id.value).next() >> 33;
  const std::int64_t place = launches_by_instance(spec) ? t.last_step : -1;
  return Rng(spec.seed, Purpose::instance, t.replicate_of ? t.id.value : kShared, place).next() >> 33;
}

}  // namespace tune
