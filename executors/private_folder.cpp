// SPDX-License-Identifier: Apache-2.0
#include "executors/private_folder.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace tune {

bool make_private_folder(const std::string& path) {
  const auto make = [&] { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; };
  if (make()) return true;
  const auto parent = path.find_last_of('/');
  if (errno != ENOENT || parent == std::string::npos || parent == 0) return false;
  return make_private_folder(path.substr(0, parent)) && make();
}

}  // namespace tune
