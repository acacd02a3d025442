// SPDX-License-Identifier: Apache-2.0
#include "search/gp/arm.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>


namespace tune {
namespace {

using detail::Features;
using detail::Regression;
using detail::Target;
using detail::Warp;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using State = Observed::State;

constexpr std::size_t kMostPending = 100;  // Newer ones matter more: the older are nearly done.
constexpr std::size_t kSlack = 100;        // How far a model may grow beyond its bound before a part is chosen.
constexpr int kRecent = 10;       // Of so many trials each that failed adds to the caution.
constexpr double kPerTrouble = 3;  // Measured: 9 % of trials 11 to 50 failed where 30 % of the space does; 10 % with 1.
constexpr std::size_t kFewCosts = 3;  // Fewer tell nothing.
constexpr double kAnyNoise = 1, kCrisp = -3;  // ln noise: an edge between success and failure is not noise.

VectorXd vector(const std::vector<double>& v) { return Eigen::Map<const VectorXd>(v.data(), static_cast<Index>(v.size())); }
std::vector<double> list(const VectorXd& v) { return {v.data(), v.data() + v.size()}; }

MatrixXd points(const Trials& trials, const std::vector<std::size_t>& rows) {
  MatrixXd x(static_cast<Index>(trials.axes().size()), static_cast<Index>(rows.size()));
  for (std::size_t i = 0; i < rows.size(); ++i) x.col(static_cast<Index>(i)) = detail::kernel_point(trials.all()[rows[i]].point);
  return x;
}

/// It crashed, was told to be impossible, or came to nothing that is a number.
bool went_wrong(const Observed& o) {
  return o.state == State::failed || o.state == State::infeasible || (o.state == State::complete && !o.has_value()) ||
         (o.state == State::partial && !o.values.empty() && !o.has_value());
}

/// Of the newest finished trials, those that failed or broke a constraint. Where the best lies just beyond what may be,
/// every step over the edge promises more than one before it; what happened lately says how far to trust the model there.
int recent_troubles(const Trials& trials) {
  int seen = 0, bad = 0;
  for (std::size_t i = trials.all().size(); i-- > 0 && seen < kRecent;)
    if (const Observed& o = trials.all()[i]; o.finished()) ++seen, bad += went_wrong(o) || !o.feasible;
  return bad;
}

double squared_distance(const Point& a, const Point& b, const Axes& axes) {
  double d = 0;
  for (std::size_t j = 0; j < axes.size(); ++j)
    d += axes[j].kind == Axis::Kind::categorical || a.active[j] != b.active[j] ? (a[j] != b[j] || a.active[j] != b.active[j])
                                                                             : (a[j] - b[j]) * (a[j] - b[j]);
  return d;
}

/// Those that nothing is known of; with one objective a trial that goes on from a rung has shown something (detail::outcomes).
std::vector<std::size_t> pending(const Trials& trials) {
  std::vector<std::size_t> all;
  for (std::size_t i = trials.all().size(); i-- > 0 && all.size() < std::min(trials.pending(), kMostPending);)
    if (const Observed& o = trials.all()[i]; o.state == State::pending && (o.rungs.empty() || trials.objectives() > 1)) all.push_back(i);
  std::reverse(all.begin(), all.end());
  return all;
}

/// Standard normal draws in columns; a single one is the mean, for then the model's expectation is believed ("Kriging
/// believer": Ginsbourger, Le Riche and Carraro, 2010).
MatrixXd normals(Index rows, Index columns, Rng& rng) {
  MatrixXd z = MatrixXd::Zero(rows, columns);
  if (columns == 1) return z;
  for (Index i = 0; i < rows; ++i)
    for (Index k = 0; k < columns; ++k) z(i, k) = rng.normal();
  return z;
}

/// Outcomes of a draw of all objectives, in units of their models; rows that must not count are left out.
Outcomes in_draw(const std::vector<detail::Posterior>& objectives, Index draw, const std::vector<bool>& counts) {
  Outcomes out{objectives.size()};
  std::vector<double> row(objectives.size());
  for (Index i = 0; i < objectives.front().targets().rows(); ++i) {
    if (static_cast<std::size_t>(i) < counts.size() && !counts[static_cast<std::size_t>(i)]) continue;
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = objectives[j].targets()(i, draw);
    out.add(row);
  }
  return out;
}

/// A tenth of their extent beyond the worst outcomes: near enough that the ends of the front are wanted, but not alone.
std::vector<double> reference(const Outcomes& all) {
  std::vector<double> r;
  for (std::size_t j = 0; j < all.objectives(); ++j) {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (std::size_t i = 0; i < all.size(); ++i) low = std::min(low, all[i][j]), high = std::max(high, all[i][j]);
    r.push_back(high + (high > low ? 0.1 * (high - low) : 1));
  }
  return r;
}

/// Trials around which it is worth looking, best first: with several objectives front by front.
std::vector<std::size_t> best_first(const Trials& trials, const std::vector<std::size_t>& whole) {
  if (trials.objectives() == 1) return trials.ranked();
  Outcomes outcomes{trials.objectives()};
  std::vector<double> violations;
  for (const std::size_t i : whole) outcomes.add(trials.all()[i].values), violations.push_back(trials.all()[i].violation());
  const auto front = ranks(outcomes, violations);
  std::vector<std::size_t> order(whole.size()), out;
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return front[x] < front[y]; });
  for (const std::size_t i : order) out.push_back(whole[i]);
  return out;
}

std::string short_text(double x) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, x, std::chars_format::general, 3).ptr;
  return {text, end};
}

}  // namespace

struct GpArm::Factor {
  Regression regression;
  std::vector<std::size_t> rows;
};

struct GpArm::Model {
  detail::Posterior posterior;
  Target target;
};

GpArm::GpArm(const Axes& axes, GpSettings settings) : kernel_(detail::kernel_axes(axes), settings.trend), settings_(settings) {}
GpArm::~GpArm() = default;

void GpArm::learn(const Record& r, const Trials&) {
  const auto note = detail::own_note(r, "gp", true);
  if (!note || !note->number("fit")) return;
  fitted_ = {};
  fitted_.known = *note->number("fit");
  fitted_.ranked = note->number("ranked").value_or(0) > 0;
  for (const auto* kind : {"f", "r", "g", "ok", "c"})
    for (int k = 0;; ++k) {
      const std::string name = kind + std::to_string(k);
      const auto* theta = note->numbers(name);
      if (!theta) break;
      if (static_cast<Index>(theta->size()) == kernel_.hyperparameters()) fitted_.theta[name] = vector(*theta);
    }
}

// The objectives first, then margins, then success and cost.
std::vector<GpArm::Aspect> GpArm::aspects(const Trials& trials) const {
  std::vector<Aspect> all;
  const auto add = [&](std::string name) -> Aspect& { return all.emplace_back(Aspect{std::move(name), {}, {}}); };
  const auto collect = [&](Aspect& a, auto&& value_of) {
    std::vector<double> values;
    for (std::size_t i = 0; i < trials.all().size(); ++i) {
      const std::optional<double> v = value_of(trials.all()[i]);
      if (v && std::isfinite(*v)) a.trials.push_back(i), values.push_back(*v);
    }
    a.values = vector(values);
  };
  if (trials.objectives() == 1) {
    Aspect& a = add("f0");
    std::vector<double> values;
    for (const auto& [trial, value] : detail::outcomes(trials)) a.trials.push_back(trial), values.push_back(value);
    a.values = vector(values);
  } else {
    const auto whole = [&](const Observed& o) {
      return o.state == State::complete && o.values.size() == trials.objectives() &&
             std::all_of(o.values.begin(), o.values.end(), [](double v) { return v < Observed::kWorst; });
    };
    for (std::size_t k = 0; k < trials.objectives(); ++k)
      collect(add("f" + std::to_string(k)),
              [&](const Observed& o) { return whole(o) ? std::optional{o.values[k]} : std::nullopt; });
  }
  std::size_t margins = 0;
  for (const auto& o : trials.all()) margins = std::max(margins, o.margins.size());
  for (std::size_t k = 0; k < margins; ++k) {
    Aspect& a = add("g" + std::to_string(k));
    collect(a, [&](const Observed& o) {
      return o.finished() && k < o.margins.size() ? std::optional{o.margins[k]} : std::nullopt;
    });
    if (a.trials.size() < 2) a.trials.clear();
  }
  const auto failures = static_cast<std::size_t>(std::count_if(trials.all().begin(), trials.all().end(), went_wrong));
  if (failures > 0)
    collect(add("ok0"), [](const Observed& o) {
      return o.finished() ? std::optional{went_wrong(o) ? 1.0 : -1.0} : std::nullopt;
    });
  if (gamma(trials) > 0) {
    Aspect& a = add("c0");
    collect(a, [](const Observed& o) { return o.state == State::complete && o.cost() > 0 ? std::optional{std::log(o.cost())} : std::nullopt; });
    if (a.trials.size() < kFewCosts) a.trials.clear();
  }
  for (Aspect& a : all) a = bounded(std::move(a), trials);
  return all;
}

double GpArm::gamma(const Trials& trials) const {
  if (!settings_.cost_aware || !settings_.budget) return 0;
  return std::max(0.0, 1 - static_cast<double>(trials.finished() - trials.imported()) / static_cast<double>(*settings_.budget));
}

/// A model that is too large keeps the best tenth, what is nearest to the best and an even share of the rest
/// (search.md A2.9).
GpArm::Aspect GpArm::bounded(Aspect a, const Trials& trials) const {
  const std::size_t n = a.trials.size();
  const bool halved = 2 * trials.partial() > trials.finished();
  const std::size_t most = halved ? std::min(settings_.most, settings_.most_ranked) : settings_.most;
  if (n <= most + kSlack) return a;
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  const auto value = [&](std::size_t i) { return a.values[static_cast<Index>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return value(x) < value(y); });
  const std::size_t best = most / 10, near = most * 7 / 10, even = most - best - near;
  const Point& centre = trials.all()[trials.best() && !halved ? *trials.best() : a.trials[order.front()]].point;
  std::vector<double> distance(n);
  for (std::size_t i = 0; i < n; ++i) distance[i] = squared_distance(trials.all()[a.trials[i]].point, centre, trials.axes());
  std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(best), order.end(),
                   [&](std::size_t x, std::size_t y) { return distance[x] < distance[y]; });
  std::vector<std::size_t> rest(order.begin() + static_cast<std::ptrdiff_t>(best + near), order.end());
  order.resize(best + near);
  std::sort(rest.begin(), rest.end());
  for (std::size_t k = 0; k < even; ++k) order.push_back(rest[k * rest.size() / even]);
  std::sort(order.begin(), order.end());
  Aspect kept{a.name, {}, VectorXd(static_cast<Index>(order.size()))};
  for (std::size_t k = 0; k < order.size(); ++k) {
    kept.trials.push_back(a.trials[order[k]]);
    kept.values[static_cast<Index>(k)] = value(order[k]);
  }
  return kept;
}

bool GpArm::due(const std::vector<Aspect>& all, const Trials& trials) const {
  const auto known = static_cast<double>(trials.finished());
  if (known - fitted_.known >= std::max(1.0, settings_.refit * fitted_.known)) return true;
  return std::any_of(all.begin(), all.end(), [&](const Aspect& a) {
    return !a.trials.empty() && !fitted_.theta.contains(a.name) && !fitted_.theta.contains("r" + a.name.substr(1));
  });
}

GpArm::Fitted GpArm::refit(const std::vector<Aspect>& all, const Trials& trials) const {
  Fitted next;
  next.known = static_cast<double>(trials.finished());
  const auto fit = [&](const std::string& name, const Features& x, const Target& t) -> const VectorXd& {
    const auto warm = fitted_.theta.find(name);
    return next.theta[name] = detail::fit(kernel_, x, t.y, warm == fitted_.theta.end() ? nullptr : &warm->second, settings_.fit_iterations,
                                         name == "ok0" ? kCrisp : kAnyNoise);
  };
  double best = -HUGE_VAL;
  for (const Aspect& a : all) {
    if (a.trials.empty()) continue;
    const Features x = kernel_.features(points(trials, a.trials));
    if (a.name != "f0" || trials.objectives() > 1) {
      fit(a.name, x, detail::standardised(warped(a.values, Warp::raw)));
      continue;
    }
    for (const bool ranked : {false, true}) {
      if (!(ranked ? settings_.ranked : settings_.raw)) continue;
      const Target t = detail::standardised(warped(a.values, ranked ? Warp::half_rank : Warp::raw));
      Regression r{kernel_, fit(ranked ? "r0" : "f0", x, t)};
      if (settings_.ranked && settings_.raw) r.append(x);
      const double score = r.size() ? better_half_score(r, t, a.values) : 0;
      if (score > best) best = score, next.ranked = ranked;
    }
  }
  return next;
}

const Regression& GpArm::grown(const std::string& name, const VectorXd& theta, const std::vector<std::size_t>& rows,
                               const Trials& trials) const {
  auto at = factors_.find(name);
  if (at == factors_.end() || at->second.regression.theta() != theta)
    at = factors_.insert_or_assign(name, Factor{Regression{kernel_, theta}, {}}).first;
  auto& [regression, had] = at->second;
  const auto differs = std::mismatch(had.begin(), had.end(), rows.begin(), rows.end());
  const auto same = static_cast<std::size_t>(differs.first - had.begin());
  regression.truncate(static_cast<Index>(same));
  regression.append(kernel_.features(points(trials, {rows.begin() + static_cast<std::ptrdiff_t>(same), rows.end()})));
  had = rows;
  return regression;
}

GpArm::Model GpArm::model(const Aspect& a, const Fitted& fitted, const Trials& trials) const {
  const bool ranked = a.name == "f0" && fitted.ranked;
  const std::string name = ranked ? "r0" : a.name;
  Target t = detail::standardised(warped(a.values, ranked ? Warp::half_rank : Warp::raw));
  return {detail::Posterior{grown(name, fitted.theta.at(name), a.trials, trials), t.y}, std::move(t)};
}

std::optional<Suggestion> GpArm::suggest(const Trials& trials, TrialId, Rng rng) const {
  const std::vector<Aspect> all = aspects(trials);
  if (trials.finished() < 2 || trials.axes().size() == 0) return std::nullopt;
  const bool anew = due(all, trials);
  const Fitted fitted = anew ? refit(all, trials) : fitted_;

  detail::Acquisition acquisition{kernel_};
  const std::vector<std::size_t> under_way = pending(trials);
  const Features imagined = kernel_.features(points(trials, under_way));
  const Index draws = under_way.empty() || trials.objectives() == 1 ? 1 : settings_.draws;
  const auto imagine = [&](detail::Posterior& p) {
    if (!under_way.empty()) p.imagine(imagined, normals(imagined.size(), draws, rng));
  };
  std::vector<bool> counts;
  for (const std::size_t i : all.front().trials) counts.push_back(trials.all()[i].feasible);
  const bool any_good = std::find(counts.begin(), counts.end(), true) != counts.end();

  const detail::Improvement* improvement = nullptr;
  double unit = 0;
  if (any_good && trials.objectives() == 1) {
    Model m = model(all.front(), fitted, trials);
    double best = HUGE_VAL;
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i]) best = std::min(best, m.target.y[static_cast<Index>(i)]);
    imagine(m.posterior);
    auto term = std::make_unique<detail::Improvement>(std::move(m.posterior), best, static_cast<Index>(counts.size()));
    improvement = term.get(), unit = m.target.deviation;
    acquisition.add(std::move(term));
  } else if (any_good) {
    std::vector<detail::Posterior> objectives;
    for (std::size_t k = 0; k < trials.objectives(); ++k) {
      objectives.push_back(model(all[k], fitted, trials).posterior);
      imagine(objectives.back());
    }
    std::vector<Boxes> boxes;
    for (Index k = 0; k < draws; ++k) {
      const Outcomes o = in_draw(objectives, k, counts);
      boxes.push_back(non_dominated_boxes(o, reference(o)));
    }
    acquisition.add(std::make_unique<detail::HypervolumeGrowth>(std::move(objectives), std::move(boxes)));
  }
  const detail::Small* cost = nullptr;
  Target costs;
  if (const Aspect& a = all.back(); a.name == "c0" && !a.trials.empty() && any_good) {
    Model m = model(a, fitted, trials);
    costs = m.target;
    auto term = std::make_unique<detail::Small>(std::move(m.posterior), gamma(trials) * costs.deviation);
    cost = term.get();
    acquisition.add(std::move(term));
  }
  const double caution = 1 + kPerTrouble * recent_troubles(trials);
  for (std::size_t k = trials.objectives(); k < all.size(); ++k) {
    const Aspect& a = all[k];
    if (a.name == "c0" || a.trials.empty() || (a.name != "ok0" && a.values.maxCoeff() <= 0 && a.values.minCoeff() == a.values.maxCoeff())) continue;
    Model m = model(a, fitted, trials);
    if (!(m.target.deviation > 0)) continue;
    const double limit = (0 - m.target.mean) / m.target.deviation;
    const bool success = a.name == "ok0";
    const double spread = success ? std::sqrt(m.posterior.regression().noise()) : 0;
    acquisition.add(std::make_unique<detail::Holds>(std::move(m.posterior), limit, spread, caution));
  }
  if (acquisition.empty()) return std::nullopt;
  if (trials.axes().prior().given())
    acquisition.believe(trials.axes(), prior_exponent(static_cast<std::int64_t>(trials.finished()), settings_.budget));

  const std::vector<std::size_t> ranked = best_first(trials, all.front().trials);
  auto point = most_promising(acquisition, trials, ranked, rng, settings_.effort);
  if (!point) return std::nullopt;

  detail::NoteWriter note;
  if (anew) {
    note.set("fit", fitted.known).set("ranked", fitted.ranked ? 1.0 : 0.0);
    for (const auto& [name, theta] : fitted.theta) note.set(name, list(theta));
  }
  Suggestion s{std::move(*point), "most likely to succeed, by the model", note.take(), {}};
  if (improvement) {
    const VectorXd x = detail::kernel_point(s.point);
    VectorXd unused = VectorXd::Zero(x.size());
    const double expected = std::exp(improvement->at(x, unused)) * unit;
    const double gain = unit > 0 ? settings_.min_improvement / unit : 0;
    s.chance = improvement->chance(x, gain);
    s.why = "expected improvement on the best " + short_text(expected) + ", with chance " + short_text(improvement->chance(x, 0));
  } else if (trials.objectives() > 1 && any_good) {
    s.why = "the hypervolume is expected to grow most here";
  }
  if (cost) {
    const double expected = std::exp(costs.mean + costs.deviation * cost->mean(detail::kernel_point(s.point)));
    s.why += ", at an expected cost of " + short_text(expected) + " that counts " + short_text(gamma(trials));
  }
  return s;
}

}  // namespace tune
