// SPDX-License-Identifier: Apache-2.0
// CPU time of one suggestion, and of learning one trial, once a sampler knows n trials: medians over 30 questions, between
// which a trial is learned. The trials before are drawn at random; the objective is a rotated bowl with noise.
//   bench_suggest [SAMPLER [D [N...]]]      SAMPLER: tpe, or '{"type": "tpe", "profile": "optuna5"}'
#include <cmath>
#include <ctime>

#include "bench/support.hpp"
#include "search/all.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

double cpu_now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::string config(const std::string& search, int d) {
  std::string params;
  for (int i = 0; i < d; ++i)
    params += (i ? ", " : "") + ("\"x" + std::to_string(i)) + R"(": {"type": "uniform", "min": 0, "max": 1})";
  return R"({"name": "suggest", "params": {)" + params + R"(}, "objective": {"metric": "loss", "goal": "minimize"}, "search": )" +
         (search.starts_with("{") ? search : "{\"type\": \"" + search + "\"}") +
         R"(, "command": ["true"], "stop": {"trials": 100000}})";
}

/// A sampler and the experiment it is told of.
class Line {
 public:
  explicit Line(const Spec& spec) : space_(spec.space) {
    for (const auto& entry : samplers())
      if (entry.info.name == spec.search.type)
        sampler_ = entry.make({space_, spec.objectives, 1, spec.search.options}).value();
  }
  Sampler::Proposal ask() const {
    const auto p = sampler_->propose({next_}, Rng{1, Purpose::propose, next_});
    if (!p) std::fputs("nothing was proposed\n", stderr), std::exit(1);
    return *p;
  }
  Params random() {
    std::vector<double> unit(space_.size());
    for (double& u : unit) u = rng_.uniform();
    return space_.decode(unit);
  }
  void learn(const Params& params, const Note& note) {
    Propose p;
    p.trial = {next_}, p.params = params, p.source = "sampler";
    decide(std::move(p), note);
    double sum = 0, last = 0;
    for (const auto& [name, value] : params) {
      const double x = *to_number(value) - 0.4;
      sum += (x + 0.5 * last) * (x + 0.5 * last), last = x;
    }
    Settle s;
    s.trial = {next_++}, s.values = {sum + 0.01 * rng_.uniform()};
    decide(std::move(s), {});
  }

 private:
  void decide(Decision d, const Note& note) { sampler_->learn({++seq_, {}, 1, Decided{std::move(d), {0, "", "", note}}}); }

  const Space& space_;
  std::unique_ptr<Sampler> sampler_;
  Rng rng_{7, 7};
  Seq seq_ = 0;
  std::int64_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string search = argc > 1 ? argv[1] : "tpe";
  const int d = argc > 2 ? std::atoi(argv[2]) : 10;
  std::vector<long> sizes;
  for (int i = 3; i < argc; ++i) sizes.push_back(std::atol(argv[i]));
  if (sizes.empty()) sizes = {100, 250, 500, 1000, 10000};
  const Spec s = spec(config(search, d));
  for (const long n : sizes) {
    Line line{s};
    for (long i = 0; i < n; ++i) line.learn(line.random(), {});
    std::vector<double> asking, learning;
    for (int i = 0; i < 30; ++i) {
      const double began = cpu_now();
      const auto p = line.ask();
      const double asked = cpu_now();
      line.learn(p.params, p.note);
      learning.push_back(cpu_now() - asked), asking.push_back(asked - began);
    }
    std::printf("%s d %d n %ld: %.4f ms a suggestion, %.4f ms to learn a trial (CPU, median of 30)\n", search.c_str(), d, n,
                median(asking) * 1e3, median(learning) * 1e3);
  }
}
