// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tuner/time.hpp"
#include "tuner/value.hpp"

/// Options of an executor or an engine, as its code reads them. The config has checked them against their table (tuner/registry.hpp);
/// the fallback is for what was not given and has no default there.
namespace tune {

std::string text_option(const Params&, std::string_view name, std::string fallback = {});
double number_option(const Params&, std::string_view name, double fallback = 0);
Duration duration_option(const Params&, std::string_view name, Duration fallback = {});
/// The texts of a list; empty if it is not given.
bool flag_option(const Params&, std::string_view name);
std::vector<std::string> list_option(const Params&, std::string_view name);

}  // namespace tune
