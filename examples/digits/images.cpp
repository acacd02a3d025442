// SPDX-License-Identifier: Apache-2.0
#include "images.hpp"

#include <fstream>
#include <stdexcept>

Data read_images(const std::string& path) {
  std::ifstream in{path};
  if (!in) throw std::runtime_error("cannot open " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (line.size() == 66) lines.push_back(line);  // Comments are not.
  if (lines.empty()) throw std::runtime_error(path + " holds no images");
  const auto pick = [&](bool test) {
    Images images;
    std::vector<const std::string*> chosen;
    for (std::size_t i = 0; i < lines.size(); ++i)
      if ((i % 5 == 0) == test) chosen.push_back(&lines[i]);
    images.pixels.resize(64, static_cast<Eigen::Index>(chosen.size()));
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      images.digits.push_back((*chosen[i])[0] - '0');
      for (int p = 0; p < 64; ++p)
        images.pixels(p, static_cast<Eigen::Index>(i)) = ((*chosen[i])[static_cast<std::size_t>(p) + 2] - 'A') / 16.0;
    }
    return images;
  };
  return {pick(false), pick(true)};
}
