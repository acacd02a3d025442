// SPDX-License-Identifier: Apache-2.0
#include "executors/link/secret.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "tuner/hex.hpp"

namespace tune {

Result<std::string> random_token() {
  std::array<std::uint8_t, 32> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size()))
    return Error{Error::Code::io, std::string("cannot draw a token: ") + std::strerror(errno), ""};
  return to_hex(bits);
}

bool same_secret(std::string_view a, std::string_view b) {
  unsigned different = a.size() != b.size();
  const std::size_t n = a.size() < b.size() ? a.size() : b.size();
  for (std::size_t i = 0; i < n; ++i) different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

}  // namespace tune
