// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string_view>

/// What both ends of a line have to agree on before the first message.
namespace tune {

/// The WebSocket's subprotocol: names the messages and their version.
inline constexpr std::string_view kAgentProtocol = "tune.agent.v1";
/// A frame is one message, and no longer than this. Bytes.
inline constexpr std::size_t kFrameLimit = 1024 * 1024;

}  // namespace tune
