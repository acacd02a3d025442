// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tuner/json.hpp"
#include "ui/analysis/comparison.hpp"
#include "ui/cli/objective.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

/// One side: the experiments' names, and how each went.
struct Side {
  std::string label;
  std::vector<std::string> names;
  std::vector<Course> courses;
};

/// What is compared must mean the same on both sides.
struct Meaning {
  std::string metric;
  bool maximize = false;
};

Course course_of(const std::vector<TrialRow>& rows, const Spec& spec, std::size_t objective) {
  struct Ended {
    double at;
    Course::Trial trial;
  };
  std::vector<Ended> ended;
  double began = rows.empty() ? 0 : rows.front().proposed_at;
  for (const auto& row : rows) began = std::min(began, row.proposed_at);
  for (const auto& row : rows)
    if (const auto score = score_of(row, spec, objective))
      ended.push_back({row.ended_at, {*score, std::max(0.0, row.ended_at - began)}});
  std::stable_sort(ended.begin(), ended.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  Course course;
  for (const auto& e : ended) course.trials.push_back(e.trial);
  return course;
}

Result<Done> add(Side& side, const ExperimentRow& row, const StoreReader& reader, const Invocation& call,
                 std::optional<Meaning>& meaning) {
  const auto spec = spec_of(row);
  if (!spec) return spec.error();
  const auto objective = objective_of(call, *spec);
  if (!objective) return objective.error();
  const auto& chosen = spec->objectives[*objective];
  if (!meaning) meaning = Meaning{chosen.metric, chosen.maximize};
  const auto in_words = [](const std::string& metric, bool maximize) {
    return std::string(maximize ? "maximizes" : "minimizes") + " `" + printable(metric) + "`";
  };
  if (meaning->metric != chosen.metric || meaning->maximize != chosen.maximize)
    return usage_error("`" + printable(row.name) + "` " + in_words(chosen.metric, chosen.maximize) + ", the first one " +
                           in_words(meaning->metric, meaning->maximize),
                       "only experiments with the same objective can be compared; --objective chooses among several");
  if (std::find(side.names.begin(), side.names.end(), row.name) != side.names.end()) return Done{};
  const auto rows = reader.rows(row.id);
  if (!rows) return rows.error();
  side.names.push_back(row.name);
  side.courses.push_back(course_of(*rows, *spec, *objective));
  if (side.courses.back().trials.empty())
    return Error{Error::Code::not_found, "`" + printable(row.name) + "` has no finished trial yet", {}};
  return Done{};
}

Result<Side> side_of(const std::vector<std::string>& words, const StoreReader& reader, const Invocation& call,
                     std::optional<Meaning>& meaning) {
  Side side;
  for (const auto& word : words) {
    side.label += (side.label.empty() ? "" : " ") + printable(word);
    if (!word.starts_with("tag:")) {
      const auto row = reader.experiment(word);
      if (!row) return row.error();
      if (auto done = add(side, *row, reader, call, meaning); !done) return done.error();
      continue;
    }
    const auto tag = word.substr(4);
    const auto all = reader.experiments();
    if (!all) return all.error();
    bool found = false;
    for (const auto& row : *all) {
      if (std::find(row.tags.begin(), row.tags.end(), tag) == row.tags.end()) continue;
      found = true;
      if (auto done = add(side, row, reader, call, meaning); !done) return done.error();
    }
    if (!found) return Error{Error::Code::not_found, "no experiment has the tag `" + printable(tag) + "`", "tune ls"};
  }
  return side;
}

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    default:
      return "not distinguishable";
  }
}

/// Scores as people reported them.
struct Shape {
  bool maximize;
  double value(double score) const { return maximize ? -score : score; }
  Interval interval(Interval i) const { return maximize ? Interval{-i.high, -i.low} : i; }
  std::string text(Interval i) const {
    const auto shown = interval(i);
    return "[" + number_text(shown.low) + ", " + number_text(shown.high) + "]";
  }
  std::string text(const Estimate& e) const { return number_text(value(e.value)) + " " + text(e.interval); }
};

void write(JsonWriter& json, Interval i) { json.begin_array().value(i.low).value(i.high).end_array(); }

void write(JsonWriter& json, const char* key, const Estimate& e, const Shape& shape) {
  json.key(key).begin_object().key("value").value(shape.value(e.value)).key("interval");
  write(json, shape.interval(e.interval));
  json.end_object();
}

void write(JsonWriter& json, const char* key, std::optional<double> value) {
  json.key(key);
  value ? json.value(*value) : json.null();
}

std::string as_json(const Side& a, const Side& b, const Meaning& meaning, const Comparison& c) {
  const Shape shape{meaning.maximize};
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("metric").value(meaning.metric).key("goal").value(meaning.maximize ? "maximize" : "minimize");
  for (const auto* side : {&a, &b}) {
    json.key(side == &a ? "a" : "b").begin_array();
    for (const auto& name : side->names) json.value(name);
    json.end_array();
  }
  json.key("trials").value(c.trials).key("best").begin_array();
  for (const auto& best : c.best) {
    json.begin_object().key("after").value(best.after);
    write(json, "a", best.a, shape), write(json, "b", best.b, shape);
    json.key("difference");
    write(json, shape.interval(best.difference));
    json.end_object();
  }
  json.end_array().key("reach").begin_object().key("value").value(shape.value(c.target));
  write(json, "a_trials", c.a_trials), write(json, "b_trials", c.b_trials);
  write(json, "a_seconds", c.a_seconds), write(json, "b_seconds", c.b_seconds);
  json.end_object().key("verdict").value(word(c.verdict));
  write(json, "p", c.p);
  json.key("superiority").value(c.superiority).end_object();
  return out + "\n";
}

void print(const Invocation& call, const Side& a, const Side& b, const Meaning& meaning, const Comparison& c) {
  const Shape shape{meaning.maximize};
  Listing listing({{printable(meaning.metric)}, {"a"}, {"b"}, {"a - b"}});
  for (const auto& best : c.best)
    listing.add({"best after " + std::to_string(best.after), shape.text(best.a), shape.text(best.b),
                 shape.text(best.difference)});
  const std::string never = "not reached", goal = " to reach " + number_text(shape.value(c.target));
  const auto count = [&](std::optional<double> n) { return n ? number_text(*n) : never; };
  const auto time = [&](std::optional<double> s) { return s ? duration_text(*s) : never; };
  listing.add({"trials" + goal, count(c.a_trials), count(c.b_trials)});
  listing.add({"time" + goal, time(c.a_seconds), time(c.b_seconds)});
  call.print(listing);

  const auto named = [](const char* letter, const Side& side) {
    return std::string(letter) + " (" + side.label + ")";
  };
  std::string verdict = named("a", a) + " is " +
                        (c.verdict == Verdict::not_distinguishable
                             ? "not distinguishable from " + named("b", b)
                             : std::string(word(c.verdict)) + " than " + named("b", b));
  if (c.p)
    verdict += ": rank-sum p = " + number_text(*c.p) + " over " + std::to_string(a.courses.size()) + " and " +
               std::to_string(b.courses.size()) + " experiments";
  const auto style = c.verdict == Verdict::better  ? Style::green
                     : c.verdict == Verdict::worse ? Style::red
                                                   : Style::yellow;
  call.print("\n" + paint(style, verdict, call.colour()) + "\n");
  if (!c.p)
    call.tell("one experiment a side: the intervals resample its trials and know nothing of other seeds; "
              "several a side are better evidence: tune compare A1 A2 … -- B1 B2 …");
}

}  // namespace

int compare_verb(Invocation& call) {
  const bool groups = !call.rest().empty();
  if (groups ? call.words().empty() : call.words().size() != 2)
    return call.fail(usage_error("`tune compare` takes two experiments, or two groups with `--` between them",
                                 "tune compare A B; tune compare A1 A2 -- B1 B2; tune compare tag:x tag:y"));
  const auto reader = StoreReader::open(call.store());
  if (!reader) return call.fail(reader.error());
  std::optional<Meaning> meaning;
  const auto a = side_of(groups ? call.words() : std::vector{call.words()[0]}, **reader, call, meaning);
  if (!a) return call.fail(a.error());
  const auto b = side_of(groups ? call.rest() : std::vector{call.words()[1]}, **reader, call, meaning);
  if (!b) return call.fail(b.error());
  for (const auto& name : a->names)
    if (std::find(b->names.begin(), b->names.end(), name) != b->names.end())
      return call.fail(usage_error("`" + printable(name) + "` stands on both sides"));
  const auto compared = compare(a->courses, b->courses, Rng(0, 0));
  if (!compared)
    return call.fail({Error::Code::not_found, "one side has no successful trial among as many as the other has", {}});
  if (call.format() == Invocation::Format::csv)
    return call.fail(usage_error("`tune compare` has no CSV", "-o table or -o json"));
  if (call.format() == Invocation::Format::table)
    print(call, *a, *b, *meaning, *compared);
  else
    call.print_exact(as_json(*a, *b, *meaning, *compared));
  return kOk;
}

}  // namespace tune
