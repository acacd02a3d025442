// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/history.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

/// What a sweep tells at its end: the best trial, how it went, and what to type next. Refers to the history it is made
/// of.
class SweepReport {
 public:
  SweepReport(const History& history, const Spec& spec, std::string store_hint)
      : history_(history), spec_(spec), store_hint_(std::move(store_hint)) {}

  /// True without a target too.
  bool target_reached() const;
  /// For people where a person looks; the last line on stdout is summary() if stdout is no terminal.
  void print(const Invocation& call, bool interrupted, int exit_code, const std::string& again) const;
  /// "tune: experiment=… end=… trials=… complete=… …": the same keys in the same order for ever, new ones at the end.
  std::string summary(bool interrupted, int exit_code) const;
  /// Members of the event `experiment.ended`.
  std::string members(bool interrupted, int exit_code, const std::string& again) const;

 private:
  std::string text(bool interrupted, const std::string& again, bool colour) const;
  std::string counts() const;
  const History& history_;
  const Spec& spec_;
  const std::string store_hint_;
};

}  // namespace tune
