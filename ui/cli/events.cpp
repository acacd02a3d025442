// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/events.hpp"

#include "tuner/json.hpp"
#include "ui/cli/board.hpp"

namespace tune {
namespace {

/// The members of one event, written in order.
class Members {
 public:
  Members() { out_.begin_object(); }
  Members& add(const char* key, const auto& value) {
    out_.key(key).value(value);
    return *this;
  }
  Members& add(const char* key, const Params& params) {
    out_.key(key).begin_object();
    for (const auto& [name, value] : params) {
      out_.key(name);
      std::visit([&](const auto& v) { out_.value(v); }, value);
    }
    out_.end_object();
    return *this;
  }
  Members& add(const char* key, const Rung& r) {
    out_.key(key).begin_object();
    out_.key("bracket").value(r.bracket).key("rung").value(r.rung).key("step").value(r.step).key("value").value(
        r.value);
    out_.key("rank").value(r.rank).key("of").value(r.of).key("cut").value(r.cut).end_object();
    return *this;
  }
  JsonWriter& writer() { return out_; }
  std::string take() {
    out_.end_object();
    return text_.substr(1, text_.size() - 2);
  }

 private:
  std::string text_;
  JsonWriter out_{text_};
};

std::string values(const Settle& settle, Time at, const History& history) {
  Members m;
  m.add("trial", settle.trial.value).add("state", to_text(settle.state)).add("cause", to_text(settle.cause));
  m.writer().key("values").begin_object();
  const auto& objectives = history.spec().objectives;
  for (std::size_t i = 0; i < settle.values.size() && i < objectives.size(); ++i)
    m.writer().key(objectives[i].metric).value(settle.values[i]);
  m.writer().end_object();
  m.add("step", settle.at_step).add("feasible", settle.feasible);
  if (history.contains(settle.trial)) {
    const Trial& trial = history.trial(settle.trial);
    m.add("attempt", trial.attempt).add("params", trial.params);
    // In logical order its program may live on.
    if (trial.attempt > 0) m.add("seconds", trial.ran_seconds + (trial.attempt_over ? 0 : at.seconds - trial.launched_at));
  }
  return m.take();
}

std::string report(const Reported& r) {
  Members m;
  m.add("trial", r.trial.value).add("attempt", r.attempt).add("n", r.seq).add("step", r.step);
  m.writer().key("metrics").begin_object();
  for (std::size_t i = 0; i < r.metrics.size(); ++i) m.writer().key((*r.metrics.names)[i]).value(r.metrics.values[i]);
  m.writer().end_object();
  return m.take();
}

std::string crossing(TrialId trial, const char* decision, const Rung& rung, const Decided& decided) {
  return Members()
      .add("trial", trial.value)
      .add("decision", decision)
      .add("rung", rung)
      .add("why", decided.reason.why)
      .take();
}

}  // namespace

std::string event_line(const std::string& name, Seq seq, double ts, const std::string& members) {
  std::string out;
  JsonWriter(out).begin_object().key("v").value(1).key("seq").value(seq).key("ts").value(ts).key("event").value(name);
  if (!members.empty()) out += "," + members;
  return out + "}";
}

std::string event_of(const Record& record, const History& history, bool every_report) {
  const auto line = [&](const char* name, const std::string& members) {
    return event_line(name, record.seq, record.at.seconds, members);
  };
  if (const auto* r = record.as<Reported>()) return every_report ? line("report", report(*r)) : std::string{};
  if (const auto* o = record.as<Opened>())
    return line("experiment.opened", Members()
                                         .add("experiment", history.spec().name)
                                         .add("reason", o->reason)
                                         .add("pid", o->pid)
                                         .add("version", o->version)
                                         .take());
  if (const auto* c = record.as<Configured>())
    return line("experiment.configured", Members().add("changes", c->changes).add("by", c->by).take());
  if (const auto* i = record.as<Imported>()) {
    Members m;
    m.add("source", i->source).add("trials", static_cast<std::int64_t>(i->trials.size()));
    for (const auto& [key, list] : {std::pair{"matched", &i->matched}, std::pair{"unmatched", &i->unmatched}}) {
      m.writer().key(key).begin_array();
      for (const auto& text : *list) m.writer().value(text);
      m.writer().end_array();
    }
    return line("experiment.imported", m.take());
  }
  if (const auto* s = record.as<Started>())
    return line("trial.started",
                Members().add("trial", s->trial.value).add("attempt", s->attempt).add("pid", s->pid).take());
  if (const auto* e = record.as<Exited>()) {
    Members m;
    m.add("trial", e->trial.value).add("attempt", e->attempt).add("cause", to_text(e->cause));
    if (e->exit_code) m.add("exit_code", *e->exit_code);
    if (e->signal) m.add("signal", *e->signal);
    if (!e->text.empty()) m.add("text", e->text);
    return line("attempt.ended", m.add("seconds", e->usage.seconds).take());
  }
  if (const auto* w = record.as<Warned>())
    return line("warning", Members().add("code", w->code).add("subject", w->subject).add("text", w->text).take());
  if (const auto* r = record.as<Requested>()) {
    Members m;
    m.add("verb", r->verb).add("by", r->by);
    if (r->trial) m.add("trial", r->trial->value);
    return line("request", m.take());
  }

  const auto* decided = record.decided();
  if (const auto* p = record.as<Propose>())
    return line("trial.proposed", Members()
                                      .add("trial", p->trial.value)
                                      .add("params", p->params)
                                      .add("source", p->source)
                                      .add("by", decided->reason.by)
                                      .take());
  if (const auto* s = record.as<Settle>()) return line("trial.finished", values(*s, record.at, history));
  if (const auto* r = record.as<Retry>())
    return line(
        "trial.retried",
        Members().add("trial", r->trial.value).add("attempt", r->attempt).add("why", decided->reason.why).take());
  if (const auto* l = record.as<Launch>(); l && l->rung)
    return line("rung", crossing(l->trial, "promote", *l->rung, *decided));
  if (const auto* x = record.as<Extend>(); x && x->rung)
    return line("rung", crossing(x->trial, "extend", *x->rung, *decided));
  if (const auto* p = record.as<Pause>(); p && p->rung)
    return line("rung", crossing(p->trial, "pause", *p->rung, *decided));
  if (const auto* s = record.as<Stop>(); s && s->rung)
    return line("rung", crossing(s->trial, "stop", *s->rung, *decided));
  if (record.as<Finish>()) return line("experiment.finishing", Members().add("why", decided->reason.why).take());
  return {};
}

}  // namespace tune
