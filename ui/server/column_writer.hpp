// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/ids.hpp"

namespace tune {

/// Writes columns so that a browser reads them where they lie: docs/formats/columns.md.
class ColumnWriter {
 public:
  static constexpr std::string_view kType = "application/x-tune-columns";
  static constexpr std::uint8_t kNoCode8 = 255;
  static constexpr std::uint32_t kNoCode32 = 4294967295;

  explicit ColumnWriter(std::size_t rows) : rows_(rows) {}

  /// One value a row. NaN: absent, but for the rows in `nan`, where it is what was reported.
  void add(std::string_view name, std::span<const double>, std::span<const std::uint32_t> nan = {});
  void add(std::string_view name, std::span<const std::int32_t>);
  /// Codes into `dictionary`; kNoCode8, kNoCode32: absent.
  void add(std::string_view name, std::span<const std::uint8_t>, std::span<const std::string> dictionary);
  void add(std::string_view name, std::span<const std::uint32_t>, std::span<const std::string> dictionary);

  /// The whole. `seq`: the store's newest; `full`: these are all rows, and not only those that changed.
  std::string finish(Seq seq, bool full) const;

 private:
  void column(std::string_view name, std::string_view type, const void* bytes, std::size_t length,
              std::span<const std::string> dictionary, std::span<const std::uint32_t> nan);

  std::size_t rows_;
  std::string heads_, data_;
};

}  // namespace tune
