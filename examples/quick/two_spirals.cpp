// SPDX-License-Identifier: Apache-2.0
// A network with one hidden layer that learns to tell two spirals apart: a classic that is easy to state and hard to fit.
// It knows tune only through the reporter's one header, and runs by hand as well: two_spirals --learning_rate=0.5
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "ui/api/reporter.hpp"

namespace {

struct Point {
  double x, y, label;
};

/// 97 points on each of two arms that wind around each other one and a half times.
std::vector<Point> two_spirals() {
  std::vector<Point> points;
  for (int i = 0; i < 97; ++i) {
    const double angle = i * 3.141592653589793 / 32, radius = 1 - i / 104.0;
    points.push_back({radius * std::sin(angle), radius * std::cos(angle), 1});
    points.push_back({-radius * std::sin(angle), -radius * std::cos(angle), 0});
  }
  return points;
}

/// Sine units: a = sin(frequency * (w x + b)), one logistic output.
class Network {
 public:
  Network(int width, double frequency) : in_(static_cast<std::size_t>(width)), out_(in_.size()), speed_in_(in_.size()), speed_out_(in_.size()) {
    std::uint64_t state = 42;
    const auto uniform = [&] {  // A fixed generator: the same start on every machine.
      state = state * 6364136223846793005u + 1442695040888963407u;
      return static_cast<double>(state >> 11) * 0x1p-52 - 1;
    };
    for (auto& unit : in_) unit = {frequency * 3 * uniform(), frequency * 3 * uniform(), 3 * uniform()};
    for (auto& weight : out_) weight = uniform() / std::sqrt(width);
  }

  /// One pass over all points with momentum; the mean cross entropy before it.
  double train(const std::vector<Point>& points, double rate, double momentum) {
    std::vector<Unit> slope_in(in_.size());
    std::vector<double> slope_out(out_.size());
    double loss = 0, slope_bias = 0;
    for (const Point& p : points) {
      double sum = bias_;
      for (std::size_t i = 0; i < in_.size(); ++i) sum += out_[i] * std::sin(in_[i].of(p));
      // log(1 + e^-s) without overflow.
      loss += std::log1p(std::exp(-std::abs(sum))) + std::max(sum, 0.0) - sum * p.label;
      const double error = 1 / (1 + std::exp(-sum)) - p.label;
      slope_bias += error;
      for (std::size_t i = 0; i < in_.size(); ++i) {
        slope_out[i] += error * std::sin(in_[i].of(p));
        const double below = error * out_[i] * std::cos(in_[i].of(p));
        slope_in[i].x += below * p.x;
        slope_in[i].y += below * p.y;
        slope_in[i].bias += below;
      }
    }
    const double share = rate / static_cast<double>(points.size());
    const auto descend = [&](double& weight, double& speed, double slope) { weight += speed = momentum * speed - share * slope; };
    for (std::size_t i = 0; i < in_.size(); ++i) {
      descend(in_[i].x, speed_in_[i].x, slope_in[i].x);
      descend(in_[i].y, speed_in_[i].y, slope_in[i].y);
      descend(in_[i].bias, speed_in_[i].bias, slope_in[i].bias);
      descend(out_[i], speed_out_[i], slope_out[i]);
    }
    descend(bias_, speed_bias_, slope_bias);
    return loss / static_cast<double>(points.size());
  }

 private:
  struct Unit {
    double x = 0, y = 0, bias = 0;
    double of(const Point& p) const { return x * p.x + y * p.y + bias; }
  };
  std::vector<Unit> in_;
  std::vector<double> out_;
  std::vector<Unit> speed_in_;
  std::vector<double> speed_out_;
  double bias_ = 0, speed_bias_ = 0;
};

double option(int count, char** arguments, const char* name, double fallback) {
  for (int i = 1; i < count; ++i)
    if (std::strncmp(arguments[i], name, std::strlen(name)) == 0) return std::strtod(arguments[i] + std::strlen(name), nullptr);
  return fallback;
}

}  // namespace

int main(int count, char** arguments) {
  const double rate = option(count, arguments, "--learning_rate=", 0.3), momentum = option(count, arguments, "--momentum=", 0.9);
  Network network(static_cast<int>(option(count, arguments, "--width=", 16)), option(count, arguments, "--frequency=", 1));
  const auto points = two_spirals();

  tune::Reporter tuner;
  double loss = 0;
  for (int epoch = 1; epoch <= 81; ++epoch) {
    for (int pass = 0; pass < 10; ++pass) loss = network.train(points, rate, momentum);
    tuner.post(epoch, {{"loss", loss}});  // Epochs are short: waiting for an answer to each would take longer than they do.
    if (tuner.poll().stop()) return 0;
  }
  std::printf("loss %.4f\n", loss);
}
