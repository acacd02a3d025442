// SPDX-License-Identifier: Apache-2.0
// A population that finds a schedule: an adaptive filter learns the echo of a room from noisy sound (normalised least mean
// squares; Haykin, "Adaptive Filter Theory", chapter 7). A large step size learns fast and stays noisy, a small one is still learning
// at the end; none is as good as one that falls while the filter improves.
// usage: echo CONFIG STORE
#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "tuner/rng.hpp"
#include "ui/api/tune.hpp"

namespace {

constexpr std::size_t kTaps = 64;
constexpr int kSamplesAStep = 100;
constexpr double kNoise = 0.3;  // Beside an echo of about unit power: other people in the room.
constexpr std::uint64_t kRoom = 7;

using Filter = std::array<double, kTaps>;

/// What the room does to sound: echoes that fade.
Filter room() {
  tune::Rng rng{kRoom, 0};
  Filter out{};
  for (std::size_t i = 0; i < kTaps; ++i) out[i] = 0.5 * rng.normal() * std::exp(-static_cast<double>(i) / 8);
  return out;
}

class EchoCanceller final : public tune::SteppedTrainable {
 public:
  void setup(const tune::Params& params, std::uint64_t seed) override {
    step_size_ = tune::to_number(*params.find("step_size")).value();
    seed_ = seed;
    learned_ = {};
  }

  tune::Metrics step(std::int64_t step) override {
    tune::Rng rng{seed_, static_cast<std::uint64_t>(step)};
    Filter heard{};  // The last samples that the loudspeaker played, newest first.
    for (double& x : heard) x = rng.normal();
    for (int i = 0; i < kSamplesAStep; ++i) {
      std::rotate(heard.begin(), heard.end() - 1, heard.end());
      heard[0] = rng.normal();
      double echo = kNoise * rng.normal(), guess = 0, power = 1e-9;
      for (std::size_t k = 0; k < kTaps; ++k) {
        echo += room_[k] * heard[k];
        guess += learned_[k] * heard[k];
        power += heard[k] * heard[k];
      }
      for (std::size_t k = 0; k < kTaps; ++k) learned_[k] += step_size_ * (echo - guess) * heard[k] / power;
    }
    return {{"echo", remaining()}};
  }

  std::int64_t max_steps() const override { return 80; }

  void save(const std::filesystem::path& folder) override {
    std::ofstream out{folder / "filter", std::ios::binary};
    out.write(reinterpret_cast<const char*>(learned_.data()), sizeof learned_);
    if (!out.flush()) throw std::runtime_error("cannot write the checkpoint");
  }

  void restore(const std::filesystem::path& folder, std::int64_t) override {
    std::ifstream in{folder / "filter", std::ios::binary};
    if (!in.read(reinterpret_cast<char*>(learned_.data()), sizeof learned_)) throw std::runtime_error("the checkpoint is damaged");
  }

 private:
  /// The share of the echo's power that is left, in decibels: 0 where nothing was learned. What is left of white sound.
  double remaining() const {
    double left = 0, all = 0;
    for (std::size_t k = 0; k < kTaps; ++k) left += std::pow(room_[k] - learned_[k], 2), all += room_[k] * room_[k];
    return 10 * std::log10(left / all);
  }

  const Filter room_ = room();
  double step_size_ = 0;
  std::uint64_t seed_ = 0;
  Filter learned_{};
};

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) {
    std::cerr << "usage: echo CONFIG STORE\n";
    return 2;
  }
  tune::register_trainable("echo", [] { return std::make_unique<EchoCanceller>(); });
  tune::SweepOptions options;
  options.store = arguments[2];
  const auto outcome = tune::sweep(arguments[1], options);
  if (!outcome) {
    std::cerr << "echo: " << outcome.error().message << "\n" << outcome.error().hint << "\n";
    return 2;
  }
  return outcome->exit_code;
} catch (const std::exception& error) {
  std::cerr << "echo: " << error.what() << "\n";
  return 1;
}
