// SPDX-License-Identifier: Apache-2.0
// Whatever a peer sends to the metrics server: no crash, and the page only to those who show the token.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ui/metrics/scrape.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view sent{reinterpret_cast<const char*>(bytes), size};
  constexpr std::string_view token = "0123456789abcdef";
  const auto sends = [&](std::string_view text) { return sent.find(text) != std::string_view::npos; };
  const auto page = [] { return std::string{"the page"}; };
  const std::string answer = tune::answers(sent, token, page);
  const bool given = answer.find("the page") != std::string::npos;
  if (given && !(sends(token) && sends("/metrics") && sends("GET"))) std::abort();
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
