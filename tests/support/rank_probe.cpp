// SPDX-License-Identifier: Apache-2.0
// One rank of as many as there are, over whatever its environment says: ends with 1 if a result is not what it should be.
#include <cstdio>
#include <vector>

#include "ui/communicator/communicator.hpp"

int main() {
  const auto ranks = tune::communicator_from_environment();
  const int size = ranks->size();
  const auto place = static_cast<double>(ranks->rank());
  std::vector<double> sum(1 << 20, place), least{place};
  ranks->all_reduce(sum);
  ranks->all_reduce(least, tune::Reduction::min);
  std::vector<double> tenth(1000, 0.1 * (place + 1));
  ranks->all_reduce(tenth);
  std::vector<double> of_last = tenth;
  ranks->broadcast(of_last, size - 1);
  std::vector<std::int64_t> wide{ranks->rank()};
  ranks->broadcast(wide, size - 1);
  std::vector<float> narrow{1};
  ranks->all_reduce(narrow, tune::Reduction::sum);
  ranks->barrier();
  const std::string text = ranks->broadcast_text(ranks->rank() == 0 ? "stop" : "");
  const bool right = sum == std::vector<double>(sum.size(), size * (size - 1) / 2.0) && least[0] == 0 && tenth == of_last && wide[0] == size - 1 &&
                     narrow[0] == static_cast<float>(size) && text == "stop";
  if (ranks->rank() == 0) std::printf("%d ranks %s\n", size, right ? "agree" : "disagree");
  return right ? 0 : 1;
}
