// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <algorithm>
#include <cmath>
#include <istream>
#include <numeric>
#include <ostream>
#include <stdexcept>

#include "tuner/rng.hpp"

namespace {

constexpr int kPixels = 64, kDigits = 10;

/// He's initialisation: variance 2 / inputs, which keeps the signal's size through rectified units.
Eigen::MatrixXf random_weights(int outputs, int inputs, tune::Rng rng) {
  const double deviation = std::sqrt(2.0 / inputs);
  return Eigen::MatrixXf::NullaryExpr(outputs, inputs, [&] { return static_cast<float>(deviation * rng.normal()); });
}

std::vector<Eigen::Index> shuffled(Eigen::Index n, tune::Rng rng) {
  std::vector<Eigen::Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  return order;
}

}  // namespace

Network::Network(const Settings& settings, std::uint64_t seed) : settings_(settings) {
  const auto make = [&](int outputs, int inputs, std::uint64_t stream) {
    return Layer{random_weights(outputs, inputs, tune::Rng{seed, stream}), Eigen::MatrixXf::Zero(outputs, inputs),
                 Eigen::VectorXf::Zero(outputs), Eigen::VectorXf::Zero(outputs)};
  };
  hidden_ = make(settings.width, kPixels, 1);
  out_ = make(kDigits, settings.width, 2);
}

Network::Activations Network::forward(const Eigen::MatrixXf& pixels) const {
  Activations a;
  a.hidden = ((hidden_.weights * pixels).colwise() + hidden_.bias).cwiseMax(0.0f);
  a.probabilities = (out_.weights * a.hidden).colwise() + out_.bias;
  for (auto column : a.probabilities.colwise()) {
    column = (column.array() - column.maxCoeff()).exp();
    column /= column.sum();
  }
  return a;
}

void Network::descend(Layer& layer, const Eigen::MatrixXf& input, const Eigen::MatrixXf& gradient) {
  const float share = settings_.learning_rate / static_cast<float>(input.cols());
  layer.weights_speed = settings_.momentum * layer.weights_speed - share * gradient * input.transpose() -
                        settings_.learning_rate * settings_.weight_decay * layer.weights;
  layer.bias_speed = settings_.momentum * layer.bias_speed - share * gradient.rowwise().sum();
  layer.weights += layer.weights_speed;
  layer.bias += layer.bias_speed;
}

void Network::train(const Images& images, std::uint64_t seed, std::int64_t epoch) {
  const auto order = shuffled(images.size(), tune::Rng{seed, 1000 + static_cast<std::uint64_t>(epoch)});
  for (std::size_t begin = 0; begin < order.size(); begin += static_cast<std::size_t>(settings_.batch)) {
    const std::size_t end = std::min(order.size(), begin + static_cast<std::size_t>(settings_.batch));
    const std::vector<Eigen::Index> batch(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                          order.begin() + static_cast<std::ptrdiff_t>(end));
    const Eigen::MatrixXf pixels = images.pixels(Eigen::all, batch);
    const Activations a = forward(pixels);
    Eigen::MatrixXf gradient = a.probabilities;
    for (std::size_t i = 0; i < batch.size(); ++i)
      gradient(images.digits[static_cast<std::size_t>(batch[i])], static_cast<Eigen::Index>(i)) -= 1;
    const Eigen::MatrixXf below =
        (out_.weights.transpose() * gradient).cwiseProduct((a.hidden.array() > 0).cast<float>().matrix());
    descend(out_, a.hidden, gradient);
    descend(hidden_, pixels, below);
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
    score.loss -= std::log(std::max(a.probabilities(digit, i), 1e-12f));
  }
  score.loss /= static_cast<double>(images.size());
  score.accuracy /= static_cast<double>(images.size());
  return score;
}

template <class Visit>
void Network::for_each_block(Layer& layer, Visit visit) {
  for (Eigen::MatrixXf* m : {&layer.weights, &layer.weights_speed}) visit(m->data(), m->size());
  for (Eigen::VectorXf* v : {&layer.bias, &layer.bias_speed}) visit(v->data(), v->size());
}

void Network::write(std::ostream& out) const {
  Network copy = *this;
  for (Layer* layer : {&copy.hidden_, &copy.out_})
    for_each_block(*layer, [&](const float* numbers, Eigen::Index n) {
      out.write(reinterpret_cast<const char*>(numbers), static_cast<std::streamsize>(n * sizeof(float)));
    });
}

void Network::read(std::istream& in) {
  for (Layer* layer : {&hidden_, &out_})
    for_each_block(*layer, [&](float* numbers, Eigen::Index n) {
      in.read(reinterpret_cast<char*>(numbers), static_cast<std::streamsize>(n * sizeof(float)));
    });
  if (!in || in.peek() != std::istream::traits_type::eof()) throw std::runtime_error("the checkpoint is of another network");
}
