// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <string>
#include <vector>

/// Images as columns of 64 numbers in [0, 1], and the digit that each shows.
struct Images {
  Eigen::MatrixXd pixels;
  std::vector<int> digits;
  Eigen::Index size() const { return pixels.cols(); }
};

/// Every fifth image is kept for judging.
struct Data {
  Images train, test;
};

/// Throws std::runtime_error if there is no such file or nothing in it.
Data read_images(const std::string& path);
