// SPDX-License-Identifier: Apache-2.0
#include "search/auto.hpp"

#include <catch2/catch.hpp>
#include <map>

using namespace tune;

namespace {

Dimension real(const std::string& name) {
  Dimension d;
  d.name = name, d.min = 0, d.max = 1;
  return d;
}

Space plane() { return Space::make({real("x"), real("y")}).value(); }

double number(const Params& p, const char* name) { return to_number(*p.find(name)).value(); }

double bowl(const Params& p) {
  const double x = number(p, "x") - 0.7, y = number(p, "y") - 0.2;
  return 3 * x * x + x * y + y * y;
}

class Line {
 public:
  explicit Line(Space s, std::size_t objectives = 1) : space_(std::move(s)), objectives_(objectives) {
    std::vector<Objective> all(objectives, Objective{"loss", false, {}, 1});
    sampler_ = auto_sampler().make({space_, all, 1, {}}).value();
  }
  /// One trial, its proposal taking so long; what the note says of the arm.
  std::string go(double seconds = 0, double trial_seconds = 1) {
    const auto p = sampler_->propose({next_}, Rng{1, static_cast<std::uint64_t>(next_)}).value();
    Propose d;
    d.trial = {next_}, d.params = p.params, d.source = "sampler", d.seconds = seconds;
    learn(Decided{d, {0, "", p.why, p.note}});
    learn(Started{{next_}, 1, 0, WorkerId{0}, 1});
    now_ += trial_seconds;
    Exited e;
    e.trial = {next_}, e.attempt = 1;
    learn(e);
    Settle s;
    s.trial = {next_++}, s.values = {bowl(p.params)};
    if (objectives_ > 1) s.values.push_back(number(p.params, "x"));
    best = std::min(best, s.values.front());
    learn(Decided{s, {}});
    why = p.why, note = p.note;
    return std::string{detail::NoteReader{p.note}.text("arm").value_or("")};
  }
  double best = HUGE_VAL;
  std::string why, note;

 private:
  void learn(std::variant<Observation, Decided> fact) { sampler_->learn({++seq_, {now_}, 1, std::move(fact)}); }
  Space space_;
  std::size_t objectives_;
  std::unique_ptr<Sampler> sampler_;
  Seq seq_ = 0;
  double now_ = 0;
  std::int64_t next_ = 0;
};

std::map<std::string, int> count(Line& line, int trials, double seconds = 0) {
  std::map<std::string, int> by_arm;
  for (int i = 0; i < trials; ++i) ++by_arm[line.go(seconds)];
  return by_arm;
}

}  // namespace

TEST_CASE("auto begins with a design, then its arms take turns and the note says who spoke") {
  Line line{plane()};
  auto arms = count(line, 5);
  CHECK(arms["start"] == 5);
  CHECK(line.go() == "local");
  CHECK(line.go() == "gp");
  CHECK(line.go() == "gp");
  CHECK(line.go() == "tpe");
  CHECK(line.note.find("\"turn\":3,\"for\":\"numeric parameters\"") != std::string::npos);
  CHECK(line.why.starts_with("Parzen estimator"));
}

TEST_CASE("auto finds the bottom of a bowl") {
  Line line{plane()};
  count(line, 30);
  CHECK(line.best < 1e-9);
}

TEST_CASE("auto steps down to cheap arms when models take more than a twentieth of a trial, and says so") {
  Line line{plane()};
  count(line, 10, 0.2);
  auto arms = count(line, 8, 0.2);
  CHECK(arms["gp"] == 0);
  CHECK(arms["tpe"] > 0);
  CHECK(line.why.find("quick trials") != std::string::npos);
}

TEST_CASE("auto serves several objectives without the local model") {
  Line line{plane(), 2};
  auto arms = count(line, 20);
  CHECK(arms["local"] == 0);
  CHECK(arms["gp"] > 0);
}
