// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace tune {

/// Makes a folder and those above it that are missing, each for this user alone (0700), whatever the umask leaves to others.
/// Folders that are there stay as they are, and cost one system call. False: `errno` says why.
bool make_private_folder(const std::string& path);

}  // namespace tune
