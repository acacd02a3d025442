// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "executors/link/secret.hpp"
#include "tuner/result.hpp"

namespace tune {

/// The secret of a store: whoever shows it may look at what its owner serves. 256 bits from the kernel, as 64 hexadecimal
/// digits in `FOLDER/token`, which only its owner may read (0600, in a folder that is 0700 if we made it).
///
/// Reads it, or makes it where there is none; two processes that make it at once agree on one. Error: the file is somebody
/// else's, others may read it, it holds something else, or the folder cannot be written.
Result<std::string> store_token(const std::string& folder);

/// The secret of those who may look at a store and change nothing: the same in `FOLDER/viewer-token`, drawn by itself, so that
/// neither tells the other. Reads it; where there is none, `make` makes it. Empty: there is none. Errors: those of store_token.
Result<std::string> viewer_token(const std::string& folder, bool make);

}  // namespace tune
