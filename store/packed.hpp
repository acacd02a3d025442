// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/facts.hpp"

namespace tune::detail {

/// Records as few bytes, a quarter of their lines in a journal and quicker to write: for one that is kept in memory. What was
/// packed lives and dies with the process, so its form is nobody's business and may change with any version.
///
/// Appends; pack() of several records in a row is unpacked in the same order.
void pack(const Record&, std::string& out);

/// The record that `packed` begins with, and takes it off. Equal to what was packed, numbers bit for bit; a zero that is a
/// field's default loses its sign, as it does on a line. The bytes must be those of pack(): they are not checked.
Record unpack(std::string_view& packed);

}  // namespace tune::detail
