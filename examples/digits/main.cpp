// SPDX-License-Identifier: Apache-2.0
// A trainable of one's own with a main of one's own.
// usage: digits CONFIG IMAGES [STORE]
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "network.hpp"
#include "ui/api/tune.hpp"

namespace {

/// One trial. A step is an epoch.
class Digits final : public tune::SteppedTrainable {
 public:
  explicit Digits(const Data& data) : data_(data) {}

  void setup(const tune::Params& params, std::uint64_t seed) override {
    const auto number = [&](const char* name) { return tune::to_number(*params.find(name)).value(); };
    seed_ = seed;
    network_ = std::make_unique<Network>(Network::Settings{static_cast<int>(number("width")), number("learning_rate"), number("momentum"),
                                                           number("weight_decay"), static_cast<int>(number("batch"))},
                                         seed);
  }

  tune::Metrics step(std::int64_t step) override {
    network_->train(data_.train, seed_, step, alone_);
    const auto score = network_->score(data_.test);
    return {{"loss", score.loss}, {"accuracy", score.accuracy}};
  }

  std::int64_t max_steps() const override { return 27; }

  void save(const std::filesystem::path& folder) override {
    std::ofstream out{folder / "network", std::ios::binary};
    network_->write(out);
    if (!out.flush()) throw std::runtime_error("cannot write the checkpoint");
  }

  void restore(const std::filesystem::path& folder, std::int64_t) override {
    std::ifstream in{folder / "network", std::ios::binary};
    network_->read(in);
  }

 private:
  const Data& data_;
  std::uint64_t seed_ = 0;
  std::unique_ptr<Network> network_;
  tune::SingleRank alone_;
};

/// Says who leads.
class Leader final : public tune::Watcher {
 public:
  void on_durable(const tune::Record& record, const tune::History& history) override {
    if (!record.as<tune::Settle>() || !history.best() || history.best() == leader_) return;
    leader_ = history.best();
    const tune::Trial& trial = history.trial(*leader_);
    std::cout << "trial " << leader_->value << ": loss " << tune::to_text(trial.values.front()) << " after " << trial.last_step << " epochs\n";
    for (const auto& [name, value] : trial.params) std::cout << "    " << name << " = " << tune::to_text(value) << "\n";
  }

 private:
  std::optional<tune::TrialId> leader_;
};

}  // namespace

int main(int count, char** arguments) try {
  if (count < 3 || count > 4) {
    std::cerr << "usage: digits CONFIG IMAGES [STORE]\n";
    return 2;
  }
  const Data data = read_images(arguments[2]);
  tune::register_trainable("digits", [&data] { return std::make_unique<Digits>(data); });

  Leader leader;
  tune::SweepOptions options;
  options.store = count > 3 ? arguments[3] : "digits.db";
  options.watchers = {&leader};
  const auto outcome = tune::sweep(arguments[1], options);
  if (!outcome) {
    std::cerr << "digits: " << outcome.error().message << "\n" << outcome.error().hint << "\n";
    return 2;
  }
  return outcome->exit_code;
} catch (const std::exception& error) {
  std::cerr << "digits: " << error.what() << "\n";
  return 1;
}
