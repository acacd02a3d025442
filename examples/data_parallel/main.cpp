// SPDX-License-Identifier: Apache-2.0
// The digits network trained by several workers, each of which computes its share of every gradient. The code is the same for one.
// usage: data_parallel IMAGES [PARAMETERS]     Leaves what it has learned in the file PARAMETERS.
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "../digits/network.hpp"
#include "ui/api/reporter.hpp"
#include "ui/communicator/communicator.hpp"

namespace {

constexpr std::int64_t kEpochs = 27;

/// What the next attempt goes on from.
struct Progress {
  std::int64_t epoch = 0;
  Network network;
};

void save(const Progress& progress, const std::string& path) {
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<const char*>(&progress.epoch), sizeof progress.epoch);
  progress.network.write(out);
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

void restore(Progress& progress, const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  in.read(reinterpret_cast<char*>(&progress.epoch), sizeof progress.epoch);
  progress.network.read(in);
}

void train(const Data& data, tune::Communicator& ranks, const std::string& learned) {
  tune::Reporter reporter;
  const auto number = [&](const char* name, double otherwise) { return reporter.parameter(name, otherwise); };
  const std::uint64_t seed = reporter.seed(1);
  Progress progress{0, Network({static_cast<int>(number("width", 32)), number("learning_rate", 0.1), number("momentum", 0.9),
                                number("weight_decay", 1e-5), static_cast<int>(number("batch", 32))},
                               seed)};
  if (!reporter.restore().empty()) restore(progress, reporter.restore());  // In every rank.
  while (progress.epoch < kEpochs) {
    progress.network.train(data.train, seed, ++progress.epoch, ranks);
    const auto score = progress.network.score(data.test);
    // Rank 0 reports; all get the answer, and so leave the loop together.
    const tune::Answer answer = reporter.report(ranks, progress.epoch, {{"loss", score.loss}, {"accuracy", score.accuracy}});
    if (ranks.rank() == 0 && answer.save()) {
      const std::string name = "epoch-" + std::to_string(progress.epoch);
      save(progress, reporter.checkpoint_folder() + "/" + name);
      reporter.saved(progress.epoch, name);
    }
    if (answer.stop()) break;
  }
  if (ranks.rank() == 0 && !learned.empty()) save(progress, learned);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2 || count > 3) {
    std::cerr << "usage: data_parallel IMAGES [PARAMETERS]\n";
    return 2;
  }
  const auto ranks = tune::communicator_from_environment();
  train(read_images(arguments[1]), *ranks, count > 2 ? arguments[2] : "");
} catch (const std::exception& error) {
  std::cerr << "data_parallel: " << error.what() << "\n";
  return 1;
}
