// SPDX-License-Identifier: Apache-2.0
#include "search/cmaes.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "search/cma/bounds.hpp"
#include "search/cma/categories.hpp"
#include "search/cma/margin.hpp"
#include "search/cma/strategy.hpp"

namespace tune {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using detail::CmaEs, detail::Bounds, detail::Margin, detail::Categories, detail::Restarts;

constexpr int kDraws = 100;              // For one that holds the constraints.
constexpr int kKnown = 64;               // Draws of known results, at most, for one that is new.
constexpr std::size_t kWarmTrials = 20;  // As many are worth learning from before the first draw.

/// What was drawn: a coordinate an axis of the space, before it is brought into the bounds and to a level.
using Draw = std::vector<double>;

/// Smaller is better: kind of outcome, then what is compared within the kind.
using Quality = std::tuple<int, double, double>;

Quality quality(const Observed& o) {
  if (o.state == Observed::State::failed || o.state == Observed::State::infeasible) return {4, 0, 0};
  if (o.violation() > 0) return {2, o.violation(), 0};
  if (!o.has_value()) return {3, 0, 0};
  if (o.state == Observed::State::complete) return {0, o.values.front(), 0};
  return {1, -static_cast<double>(o.step), o.values.front()};
}

struct Outcome {
  Draw draw;
  Quality quality;
  double value;  ///< Not finite where there is none.
};

/// Best and worst values of the last generations: flat if the search sees no more difference.
class Flatness {
 public:
  void learn(const std::vector<Outcome>& best_first, std::size_t axes) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (const auto& r : best_first)
      if (std::isfinite(r.value)) low = std::min(low, r.value), high = std::max(high, r.value);
    if (low > high) return;
    const std::size_t keep = 10 + (30 * axes + best_first.size() - 1) / best_first.size();
    ranges_.emplace_back(low, high);
    if (ranges_.size() > keep) ranges_.erase(ranges_.begin(), ranges_.end() - static_cast<std::ptrdiff_t>(keep));
    full_ = ranges_.size() == keep;
  }
  bool flat() const {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (const auto& [a, b] : ranges_) low = std::min(low, a), high = std::max(high, b);
    return full_ && high - low < 1e-12;
  }

 private:
  std::vector<std::pair<double, double>> ranges_;
  bool full_ = false;
};

class CmaArm final : public Arm {
 public:
  CmaArm(const Axes&, std::uint64_t seed, CmaOptions);
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;

 private:
  /// From the first draw to convergence.
  struct Run {
    std::int64_t number;
    Restarts::Run size;
    std::optional<CmaEs> gaussian;  // Absent: there are no numeric axes.
    std::optional<Margin> margin;
    Bounds bounds;
    Categories categories;
    std::int64_t generation = 0, results = 0;
    Flatness flatness{};
    bool over = false;
  };
  struct Sent {
    Draw draw;
    std::int64_t generation;
  };

  std::vector<double> origin(const Trials&) const;
  Run begin(const std::vector<double>& origin, const Trials&) const;
  Run make(std::int64_t number, Restarts::Run, CmaEs::Start) const;
  Run begin_again(std::int64_t number, Restarts::Run) const;
  Draw draw(const Run&, Rng&) const;
  Draw middle(const Run&, Rng&) const;
  Point point(const Run&, const Draw&) const;
  VectorXd numbers(const Draw&) const;
  bool fits(const Draw&) const;

  void sent(const Propose&, const detail::NoteReader&, const Trials&);
  void count(const Draw&, std::int64_t generation, const Observed&);
  void penalise();
  void end_generation();
  void end_run();
  Rng dice(std::int64_t run) const { return {seed_, Purpose::scramble, run, 1}; }

  const Axes* axes_;
  std::uint64_t seed_;
  CmaOptions options_;
  std::vector<std::size_t> numeric_, categorical_;
  std::size_t discrete_ = 0;
  Restarts restarts_;
  std::optional<Run> run_;                 // Absent before the first proposal of its own.
  std::map<std::int64_t, Sent> out_;       // Of this run, by trial.
  std::vector<Outcome> generation_;         // Results so far.
};

int population_of(const Axes& axes, const CmaOptions& o) {
  return o.population > 0 ? std::max(o.population, 4) : CmaEs::default_population(axes.size());
}

CmaArm::CmaArm(const Axes& axes, std::uint64_t seed, CmaOptions options)
    : axes_(&axes), seed_(seed), options_(std::move(options)),
      restarts_(options_.restarts, population_of(axes, options_), options_.sigma) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    (axes[i].kind == Axis::Kind::categorical ? categorical_ : numeric_).push_back(i);
    discrete_ += axes[i].kind != Axis::Kind::real;
  }
}

// --- runs -----------------------------------------------------------------------------------------------------------

CmaArm::Run CmaArm::make(std::int64_t number, Restarts::Run size, CmaEs::Start start) const {
  std::vector<std::size_t> counts;
  for (const std::size_t i : categorical_) counts.push_back(static_cast<std::size_t>((*axes_)[i].levels));
  std::vector<bool> bounded;
  for (const std::size_t i : numeric_) bounded.push_back((*axes_)[i].kind == Axis::Kind::real);
  Run run{number, size, {}, {}, Bounds{std::move(bounded)}, Categories{counts, Margin::of_mixed(discrete_)}};
  if (numeric_.empty()) return run;
  start.adapt_rates = options_.adapt_rates;
  run.gaussian.emplace(std::move(start));
  run.margin.emplace(*axes_, numeric_,
                     categorical_.empty() ? Margin::of_numbers(numeric_.size(), size.population) : Margin::of_mixed(discrete_));
  return run;
}

// Which trials the first run begins with: numbers of trials, best first; none: the middle of the space. They travel in
// the note, for by the time that the proposal is learned there may be others.
std::vector<double> CmaArm::origin(const Trials& trials) const {
  std::vector<double> out;
  if (options_.warm_start && trials.finished() >= kWarmTrials) {
    const auto ranked = trials.ranked();
    for (std::size_t k = 0; k < ranked.size() / 10 && trials.all()[ranked[k]].counts(); ++k)
      out.push_back(static_cast<double>(trials.all()[ranked[k]].trial.value));
  }
  if (out.size() < 2 && options_.incumbent && trials.best())
    out = {static_cast<double>(trials.all()[*trials.best()].trial.value)};
  return out.size() > 1 || options_.incumbent ? out : std::vector<double>{};
}

// With several trials: M. Nomura et al., "Warm starting CMA-ES for hyperparameter optimization", AAAI 2021 (arXiv
// 2012.06932), gamma = 0.1, alpha = 0.1. Chances of categories are those among the trials, each category counted once
// more.
CmaArm::Run CmaArm::begin(const std::vector<double>& origin, const Trials& trials) const {
  std::vector<const Point*> points;
  for (const double id : origin)
    for (const auto& o : trials.all())
      if (static_cast<double>(o.trial.value) == id) points.push_back(&o.point);
  const auto d = static_cast<Eigen::Index>(numeric_.size());
  CmaEs::Start start{VectorXd::Constant(d, 0.5), options_.sigma};
  if (!points.empty() && d > 0) {
    MatrixXd at(d, static_cast<Eigen::Index>(points.size()));
    for (Eigen::Index k = 0; k < at.cols(); ++k) at.col(k) = numbers(points[static_cast<std::size_t>(k)]->at);
    start.mean = at.rowwise().mean();
    if (points.size() > 1) {
      at.colwise() -= start.mean;
      const MatrixXd sigma = 0.01 * MatrixXd::Identity(d, d) + at * at.transpose() / static_cast<double>(at.cols());
      const double log_determinant = 2 * MatrixXd(sigma.llt().matrixL()).diagonal().array().log().sum();
      start.sigma = std::exp(log_determinant / (2 * static_cast<double>(d)));
      start.covariance = sigma / (start.sigma * start.sigma);
    }
  }
  Run run = make(0, restarts_.first(), std::move(start));
  for (std::size_t c = 0; c < categorical_.size() && !points.empty(); ++c) {
    std::vector<double> chances(run.categories.chances(c).size(), 1.0);
    for (const Point* p : points) chances[static_cast<std::size_t>(p->at[categorical_[c]])] += 1;
    for (double& x : chances) x /= static_cast<double>(points.size() + run.categories.chances(c).size());
    run.categories.begin(c, std::move(chances));
  }
  return run;
}

CmaArm::Run CmaArm::begin_again(std::int64_t number, Restarts::Run size) const {
  Rng rng = dice(number);
  VectorXd mean(static_cast<Eigen::Index>(numeric_.size()));
  for (double& x : mean) x = rng.uniform();
  return make(number, size, {std::move(mean), size.sigma});
}

// --- suggest --------------------------------------------------------------------------------------------------------

VectorXd CmaArm::numbers(const Draw& draw) const {
  VectorXd out(static_cast<Eigen::Index>(numeric_.size()));
  for (std::size_t i = 0; i < numeric_.size(); ++i) out[static_cast<Eigen::Index>(i)] = draw[numeric_[i]];
  return out;
}

Draw CmaArm::draw(const Run& run, Rng& rng) const {
  Draw out(axes_->size());
  for (int k = 0; k < kDraws; ++k) {
    if (run.gaussian) {
      const VectorXd x = run.gaussian->sample(rng);
      for (std::size_t i = 0; i < numeric_.size(); ++i) out[numeric_[i]] = x[static_cast<Eigen::Index>(i)];
    }
    const auto categories = run.categories.sample(rng);
    for (std::size_t c = 0; c < categorical_.size(); ++c) out[categorical_[c]] = static_cast<double>(categories[c]);
    if (axes_->allows(point(run, out))) break;
  }
  return out;
}

// The first trial of all: the mean, with categories drawn.
Draw CmaArm::middle(const Run& run, Rng& rng) const {
  Draw out = draw(run, rng);
  for (std::size_t i = 0; i < numeric_.size(); ++i) out[numeric_[i]] = run.gaussian->mean()[static_cast<Eigen::Index>(i)];
  return out;
}

Point CmaArm::point(const Run& run, const Draw& draw) const {
  Point p{draw, {}};
  for (std::size_t i = 0; i < numeric_.size(); ++i) p.at[numeric_[i]] = Bounds::nearest(run.margin->level(i, draw[numeric_[i]]));
  axes_->snap(p);
  return p;
}

std::optional<Suggestion> CmaArm::suggest(const Trials& trials, TrialId, Rng rng) const {
  if (axes_->size() == 0 || (run_ && run_->over)) return std::nullopt;
  std::optional<Run> first;
  detail::NoteWriter note;
  if (!run_) {
    const auto from = origin(trials);
    first = begin(from, trials);
    note.set("from", from);
  }
  const Run& run = run_ ? *run_ : *first;

  // What was tried before need not be tried again.
  Draw drawn;
  Point at;
  std::vector<double> known, known_draws;
  for (int k = 0; k < std::min(run.size.population, kKnown); ++k) {
    drawn = trials.all().empty() && k == 0 ? middle(run, rng) : draw(run, rng);
    at = point(run, drawn);
    if (!trials.contains(at)) break;
    for (const auto& o : trials.all()) {
      if (!(o.point == at) || !o.finished()) continue;
      known.push_back(static_cast<double>(o.trial.value));
      known_draws.insert(known_draws.end(), drawn.begin(), drawn.end());
      break;
    }
  }
  note.set("run", static_cast<double>(run.number)).set("generation", static_cast<double>(run.generation)).set("draw", drawn);
  if (run.gaussian) note.set("sigma", run.gaussian->sigma());
  if (!known.empty()) note.set("known", known).set("known_draws", known_draws);
  std::string why = "drawn in generation " + std::to_string(run.generation);
  if (run.number > 0) why += " after restart " + std::to_string(run.number);
  return Suggestion{std::move(at), std::move(why), note.take(), {}};
}

bool CmaArm::fits(const Draw& draw) const {
  if (draw.size() != axes_->size()) return false;
  for (const std::size_t i : numeric_)
    if (!std::isfinite(draw[i])) return false;
  return std::all_of(categorical_.begin(), categorical_.end(),
                     [&](std::size_t i) { return draw[i] >= 0 && draw[i] < static_cast<double>((*axes_)[i].levels); });
}

// --- learn ----------------------------------------------------------------------------------------------------------

void CmaArm::learn(const Record& r, const Trials& trials) {
  if (const auto note = detail::own_note(r, options_.name, true)) return sent(*r.as<Propose>(), *note, trials);
  std::optional<TrialId> ended;
  if (const auto* s = r.as<Settle>()) ended = s->trial;
  if (const auto* p = r.as<Pause>()) ended = p->trial;  // It may never be resumed.
  if (!ended) return;
  const auto it = out_.find(ended->value);
  if (it == out_.end()) return;
  const Sent was = std::move(it->second);
  out_.erase(it);
  if (const auto* o = trials.find(*ended); o && o->finished()) count(was.draw, was.generation, *o);
}

void CmaArm::sent(const Propose& p, const detail::NoteReader& note, const Trials& trials) {
  const auto* drawn = note.numbers("draw");
  if (!drawn || !fits(*drawn)) return;  // Of a space that has changed since.
  if (!run_) {
    const auto* from = note.numbers("from");
    run_ = begin(from ? *from : std::vector<double>{}, trials);
  }
  const auto run = static_cast<std::int64_t>(note.number("run").value_or(-1));
  const auto generation = static_cast<std::int64_t>(note.number("generation").value_or(-1));
  const auto* known = note.numbers("known");
  const auto* draws = note.numbers("known_draws");
  for (std::size_t k = 0; known && draws && k < known->size() && (k + 1) * axes_->size() <= draws->size(); ++k) {
    if (run != run_->number) return;
    const auto begin = draws->begin() + static_cast<std::ptrdiff_t>(k * axes_->size());
    const Draw one(begin, begin + static_cast<std::ptrdiff_t>(axes_->size()));
    const double id = (*known)[k];
    const auto o = std::find_if(trials.all().begin(), trials.all().end(),
                                [&](const Observed& x) { return static_cast<double>(x.trial.value) == id; });
    if (o != trials.all().end() && o->finished() && fits(one)) count(one, generation, *o);
  }
  if (run != run_->number || run_->over) return;
  // One that was moved stands for where it was moved to.
  if (!note.text("moved"))
    out_[p.trial.value] = {*drawn, generation};
  else if (const auto* o = trials.find(p.trial))
    out_[p.trial.value] = {o->point.at, -1};
}

void CmaArm::count(const Draw& draw, std::int64_t generation, const Observed& o) {
  if (run_->over) return;
  if (run_->gaussian && generation != run_->generation &&
      !(run_->gaussian->distance(numbers(draw)) < 3 * std::sqrt(static_cast<double>(numeric_.size()))))
    return;
  generation_.push_back({draw, quality(o), o.has_value() && o.violation() == 0 ? o.values.front() : HUGE_VAL});
  ++run_->results;
  if (generation_.size() >= std::max(static_cast<std::size_t>(run_->size.population), out_.size())) end_generation();
}

// Bounds are penalised where the objective's value is what counts.
void CmaArm::penalise() {
  std::vector<double> values;
  std::vector<VectorXd> draws;
  for (const auto& r : generation_) {
    draws.push_back(numbers(r.draw));
    if (std::isfinite(r.value)) values.push_back(r.value);
  }
  run_->bounds.learn(std::move(values));
  const auto penalties = run_->bounds.penalties(draws, *run_->gaussian);
  for (std::size_t k = 0; k < draws.size(); ++k)
    if (auto& [kind, value, rest] = generation_[k].quality; kind == 0) value += penalties[k];
}

void CmaArm::end_generation() {
  if (run_->gaussian) penalise();
  std::stable_sort(generation_.begin(), generation_.end(),
                   [](const Outcome& a, const Outcome& b) { return a.quality < b.quality; });
  std::vector<VectorXd> draws;
  std::vector<std::vector<std::size_t>> categories;
  for (const auto& r : generation_) {
    draws.push_back(numbers(r.draw));
    auto& c = categories.emplace_back();
    for (const std::size_t i : categorical_) c.push_back(static_cast<std::size_t>(r.draw[i]));
  }
  if (run_->gaussian) {
    run_->margin->centre(draws, *run_->gaussian);
    run_->gaussian->tell(draws);
    run_->margin->correct(*run_->gaussian);
  }
  run_->categories.tell(categories, CmaEs::recombination(static_cast<int>(generation_.size())));
  run_->flatness.learn(generation_, axes_->size());
  ++run_->generation;
  generation_.clear();
  if (run_->flatness.flat() || run_->results >= run_->size.most || (run_->gaussian && run_->gaussian->degenerate()))
    end_run();
}

void CmaArm::end_run() {
  out_.clear();  // What is still out belonged to the distribution that is given up.
  run_->over = true;
  if (!restarts_.any()) return;
  const std::int64_t number = run_->number + 1;
  run_ = begin_again(number, restarts_.next(run_->results, dice(-number)));
}

/// What neither of them serves.
std::optional<Error> refusal(const SamplerContext& c, std::string_view name) {
  if (c.objectives.size() <= 1) return std::nullopt;
  return Error{Error::Code::invalid, std::string{name} + " serves one objective, and there are " + std::to_string(c.objectives.size()), ""};
}

CmaOptions options_of(const SamplerContext& c, std::string name) {
  const auto number = [&](std::string_view option) {
    const Value* v = c.options.find(option);
    return v ? to_number(*v) : std::nullopt;
  };
  CmaOptions o;
  o.name = std::move(name);
  o.sigma = number("sigma").value_or(o.sigma);
  o.population = static_cast<int>(number("population").value_or(0));
  o.adapt_rates = number("adapt_rates").value_or(0) != 0;
  o.warm_start = number("warm_start").value_or(1) != 0;
  if (const Value* v = c.options.find("restarts")) {
    const std::string rule = to_text(*v);
    o.restarts = rule == "none" ? Restarts::Rule::none : rule == "ipop" ? Restarts::Rule::ipop : Restarts::Rule::bipop;
  }
  return o;
}

ArmSettings settings_of(std::string name) {
  ArmSettings s;
  s.name = std::move(name);
  s.starts = 0;         // It needs none: the first draw is the middle.
  s.guard = false;  // Equal results are a generation's business: they widen it or end the run.
  return s;
}

std::vector<Option> cma_options() {
  return {{"sigma", Option::Kind::number, "0.2", "First standard deviation, as a share of each parameter's range.", 1e-6, 1},
          {"population", Option::Kind::integer, "", "Results a generation; 4 + floor(3 ln d) if absent.", 4, 100000},
          {"restarts", Option::Kind::text, "\"bipop\"", "What follows on convergence.", 0, 0, {"none", "ipop", "bipop"}},
          {"adapt_rates", Option::Kind::boolean, "false", "Adapt the learning rates: for noisy or rugged objectives."},
          {"warm_start", Option::Kind::boolean, "true",
           "Begin where the best tenth of at least 20 earlier trials lies; otherwise in the middle."}};
}

}  // namespace

std::unique_ptr<Arm> cma_arm(const Axes& axes, std::uint64_t seed, CmaOptions options) {
  return std::make_unique<CmaArm>(axes, seed, std::move(options));
}

SamplerEntry cmaes_sampler() {
  return {{"cmaes", "CMA-ES: follows a normal distribution to the optimum; numeric parameters, some hundred trials.", cma_options()},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            if (auto error = refusal(c, "cmaes")) return *error;
            const Axes axes(c.space);
            for (std::size_t i = 0; i < axes.size(); ++i)
              if (axes[i].kind == Axis::Kind::categorical)
                return Error{Error::Code::invalid,
                             "cmaes searches numbers only, and parameter `" + printable(axes.dimension(i).name) + "` is a choice",
                             "catcma searches choices and numbers together"};
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings_of("cmaes"), [](const Axes& a, const SamplerContext& context) {
                  return cma_arm(a, context.seed, options_of(context, "cmaes"));
                }));
          }};
}

SamplerEntry catcma_sampler() {
  return {{"catcma", "CatCMA with margin: CMA-ES for numbers and choices together; some hundred trials.", cma_options()},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            if (auto error = refusal(c, "catcma")) return *error;
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings_of("catcma"), [](const Axes& a, const SamplerContext& context) {
                  return cma_arm(a, context.seed, options_of(context, "catcma"));
                }));
          }};
}

}  // namespace tune
