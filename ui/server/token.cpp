// SPDX-License-Identifier: Apache-2.0
#include "ui/server/token.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "tuner/value.hpp"
#include "ui/server/secret_file.hpp"

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

}  // namespace

Result<std::string> random_token() {
  std::array<std::uint8_t, kDigits / 2> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size()))
    return Error{Error::Code::io, std::string("cannot draw a token: ") + std::strerror(errno), ""};
  std::string token;
  for (const std::uint8_t byte : bits) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

Result<std::string> store_token(const std::string& folder) {
  const std::string path = folder + "/token";
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

bool same_secret(std::string_view a, std::string_view b) {
  unsigned different = a.size() != b.size();
  const std::size_t n = a.size() < b.size() ? a.size() : b.size();
  for (std::size_t i = 0; i < n; ++i) different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

}  // namespace tune
