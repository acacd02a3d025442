// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "ui/cli/subject.hpp"

namespace tune {

/// `tune best --confirm COUNT`: runs the leading trials of a finished experiment again with fresh seeds, here and in the
/// foreground, and shows what they are worth. One that was interrupted goes on. Returns the exit code.
int confirm_best(Invocation& call, const Subject& subject, const Spec& spec, std::int64_t count);

}  // namespace tune
