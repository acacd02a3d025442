// SPDX-License-Identifier: Apache-2.0
#include "tuner/communicator.hpp"

#include <cstring>
#include <vector>

namespace tune {

std::string Communicator::broadcast_text(std::string text, int from) {
  std::int64_t bytes = static_cast<std::int64_t>(text.size());
  broadcast(std::span{&bytes, 1}, from);
  if (bytes == 0) return {};
  text.resize(static_cast<std::size_t>(bytes));
  std::vector<std::int64_t> words((text.size() + sizeof(std::int64_t) - 1) / sizeof(std::int64_t));
  std::memcpy(words.data(), text.data(), text.size());
  broadcast(words, from);
  std::memcpy(text.data(), words.data(), text.size());
  return text;
}

void Communicator::check_rank(int from) const {
  if (from < 0 || from >= size())
    throw CommunicatorError("there is no rank " + std::to_string(from) + " to broadcast from: ranks are 0 to " + std::to_string(size() - 1));
}

}  // namespace tune
