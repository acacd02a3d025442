// SPDX-License-Identifier: Apache-2.0
#include "schedulers/rules.hpp"

#include <algorithm>

#include "schedulers/all.hpp"

namespace tune {

void Rules::learn(const History& history, const Record& r) {
  for (auto& rule : rules_) rule.rule->learn(history, r);
  scheduler_->learn(history, r);
}

std::optional<Scheduler::Verdict> Rules::sentence(const History& history) const {
  for (const auto& [name, rule] : rules_)
    if (auto v = rule->verdict(history)) {
      v->why = "rule " + name + ": " + v->why;
      v->by = name;
      return v;
    }
  return std::nullopt;
}

std::optional<Scheduler::Verdict> Rules::verdict(const History& history) const {
  auto stop = sentence(history);
  if (!stop) return scheduler_->verdict(history);
  auto said = scheduler_->verdict(history);
  const auto* end = said ? std::get_if<Stop>(&said->what) : nullptr;
  return end && end->as == TrialState::complete ? said : stop;
}

std::optional<Time> Rules::wake_at() const {
  auto at = scheduler_->wake_at();
  for (const auto& rule : rules_)
    if (const auto t = rule.rule->wake_at(); t && (!at || *t < *at)) at = t;
  return at;
}

Result<std::unique_ptr<Scheduler>> with_rules(std::unique_ptr<Scheduler> scheduler, const Spec& spec) {
  if (spec.rules.empty()) return scheduler;
  std::vector<Rules::Rule> rules;
  for (std::size_t i = 0; i < spec.rules.size(); ++i) {
    const auto& [type, options] = spec.rules[i];
    const auto all = schedulers();
    const auto entry = std::find_if(all.begin(), all.end(), [&type = type](const SchedulerEntry& e) { return e.info.rule && e.info.name == type; });
    const std::string path = "scheduler.rules." + std::to_string(i);
    if (entry == all.end()) return Error{Error::Code::invalid, path + ".type: there is no rule `" + printable(type) + "`", {}};
    auto rule = entry->make({spec, options});
    if (!rule) {
      Error error = rule.error();
      // An option of a rule is at home among the rules.
      if (constexpr std::string_view own = "scheduler."; error.message.starts_with(own)) error.message = path + error.message.substr(own.size() - 1);
      return error;
    }
    rules.push_back({type, std::move(rule).value()});
  }
  return std::unique_ptr<Scheduler>(std::make_unique<Rules>(std::move(scheduler), std::move(rules)));
}

}  // namespace tune
