// SPDX-License-Identifier: Apache-2.0
#include "ui/communicator/greeting.hpp"

#include <algorithm>
#include <cstring>

namespace tune::detail {
namespace {

constexpr std::uint64_t kMagic = 0x736b6e61722d7475;  // "ut-ranks"
constexpr std::uint32_t kVersion = 1;

struct Head {
  std::uint64_t magic;
  std::uint32_t version, first, second, length;
};

/// What came so far is laid over what is expected.
Head head_of(std::string_view bytes) {
  Head head{kMagic, kVersion, 0, 0, 0};
  std::memcpy(&head, bytes.data(), std::min(bytes.size(), sizeof head));
  return head;
}

}  // namespace

std::string to_bytes(const Greeting& greeting) {
  const std::string_view text = std::string_view{greeting.text}.substr(0, kLongestGreeting - sizeof(Head));
  const Head head{kMagic, kVersion, greeting.first, greeting.second, static_cast<std::uint32_t>(text.size())};
  std::string bytes(sizeof head, '\0');
  std::memcpy(bytes.data(), &head, sizeof head);
  return bytes.append(text);
}

std::size_t missing_of_greeting(std::string_view bytes) {
  const std::size_t whole = bytes.size() < sizeof(Head) ? sizeof(Head) : sizeof(Head) + head_of(bytes).length;
  return whole - bytes.size();
}

Result<std::optional<Greeting>> read_greeting(std::string_view bytes) {
  const Head head = head_of(bytes);  // A stranger is known by its first byte.
  if (head.magic != kMagic) return Error{Error::Code::invalid, "what it says is not what ranks of a trial say", ""};
  if (head.version != kVersion)
    return Error{Error::Code::invalid, "it speaks version " + std::to_string(head.version) + " of this, not " + std::to_string(kVersion),
                 "build all ranks against one tune"};
  if (head.length > kLongestGreeting - sizeof head) return Error{Error::Code::invalid, "its greeting is too long", ""};
  const std::size_t whole = sizeof head + head.length;
  if (bytes.size() < sizeof head || bytes.size() < whole) return std::optional<Greeting>{};
  if (bytes.size() > whole) return Error{Error::Code::invalid, "it says more than a greeting", ""};
  return std::optional{Greeting{head.first, head.second, std::string{bytes.substr(sizeof head)}}};
}

}  // namespace tune::detail
