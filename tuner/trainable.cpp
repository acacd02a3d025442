// SPDX-License-Identifier: Apache-2.0
#include "tuner/trainable.hpp"

#include <map>
#include <stdexcept>

namespace tune {
namespace {

const Value& parameter(const Session& session, std::string_view name) {
  if (const auto* v = session.params().find(name)) return *v;
  throw std::out_of_range("trial " + session.trial_id() + " has no parameter `" + std::string{name} + "`");
}

[[noreturn]] void wrong_type(std::string_view name, const char* wanted) {
  throw std::out_of_range("parameter `" + std::string{name} + "` is not " + wanted);
}

class FunctionTrainable final : public Trainable {
 public:
  explicit FunctionTrainable(std::function<void(Session&)> f) : function_(std::move(f)) {}
  void run(Session& session) override { function_(session); }

 private:
  std::function<void(Session&)> function_;
};

// Registered before a sweep starts and only read while one runs.
std::map<std::string, TrainableFactory>& registry() {
  static std::map<std::string, TrainableFactory> all;
  return all;
}

}  // namespace

Communicator& Session::communicator() {
  static SingleRank alone;  // Has no state, so all trials may share it.
  return alone;
}

double Session::number(std::string_view name) const {
  if (const auto x = to_number(parameter(*this, name))) return *x;
  wrong_type(name, "a number");
}

std::int64_t Session::integer(std::string_view name) const {
  if (const auto* i = std::get_if<std::int64_t>(&parameter(*this, name))) return *i;
  wrong_type(name, "an integer");
}

std::string Session::text(std::string_view name) const { return to_text(parameter(*this, name)); }

void SteppedTrainable::run(Session& session) {
  setup(session.params(), session.seed());
  std::int64_t at = 0;
  if (const auto folder = session.checkpoint()) {
    at = session.checkpoint_step();
    restore(*folder, at);
  }
  while (!done(at)) {
    ++at;
    const bool go_on = session.report(at, step(at));
    if (session.should_save()) session.save(at, [this](const std::filesystem::path& folder) { save(folder); });
    if (!go_on) return;
  }
}

void register_trainable(std::string name, TrainableFactory factory) {
  registry()[std::move(name)] = std::move(factory);
}

void register_trainable(std::string name, std::function<void(Session&)> function) {
  register_trainable(std::move(name),
                     TrainableFactory{[f = std::move(function)] { return std::make_unique<FunctionTrainable>(f); }});
}

const TrainableFactory* find_trainable(const std::string& name) {
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : &found->second;
}

std::vector<std::string> trainable_names() {
  std::vector<std::string> names;
  for (const auto& [name, factory] : registry()) names.push_back(name);
  return names;
}

}  // namespace tune
