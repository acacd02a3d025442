// SPDX-License-Identifier: Apache-2.0
#include "search/all.hpp"

#include "search/auto.hpp"
#include "search/cmaes.hpp"
#include "search/de.hpp"
#include "search/gp/arm.hpp"
#include "search/grid.hpp"
#include "search/local.hpp"
#include "search/nsga2.hpp"
#include "search/nsga3.hpp"
#include "search/random.hpp"
#include "search/regularized_evolution.hpp"
#include "search/sobol.hpp"
#include "search/tpe.hpp"

namespace tune {

std::span<const SamplerEntry> samplers() {
  static const SamplerEntry all[] = {
      auto_sampler(),
      random_sampler(),
      grid_sampler(),
      sobol_sampler(),
      tpe_sampler(),
      gp_sampler(),
      local_sampler(),
      cmaes_sampler(),
      catcma_sampler(),
      de_sampler(),
      regularized_evolution_sampler(),
      nsga2_sampler(),
      nsga3_sampler(),
  };
  return all;
}

}  // namespace tune
