// SPDX-License-Identifier: Apache-2.0
#include "tuner/result.hpp"

#include <cstdio>
#include <cstdlib>

namespace tune {

void assertion_failed(const char* condition, const char* file, int line, const std::string& detail) {
  std::fprintf(stderr, "tune: internal error: %s does not hold at %s:%d. %s\n"
               "This is a bug in tune. Everything acknowledged is safe in the store; the same command resumes.\n",
               condition, file, line, detail.c_str());
  std::abort();
}

}  // namespace tune
