// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

#include "executors/checkpoints.hpp"
#include "executors/link/line.hpp"

namespace tune {

/// Tries a transfer over a line until it is done, or fails for another reason than that the coordinator is out of reach: a line
/// that was cut comes back. After 20 tries, or once `ending` (nobody waits for it any more), its last error is the answer. Blocks.
Result<Done> patiently(const std::atomic<bool>& ending, const std::function<Result<Done>()>& transfer);

/// The coordinator's checkpoints, over an agent's line: part by part, the manifest last, for it says when all are there.
class LineMirror final : public CheckpointMirror {
 public:
  /// The line and `ending` (as in patiently()) outlive it.
  LineMirror(Line&, std::string agent, const std::atomic<bool>& ending);

  Result<Done> bring(const Checkpoints& from, const std::string& hash) const override;
  Result<Done> fetch(const Checkpoints& to, const std::string& hash) const override;

 private:
  Line& line_;
  const std::string agent_;
  const std::atomic<bool>& ending_;
};

}  // namespace tune
