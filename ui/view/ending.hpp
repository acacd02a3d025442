// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/facts.hpp"

namespace tune {

/// "exit code 3", "killed by signal 9 (SIGKILL)", "out of memory": how an attempt ended, for people; printable.
std::string ending_text(const Exited&);
std::string_view cause_text(Cause);

}  // namespace tune
