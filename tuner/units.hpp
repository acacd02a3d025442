// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/time.hpp"

/// Durations and sizes as people write them in configs and on the command line.
namespace tune {

/// "90s", "1h30m", "1.5d", "250ms"; units ms, s, m, h, d. nullopt for anything else, or above 1000 years.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest form that reads back as the same duration: 5400 s is "1h30m".
std::string to_text(Duration);

/// "64KiB", "1.5GiB", "512B"; units B, KiB, MiB, GiB, TiB. A fraction of a byte is cut off. nullopt for anything else,
/// or if it does not fit.
std::optional<std::int64_t> parse_bytes(std::string_view text);
/// The largest unit that it is a whole number of: 65536 is "64KiB".
std::string bytes_text(std::int64_t bytes);

}  // namespace tune
