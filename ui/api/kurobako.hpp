// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ui/api/ask_tell.hpp"

namespace tune {

struct JsonNode;

/// What the sampler and the scheduler of a kurobako solver are.
struct KurobakoOptions {
  std::string search = "auto", scheduler = "fifo";
  std::vector<std::string> sets;  ///< More settings, as after --set: "search.gamma=0.2".
};

/// A solver in the protocol of kurobako (optuna/kurobako, kurobako_core/src/epi/solver/message.rs): one JSON object a
/// line, many studies interleaved on one pipe. Each study is an experiment of its own that is asked from outside and kept
/// in memory only. Without a scheduler that looks at steps a trial is evaluated to its last step at once; with one, step
/// by step, and a stopped trial is handed back once more with `next_step` null.
///
/// What a study asks for beyond an exhausted space is its best configuration again: the protocol knows no end.
class KurobakoSolver {
 public:
  /// Error::invalid: no such sampler, scheduler or setting.
  static Result<std::unique_ptr<KurobakoSolver>> make(KurobakoOptions);
  ~KurobakoSolver();

  /// The line that a solver says first.
  std::string specification() const;
  /// The reply, without the end of the line; nullopt: this message has none. Total on any bytes.
  std::optional<std::string> answer(std::string_view line);

 private:
  class Study;
  explicit KurobakoSolver(KurobakoOptions options);
  void create(std::uint64_t solver, const JsonNode& message);

  const KurobakoOptions options_;
  std::map<std::uint64_t, std::unique_ptr<Study>> studies_;
  std::map<std::uint64_t, Error> refused_;  // Could not be created: a cast has no reply, so each call says why.
};

}  // namespace tune
