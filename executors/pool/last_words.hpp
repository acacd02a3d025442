// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "executors/link/authority.hpp"

namespace tune {

/// Says in an agent's place that nothing of it is left, and waits until it is heard: ten seconds at most for a line, and as long for an
/// answer. For its guard.
void say_gone(const std::string& address, const Credentials&, const std::string& agent, const std::string& why);

}  // namespace tune
