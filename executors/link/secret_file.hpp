// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "tuner/result.hpp"

/// Files that keep a secret: 0600, in a folder that is 0700 if we made it. Never through a link.
namespace tune {

/// The first `limit` bytes of it; nullopt: there is no such file. Error: it is somebody else's, or others may read it.
Result<std::optional<std::string>> read_secret(const std::string& path, std::size_t limit);

enum class Placing {
  first_wins,  ///< A file that is there stays as it is.
  last_wins,
};
/// Whoever reads it finds all of `text` or none of it, after a loss of power too: it is on the disk when this returns. Makes the
/// folder, but not that folder's.
Result<Done> place_secret(const std::string& path, const std::string& text, Placing);

enum class Given { open, secret };
/// The first `limit` bytes of a file that somebody gave us as a `what` ("key"), wherever it lies: through links, as a Kubernetes
/// Secret is mounted. Error: that of unusable(), also where others than its owner (and, of root's files, their group) may read
/// a secret one.
Result<std::string> read_given(const std::string& path, const std::string& what, std::size_t limit, Given);
/// (invalid) "cannot use PATH as a WHAT: WHY"
Error unusable(const std::string& what, const std::string& path, const std::string& why);

}  // namespace tune
