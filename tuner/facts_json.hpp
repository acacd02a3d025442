// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"

namespace tune {

/// The fact's own fields as one JSON object (not seq, at, kind, epoch, which travel beside it). Numbers read back bit
/// for bit; NaN and the infinities are the strings "nan", "inf", "-inf". Empty and default fields are left out.
std::string body_to_json(const Record&);

/// Inverse of body_to_json. Unknown keys are skipped (a newer tune wrote them). `kind` is the name that kind() gives.
/// Error::corrupt, naming the kind and the place, if the text is no object of that kind. Linear, no recursion beyond depth 32.
Result<Record> record_from_json(Seq seq, Time at, std::int64_t epoch, std::string_view kind, std::string_view body);

/// The whole record as one NDJSON line without the newline: {"seq":…,"at":…,"kind":…,"v":1,"epoch":…,…fields}.
std::string to_json_line(const Record&);

/// Inverse of to_json_line.
Result<Record> record_from_json_line(std::string_view line);

}  // namespace tune
