// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ui/api/ask_tell.hpp"

namespace tune {

class JsonWriter;

/// Ask and tell as lines of JSON, for programs in any language that keep one process open: `tune ask --serve`.
/// docs/ask.md has the lines. One answer a request, in order; an "id" of a request comes back in its answer.
class AskLines {
 public:
  /// `experiment` outlives it.
  explicit AskLines(AskTell& experiment) : experiment_(experiment) {}
  /// The answer, without the end of the line. Total on any bytes: what cannot be served is answered with an "error".
  std::string answer(std::string_view line);
  /// The same for one request that is answered in another way where it fails: the members of the answer, as an object.
  Result<std::string> serve(std::string_view request);

 private:
  AskTell& experiment_;
};

/// complete, failed, infeasible, cancelled, lost: how somebody else says that a trial ended.
std::optional<Cause> ending(std::string_view word);
std::string_view to_text(AskTell::Order);
/// Members of the object that is being written: "trial":7,"attempt":1,"params":{…} …
void write(JsonWriter&, const AskTell::Asked&);

}  // namespace tune
