// SPDX-License-Identifier: Apache-2.0
#include "ui/server/token.hpp"

#include <optional>

#include "executors/link/secret_file.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr std::size_t kDigits = 64;

/// nullopt: there is no such file.
Result<std::optional<std::string>> read(const std::string& path) {
  auto text = read_secret(path, kDigits + 2);
  if (!text || !*text) return text;
  std::string& token = **text;
  if (!token.empty() && token.back() == '\n') token.pop_back();
  if (token.size() != kDigits || token.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Error::Code::corrupt, printable(path) + " does not hold a token", "remove it; a new one is made"};
  return text;
}

Result<std::string> read_or_make(const std::string& path) {
  auto found = read(path);
  if (!found) return found.error();
  if (*found) return **found;

  auto token = random_token();
  if (!token) return token.error();
  if (auto written = place_secret(path, *token + "\n", Placing::first_wins); !written) return written.error();
  found = read(path);
  if (!found) return found.error();
  if (!*found) return Error{Error::Code::conflict, printable(path) + " went away while it was made", "try again"};
  return **found;
}

}  // namespace

Result<std::string> store_token(const std::string& folder) { return read_or_make(folder + "/token"); }

Result<std::string> viewer_token(const std::string& folder, bool make) {
  const std::string path = folder + "/viewer-token";
  if (make) return read_or_make(path);
  auto found = read(path);
  if (!found) return found.error();
  return found->value_or("");
}

}  // namespace tune
