// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <iosfwd>
#include <vector>

/// Images as columns of 64 numbers in [0, 1], and the digit that each shows.
struct Images {
  Eigen::MatrixXf pixels;
  std::vector<int> digits;
  Eigen::Index size() const { return pixels.cols(); }
};

/// A perceptron with one hidden layer of rectified units, trained by stochastic gradient descent with momentum on the
/// cross entropy of a softmax.
class Network {
 public:
  struct Settings {
    int width = 32;
    float learning_rate = 0.1f;
    float momentum = 0.9f;
    float weight_decay = 0;
    int batch = 32;
  };

  Network(const Settings&, std::uint64_t seed);

  /// One pass over the images in an order drawn from (seed, epoch): a network that was written and read back goes on
  /// exactly as one that never stopped.
  void train(const Images&, std::uint64_t seed, std::int64_t epoch);

  struct Score {
    double loss = 0;      ///< Mean cross entropy; infinite or NaN once training has diverged.
    double accuracy = 0;  ///< Share of images whose digit was found.
  };
  Score score(const Images&) const;

  void write(std::ostream&) const;
  void read(std::istream&);  ///< Throws std::runtime_error if the stream ends early or is of another size.

 private:
  struct Layer {
    Eigen::MatrixXf weights, weights_speed;
    Eigen::VectorXf bias, bias_speed;
  };
  struct Activations {
    Eigen::MatrixXf hidden, probabilities;
  };
  Activations forward(const Eigen::MatrixXf& pixels) const;
  void descend(Layer&, const Eigen::MatrixXf& input, const Eigen::MatrixXf& gradient);
  template <class Visit>
  static void for_each_block(Layer& layer, Visit visit);

  Settings settings_;
  Layer hidden_, out_;
};
