// SPDX-License-Identifier: Apache-2.0
#include "search/local.hpp"

#include <algorithm>
#include <cmath>

#include "search/quadratic.hpp"

namespace tune {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kLeastDelta = 1e-8, kGeometryDelta = 1e-7, kMostDelta = 1;
constexpr double kFollow = 0.3;      // The most of a region around a best trial that somebody else found.
constexpr int kCompareAllEvery = 4;  // Steps between comparisons of all models.
constexpr std::size_t kFewInBranch = 4;
constexpr int kSmooth = 4;           // From this noise (1e-2) on the model smooths.
constexpr double kApart = 0.1;       // Of the region: nearer to a trial under way a minimiser is as good as tried.

const Observed* find(const Trials& trials, TrialId id) {
  if (id.value >= 0) return trials.find(id);
  for (const Observed& o : trials.all())
    if (o.trial == id) return &o;
  return nullptr;
}

std::string branch_of(const Point& p) { return {p.active.begin(), p.active.end()}; }

bool counts(const Observed& o) { return o.state == Observed::State::complete && o.counts(); }

// The best of those that ran to their end. Where parameters are conditional, that of the branch which promises the lowest
// value, if as many more trials gain as much as the newer half of its trials did: a branch that is done (a gain of 0) has to
// be beaten in value, and one that still improves is followed beyond what it has reached. A branch with fewer than
// kFewInBranch trials promises nothing yet.
const Observed* centre_of(const Trials& trials) {
  struct Branch {
    std::vector<const Observed*> trials;
    const Observed* best;
  };
  std::vector<Branch> branches;
  const Observed* best = nullptr;
  for (const Observed& o : trials.all()) {
    if (!counts(o)) continue;
    if (!best || o.values.front() < best->values.front()) best = &o;
    if (!trials.axes().conditional()) continue;
    auto b = std::find_if(branches.begin(), branches.end(),
                          [&](const Branch& x) { return x.best->point.active == o.point.active; });
    if (b == branches.end()) b = branches.insert(b, {{}, &o});
    b->trials.push_back(&o);
    if (o.values.front() < b->best->values.front()) b->best = &o;
  }
  double least = HUGE_VAL;
  for (const Branch& b : branches) {
    if (b.trials.size() < kFewInBranch) continue;
    double half = HUGE_VAL;
    for (std::size_t i = 0; i < b.trials.size() / 2; ++i) half = std::min(half, b.trials[i]->values.front());
    const double reached = b.best->values.front(), promise = reached - (half - reached);
    if (promise < least) least = promise, best = b.best;
  }
  return best;
}

double worst_of(const Trials& trials) {
  double worst = -HUGE_VAL;
  for (const Observed& o : trials.all())
    if (counts(o)) worst = std::max(worst, o.values.front());
  return worst;
}

// Where constraints of the space cut the box: the least value among points scattered around the way to `z` that hold them;
// the centre if none does. They are any expressions, so there is no better way than to try.
template <class Allows>
VectorXd least_allowed(const detail::Quadratic& f, const VectorXd& z, const VectorXd& lower, const VectorXd& upper, Rng& rng,
                       Allows&& allows) {
  constexpr int kTries = 256;
  VectorXd best = VectorXd::Zero(z.size());
  double least = 0;
  for (int i = 0; i < kTries; ++i) {
    const double along = rng.uniform(), aside = std::pow(10, -2 * rng.uniform());
    VectorXd to = along * z;
    for (double& x : to) x += aside * (2 * rng.uniform() - 1);
    to = to.cwiseMax(lower).cwiseMin(upper);
    if (const double value = f.above_centre(to); value < least && allows(to)) best = to, least = value;
  }
  return best;
}

}  // namespace

// What the model is made of: positions in units of the region, values above the centre's in units of their spread.
struct LocalArm::View {
  const Observed* centre;
  std::vector<std::size_t> axes;  // The m that move.
  MatrixXd z;
  VectorXd y;
  double spread;
};

double LocalArm::distance(const Point& a, const Point& b) const {
  double most = 0;
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (axes_[i].kind != Axis::Kind::categorical) most = std::max(most, std::fabs(a.at[i] - b.at[i]));
  return most;
}

// When somebody else has found a better place outside, the region moves there.
LocalArm::Region LocalArm::region(const Trials& trials, const Observed& centre) const {
  const Progress& p = progress(centre.point);
  const Observed* before = p.centre && *p.centre != centre.trial ? find(trials, *p.centre) : nullptr;
  if (!before) return {p.delta, p.fails};
  const double moved = distance(before->point, centre.point);
  return moved > p.delta ? Region{std::min(kFollow, moved), 0} : Region{p.delta, p.fails};
}

const LocalArm::Progress& LocalArm::progress(const Point& p) const {
  static const Progress none;
  const auto at = branches_.find(branch_of(p));
  return at == branches_.end() ? none : at->second;
}

int LocalArm::fails(const Trials& trials) const {
  const Observed* centre = centre_of(trials);
  return centre ? progress(centre->point).fails : 0;
}

std::optional<LocalArm::View> LocalArm::look(const Trials& trials, double& delta) const {
  const Observed* centre = centre_of(trials);
  if (!centre) return std::nullopt;
  View v{centre, {}, {}, {}, 0};
  const Point& at = centre->point;
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (axes_[i].kind != Axis::Kind::categorical && at.active[i]) v.axes.push_back(i);
  const auto m = v.axes.size();
  if (m == 0) return std::nullopt;

  const auto same_kind = [&](const Point& p) {
    for (std::size_t i = 0; i < axes_.size(); ++i)
      if (p.active[i] != at.active[i] || (axes_[i].kind == Axis::Kind::categorical && p.at[i] != at.at[i])) return false;
    return true;
  };
  std::vector<std::pair<double, const Observed*>> near;
  for (const Observed& o : trials.all()) {
    if (!o.finished() || o.state == Observed::State::partial || !same_kind(o.point)) continue;
    double squared = 0;
    for (const std::size_t i : v.axes) squared += (o.point.at[i] - at.at[i]) * (o.point.at[i] - at.at[i]);
    near.emplace_back(squared, &o);
  }
  if (near.size() < std::min<std::size_t>(m + 1, 4)) return std::nullopt;
  const auto wanted = std::min<std::size_t>(130, std::max<std::size_t>(40, (m + 1) * (m + 2) / 2 + m + 10));
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (near.size() > wanted) near.resize(wanted);

  delta = region(trials, *centre).delta;
  const double worst = worst_of(trials), best = centre->values.front();
  v.z.resize(static_cast<Index>(near.size()), static_cast<Index>(m));
  v.y.resize(static_cast<Index>(near.size()));
  for (std::size_t k = 0; k < near.size(); ++k) {
    const Observed& o = *near[k].second;
    const auto row = static_cast<Index>(k);
    for (std::size_t q = 0; q < m; ++q) v.z(row, static_cast<Index>(q)) = (o.point.at[v.axes[q]] - at.at[v.axes[q]]) / delta;
    v.y[row] = (counts(o) ? o.values.front() : worst) - best;
  }
  std::vector<double> sorted(v.y.begin(), v.y.end());
  std::sort(sorted.begin(), sorted.end());
  v.spread = sorted[sorted.size() / 2] > 0 ? sorted[sorted.size() / 2] : sorted.back();
  if (!(v.spread > 0) || !std::isfinite(v.spread)) return std::nullopt;
  v.y /= v.spread;
  return v;
}

// Is anybody trying this step already?
bool LocalArm::under_way(const Trials& trials, const View& view, const VectorXd& z, double delta) const {
  if (trials.pending() == 0) return false;
  return std::any_of(trials.all().begin(), trials.all().end(), [&](const Observed& o) {
    if (o.state != Observed::State::pending || o.point.active != view.centre->point.active) return false;
    double most = 0;
    for (std::size_t q = 0; q < view.axes.size(); ++q) {
      const std::size_t i = view.axes[q];
      most = std::max(most, std::fabs((o.point.at[i] - view.centre->point.at[i]) / delta - z[static_cast<Index>(q)]));
    }
    return most < kApart;
  });
}

std::optional<Suggestion> LocalArm::suggest(const Trials& trials, TrialId, Rng rng) const {
  double delta = 0;
  const auto view = look(trials, delta);
  if (!view) return std::nullopt;
  std::optional<detail::QuadraticRegression::Choice> near;
  const Progress& before = progress(view->centre->point);
  if (before.family >= 0 && before.steps % kCompareAllEvery) near = {before.family, before.noise};
  const auto model = detail::QuadraticRegression::fit(view->z, view->y, near);
  if (!model) return std::nullopt;

  const Observed& centre = *view->centre;
  const auto m = static_cast<Index>(view->axes.size());
  VectorXd lower(m), upper(m);
  for (Index q = 0; q < m; ++q) {
    const double x = centre.point.at[view->axes[static_cast<std::size_t>(q)]];
    lower[q] = std::max(-1.0, -x / delta);
    upper[q] = std::min(1.0, (1 - x) / delta);
  }
  Suggestion s{centre.point, {}, {}, {}};
  const auto move = [&](const VectorXd& z, double by) {
    for (std::size_t q = 0; q < view->axes.size(); ++q) {
      const std::size_t i = view->axes[q];
      s.point.at[i] = std::clamp(centre.point.at[i] + by * z[static_cast<Index>(q)], 0.0, 1.0);
    }
    axes_.snap(s.point);
  };
  const auto is_new = [&] {
    return std::none_of(trials.all().begin(), trials.all().end(), [&](const Observed& o) {
      if (o.point.active != s.point.active) return false;
      for (std::size_t i = 0; i < axes_.size(); ++i)
        if (std::fabs(o.point.at[i] - s.point.at[i]) >= 1e-4 * delta) return false;
      return true;
    });
  };

  detail::Quadratic f = model->mean();
  VectorXd z = detail::least_in_box(f, lower, upper, rng);
  const bool again = under_way(trials, *view, z, delta);
  if (again) f = model->draw(rng), z = detail::least_in_box(f, lower, upper, rng);
  double length = z.cwiseAbs().maxCoeff(), gain = -f.above_centre(z) * view->spread;
  const double value = centre.values.front();
  move(z, delta);
  if (!axes_.allows(s.point)) {
    z = least_allowed(f, z, lower, upper, rng, [&](const VectorXd& to) { return move(to, delta), axes_.allows(s.point); });
    length = z.cwiseAbs().maxCoeff(), gain = -f.above_centre(z) * view->spread;
    move(z, delta);
  }
  const std::string around = "around trial " + std::to_string(centre.trial.value);
  if (length < 1e-3 || !(gain > 1e-13 * std::fabs(value)) || !is_new()) {
    if (!again) delta = std::max(kGeometryDelta, delta / 2);
    VectorXd anywhere(m);
    for (double& x : anywhere) x = 2 * rng.uniform() - 1;
    move(anywhere, delta);
    length = 1, gain = 0;
    s.why = "somewhere " + around + ", for the quadratic model has nothing new to say there";
  } else {
    s.why = (again ? "a likely minimum of a quadratic model " : "the minimum of a quadratic model ") + around;
  }
  s.note = detail::NoteWriter{}
               .set("centre", static_cast<double>(centre.trial.value))
               .set("value", value)
               .set("delta", delta)
               .set("length", length)
               .set("gain", gain)
               .set("family", model->choice().family)
               .set("noise", model->choice().noise)
               .take();
  if (again) s.note += ",\"draw\":1";
  return s;
}

void LocalArm::learn(const Record& r, const Trials& trials) {
  if (const auto note = detail::own_note(r, "local", true)) {
    const auto centre = note->number("centre"), value = note->number("value"), delta = note->number("delta");
    const auto length = note->number("length"), gain = note->number("gain");
    const auto family = note->number("family"), noise = note->number("noise");
    if (!centre || !value || !delta || !length || !gain || !family || !noise) return;  // Not one of ours.
    const Observed* o = find(trials, TrialId{static_cast<std::int64_t>(*centre)});
    if (!o) return;
    Progress& p = branches_[branch_of(o->point)];
    p.fails = region(trials, *o).fails;
    p.centre = o->trial, p.delta = *delta;
    p.family = static_cast<int>(*family), p.noise = static_cast<int>(*noise), ++p.steps;
    if (const auto moved = note->text("moved")) {
      if (*moved != "tie") ++p.fails;  // It has run against something.
      return;
    }
    pending_[r.as<Propose>()->trial] = {*value, *delta, *length, *gain, p.noise, note->number("draw").has_value(), branch_of(o->point)};
    return;
  }
  TrialId ended{-1};
  if (const auto* s = r.as<Settle>()) ended = s->trial;
  if (const auto* p = r.as<Pause>()) ended = p->trial;
  const auto step = pending_.find(ended);
  if (step == pending_.end()) return;
  if (const Observed* o = trials.find(ended); o && r.as<Settle>()) finish(step->second, *o);
  pending_.erase(step);
}

// Did the step keep its promise? Bigger regions where it did, smaller ones where not; slowly where the model smooths. A
// draw from the posterior promised nothing, so that it fails does not speak against the model.
void LocalArm::finish(const Step& step, const Observed& o) {
  Progress& p = branches_[step.branch];
  const double gain = o.counts() ? step.value - o.values.front() : -HUGE_VAL;
  if (step.drawn) {
    if (gain > 0) p.fails = 0;
  } else if (step.gain == 0) {
    p.fails = gain > 0 ? 0 : p.fails + 1;
  } else if (gain > 0.01 * step.gain) {
    p.fails = 0;
    if (step.length > 0.5 && gain > 0.5 * step.gain)
      p.delta = std::min(kMostDelta, 2 * step.delta);
    else if (step.length < 0.1)
      p.delta = 0.6 * step.delta;
  } else {
    ++p.fails;
    const double least = std::max(step.length, 0.1) * step.delta;
    p.delta = std::max(kLeastDelta, std::min((step.noise >= kSmooth ? 0.8 : 0.6) * step.delta, least));
  }
}

SamplerEntry local_sampler() {
  return {{"local", "Steps to the minimum of a quadratic model around the best trial: for smooth numeric spaces."},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            if (c.objectives.size() > 1)
              return Error{Error::Code::invalid, "search.type: local serves one objective", "auto serves several"};
            const auto starts = std::clamp<std::size_t>(c.space.size() / 2 + 2, 5, 10);
            const ArmSettings settings{.name = "local", .starts = static_cast<int>(starts)};
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings, [](const Axes& axes, const SamplerContext&) -> std::unique_ptr<Arm> {
                  return std::make_unique<LocalArm>(axes);
                }));
          }};
}

}  // namespace tune
