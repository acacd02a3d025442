// SPDX-License-Identifier: Apache-2.0
// Durable reports a second from child processes that do nothing but report: written by the children as lines of JSON, read,
// parsed, folded, learned by the policies and committed.
//   bench_reports [ROUNDS] [CHILDREN] [REPORTS_EACH]
#include <unistd.h>

#include "bench/support.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

int child(long reports) {
  const char* number = std::getenv("TUNE_FD");
  if (!number) return 2;
  FILE* out = ::fdopen(std::atoi(number), "w");
  std::vector<char> buffer(1 << 16);
  std::setvbuf(out, buffer.data(), _IOFBF, buffer.size());
  for (long step = 1; step <= reports; ++step)
    std::fprintf(out, "{\"step\":%ld,\"loss\":%.6g,\"accuracy\":%.6g,\"rate\":%.6g}\n", step, 1.0 / static_cast<double>(step),
                 0.5 + 1e-7 * static_cast<double>(step), 1234.5);
  return std::fclose(out) == 0 ? 0 : 1;
}

/// When the first and the last report became durable.
class Span final : public Watcher {
 public:
  void on_durable(const Record& r, const History&) override {
    if (!r.as<Reported>()) return;
    last = now();
    if (count++ == 0) first = last;
  }
  double first = 0, last = 0;
  long count = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string{argv[1]} == "child") return child(std::atol(argv[2]));
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5, children = argc > 2 ? std::atoi(argv[2]) : 8;
  const long each = argc > 3 ? std::atol(argv[3]) : 100'000;
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  Folder folder;
  std::vector<double> rates;
  for (int r = 0; r < rounds; ++r) {
    Span span;
    const auto sweep = open(R"({"name": "reports", "command": [")" + self + R"(", "child", ")" + std::to_string(each) + R"("],
      "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss", "goal": "minimize"},
      "search": {"type": "random"}, "scheduler": {"type": "median", "min_step": 1000000000},
      "executor": {"type": "process", "parallel": )" + std::to_string(children) + R"(},
      "stop": {"trials": )" + std::to_string(children) + "}}", folder / ("reports-" + std::to_string(r) + ".db"), {&span});
    const double cpu = cpu_seconds();
    run(*sweep);
    const double rate = static_cast<double>(span.count) / (span.last - span.first);
    rates.push_back(rate);
    std::printf("round %d: %ld reports, %.0f reports/s durable, %.2f us of our CPU each\n", r + 1, span.count, rate,
                (cpu_seconds() - cpu) / static_cast<double>(span.count) * 1e6);
  }
  std::printf("median: %.0f reports/s from %d children\n", median(rates), children);
}
