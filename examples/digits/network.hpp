// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <iosfwd>
#include <vector>

#include "images.hpp"
#include "tuner/communicator.hpp"

/// A perceptron with one hidden layer of rectified units, trained by stochastic gradient descent with momentum on the
/// cross entropy of a softmax.
class Network {
 public:
  struct Settings {
    int width = 32;
    double learning_rate = 0.1;
    double momentum = 0.9;
    double weight_decay = 0;
    int batch = 32;  ///< Of all ranks together.
  };

  Network(const Settings&, std::uint64_t seed);

  /// One pass over the images in an order drawn from (seed, epoch): a network that was written and read back goes on
  /// exactly as one that never stopped. Each rank takes its share of every batch, and all have the same network afterwards: but for
  /// rounding the one that a single rank would have.
  void train(const Images&, std::uint64_t seed, std::int64_t epoch, tune::Communicator& ranks);

  struct Score {
    double loss = 0;      ///< Mean cross entropy; infinite or NaN once training has diverged.
    double accuracy = 0;  ///< Share of images whose digit was found.
  };
  Score score(const Images&) const;

  void write(std::ostream&) const;
  void read(std::istream&);  ///< Throws std::runtime_error if the stream ends early or is of another size.

 private:
  /// All weights and biases in one vector, so that a gradient is one message; a layer is a view of its part of one.
  template <class Matrix, class Vector>
  struct Layer {
    Matrix weights;
    Vector bias;
  };
  template <class Numbers>
  auto layers(Numbers& numbers) const;

  struct Activations {
    Eigen::MatrixXd hidden, probabilities;
  };
  Activations forward(const Eigen::MatrixXd& pixels) const;
  /// Adds the gradient of these images' loss.
  void add_gradient(const Images&, const std::vector<Eigen::Index>& which, Eigen::VectorXd& gradient) const;
  void descend(const Eigen::VectorXd& gradient, double images);

  Settings settings_;
  Eigen::VectorXd parameters_, speed_;
};
