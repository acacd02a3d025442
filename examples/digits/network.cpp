// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <algorithm>
#include <cmath>
#include <istream>
#include <numeric>
#include <ostream>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "tuner/rng.hpp"

namespace {

constexpr Eigen::Index kPixels = 64, kDigits = 10;

/// He's initialisation: variance 2 / inputs, which keeps the signal's size through rectified units.
Eigen::MatrixXd random_weights(Eigen::Index outputs, Eigen::Index inputs, tune::Rng rng) {
  const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
  return Eigen::MatrixXd::NullaryExpr(outputs, inputs, [&] { return deviation * rng.normal(); });
}

std::vector<Eigen::Index> shuffled(Eigen::Index n, tune::Rng rng) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace

template <class Numbers>
auto Network::layers(Numbers& numbers) const {
  constexpr bool constant = std::is_const_v<Numbers>;
  using Matrix = Eigen::Map<std::conditional_t<constant, const Eigen::MatrixXd, Eigen::MatrixXd>>;
  using Vector = Eigen::Map<std::conditional_t<constant, const Eigen::VectorXd, Eigen::VectorXd>>;
  struct Both {
    Layer<Matrix, Vector> hidden, out;
  };
  const Eigen::Index width = settings_.width;
  auto* at = numbers.data();
  const auto next = [&](Eigen::Index count) { return std::exchange(at, at + count); };
  const auto layer = [&](Eigen::Index outputs, Eigen::Index inputs) {
    return Layer<Matrix, Vector>{Matrix(next(outputs * inputs), outputs, inputs), Vector(next(outputs), outputs)};
  };
  return Both{layer(width, kPixels), layer(kDigits, width)};
}

Network::Network(const Settings& settings, std::uint64_t seed)
    : settings_(settings), parameters_(Eigen::VectorXd::Zero(settings.width * (kPixels + 1) + kDigits * (settings.width + 1))), speed_(0 * parameters_) {
  auto own = layers(parameters_);
  own.hidden.weights = random_weights(settings.width, kPixels, tune::Rng{seed, 1});
  own.out.weights = random_weights(kDigits, settings.width, tune::Rng{seed, 2});
}

Network::Activations Network::forward(const Eigen::MatrixXd& pixels) const {
  const auto own = layers(parameters_);
  Activations a;
  a.hidden = ((own.hidden.weights * pixels).colwise() + own.hidden.bias).cwiseMax(0.0);
  a.probabilities = (own.out.weights * a.hidden).colwise() + own.out.bias;
  for (auto column : a.probabilities.colwise()) {
    column = (column.array() - column.maxCoeff()).exp();
    column /= column.sum();
  }
  return a;
}

void Network::add_gradient(const Images& images, const std::vector<Eigen::Index>& which, Eigen::VectorXd& gradient) const {
  const Eigen::MatrixXd pixels = images.pixels(Eigen::all, which);
  const Activations a = forward(pixels);
  Eigen::MatrixXd error = a.probabilities;
  for (std::size_t i = 0; i < which.size(); ++i) error(images.digits[static_cast<std::size_t>(which[i])], static_cast<Eigen::Index>(i)) -= 1;
  const Eigen::MatrixXd below =
      (layers(parameters_).out.weights.transpose() * error).cwiseProduct((a.hidden.array() > 0).cast<double>().matrix());
  auto sum = layers(gradient);
  sum.out.weights += error * a.hidden.transpose();
  sum.out.bias += error.rowwise().sum();
  sum.hidden.weights += below * pixels.transpose();
  sum.hidden.bias += below.rowwise().sum();
}

void Network::descend(const Eigen::VectorXd& gradient, double images) {
  speed_ = settings_.momentum * speed_ - settings_.learning_rate / images * gradient;
  auto speed = layers(speed_);
  const auto own = layers(parameters_);
  speed.hidden.weights -= settings_.learning_rate * settings_.weight_decay * own.hidden.weights;
  speed.out.weights -= settings_.learning_rate * settings_.weight_decay * own.out.weights;
  parameters_ += speed_;
}

void Network::train(const Images& images, std::uint64_t seed, std::int64_t epoch, tune::Communicator& ranks) {
  const auto order = shuffled(images.size(), tune::Rng{seed, 1000 + static_cast<std::uint64_t>(epoch)});
  const auto rank = static_cast<std::size_t>(ranks.rank()), size = static_cast<std::size_t>(ranks.size());
  Eigen::VectorXd gradient;
  for (std::size_t begin = 0; begin < order.size(); begin += static_cast<std::size_t>(settings_.batch)) {
    const std::size_t end = std::min(order.size(), begin + static_cast<std::size_t>(settings_.batch));
    std::vector<Eigen::Index> share;
    for (std::size_t i = begin + rank; i < end; i += size) share.push_back(order[i]);
    gradient.setZero(parameters_.size());
    if (!share.empty()) add_gradient(images, share, gradient);
    ranks.all_reduce(std::span{gradient.data(), static_cast<std::size_t>(gradient.size())});
    descend(gradient, static_cast<double>(end - begin));
  }
}

Network::Score Network::score(const Images& images) const {
  const Activations a = forward(images.pixels);
  Score score;
  for (Eigen::Index i = 0; i < images.size(); ++i) {
    Eigen::Index found = 0;
    a.probabilities.col(i).maxCoeff(&found);
    const int digit = images.digits[static_cast<std::size_t>(i)];
    score.accuracy += found == digit;
    // A probability that underflowed counts as the smallest one, not as infinitely wrong.
    score.loss -= std::log(std::max(a.probabilities(digit, i), 1e-12));
  }
  score.loss /= static_cast<double>(images.size());
  score.accuracy /= static_cast<double>(images.size());
  return score;
}

void Network::write(std::ostream& out) const {
  for (const auto* numbers : {&parameters_, &speed_})
    out.write(reinterpret_cast<const char*>(numbers->data()), numbers->size() * static_cast<Eigen::Index>(sizeof(double)));
}

void Network::read(std::istream& in) {
  for (auto* numbers : {&parameters_, &speed_})
    in.read(reinterpret_cast<char*>(numbers->data()), numbers->size() * static_cast<Eigen::Index>(sizeof(double)));
  if (!in || in.peek() != std::istream::traits_type::eof()) throw std::runtime_error("the checkpoint is of another network");
}
