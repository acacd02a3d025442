// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "tuner/result.hpp"

/// Files of a store's folder that keep a secret: 0600, in a folder that is 0700 if we made it. Never through a link.
namespace tune {

/// The first `limit` bytes of it; nullopt: there is no such file. Error: it is somebody else's, or others may read it.
Result<std::optional<std::string>> read_secret(const std::string& path, std::size_t limit);

enum class Placing {
  first_wins,  ///< A file that is there stays as it is.
  last_wins,
};
/// Whoever reads it finds all of `text` or none of it. Makes the folder, but not that folder's.
Result<Done> place_secret(const std::string& path, const std::string& text, Placing);

}  // namespace tune
