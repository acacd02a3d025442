// SPDX-License-Identifier: Apache-2.0
// The part of JournalWriter that keeps `experiments` and `params` up with the facts. `trials` comes from the fold.
#include <algorithm>

#include "store/sqlite/journal.hpp"
#include "tuner/json.hpp"

namespace tune::sqlite {
namespace {

std::vector<std::string> read_tags(std::string_view text) {
  std::vector<std::string> tags;
  JsonReader json(text);
  if (json.next() != JsonReader::Token::array) return tags;
  while (json.next() == JsonReader::Token::string) tags.emplace_back(json.text());
  return tags;
}

std::string changed_tags(std::string_view before, const Annotated& a) {
  auto tags = read_tags(before);
  for (const auto& tag : a.tags_dropped) std::erase(tags, tag);
  for (const auto& tag : a.tags_added)
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(tag);
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& tag : tags) json.value(tag);
  json.end_array();
  return out;
}

}  // namespace

void JournalWriter::project(const Record& record) {
  if (const auto* p = record.as<Propose>()) return put_params(p->trial, p->params);
  if (const auto* e = record.as<Exploit>()) return put_params(e->trial, e->params);
  if (const auto* u = record.as<Update>()) return put_params(u->trial, u->params);
  if (const auto* l = record.as<Launch>()) {
    if (l->params) put_params(l->trial, *l->params);
    return;
  }
  if (const auto* a = record.as<Annotated>()) return annotate(*a);
  if (const auto* c = record.as<Configured>()) {
    // More budget reopens a finished experiment.
    db_.prepare(
           "UPDATE experiments SET config=?2, space_hash=?3, state=iif(state='new', state, 'running'), why=NULL, "
           "exit_code=NULL WHERE id=?1")
        .bind(1, experiment_)
        .bind(2, c->config)
        .bind(3, c->space_hash)
        .execute();
  } else if (record.as<Opened>()) {
    db_.prepare("UPDATE experiments SET state='running' WHERE id=?1 AND state='new'").bind(1, experiment_).execute();
  } else if (const auto* f = record.as<Finish>()) {
    db_.prepare("UPDATE experiments SET state='finishing', why=?2, exit_code=?3 WHERE id=?1")
        .bind(1, experiment_)
        .bind(2, record.decided()->reason.why)
        .bind(3, f->exit_code)
        .execute();
  } else if (const auto* r = record.as<Requested>(); r && !r->trial && (r->verb == "archive" || r->verb == "unarchive")) {
    db_.prepare("UPDATE experiments SET archived=?2 WHERE id=?1").bind(1, experiment_).bind(2, r->verb == "archive" ? 1 : 0).execute();
  }
}

void JournalWriter::put_params(TrialId trial, const Params& params) {
  const auto key = key_of(experiment_, trial.value);
  drop_params_.bind(1, key).execute();
  for (const auto& [name, value] : params) {
    insert_param_.bind(1, key).bind(2, name);
    std::visit(overloaded{[&](bool b) { insert_param_.bind(3, b ? 1 : 0).bind(4, "bool"); },
                          [&](std::int64_t i) { insert_param_.bind(3, i).bind(4, "int"); },
                          [&](double d) { insert_param_.bind(3, d).bind(4, "float"); },
                          [&](const std::string& s) { insert_param_.bind(3, s).bind(4, "text"); }},
               value);
    insert_param_.execute();
  }
}

void JournalWriter::annotate(const Annotated& a) {
  const std::string table = a.trial ? "trials" : "experiments";
  const auto id = a.trial ? key_of(experiment_, a.trial->value) : experiment_;
  // The trial's row may come later in this transaction; make room for what people said about it.
  if (a.trial)
    db_.prepare(
           "INSERT INTO trials(id, state, attempt, reports, last_step, feasible) VALUES(?1,'queued',0,0,0,1) "
           "ON CONFLICT(id) DO NOTHING")
        .bind(1, id)
        .execute();
  auto before = db_.prepare("SELECT tags FROM " + table + " WHERE id=?1");
  std::string tags = "[]";
  for (before.bind(1, id); before.step();) tags = before.text(0);
  tags = changed_tags(tags, a);
  auto change =
      db_.prepare("UPDATE " + table + " SET tags=?2, note=coalesce(?3, note), star=coalesce(?4, star) WHERE id=?1");
  change.bind(1, id).bind(2, tags);
  a.note ? change.bind(3, *a.note) : change.bind(3, std::nullopt);
  a.star ? change.bind(4, *a.star ? 1 : 0) : change.bind(4, std::nullopt);
  change.execute();
}

void JournalWriter::best(TrialId trial) {
  db_.prepare("UPDATE experiments SET best_trial=?2, best_value=(SELECT value FROM trials WHERE id=?2) WHERE id=?1")
      .bind(1, experiment_)
      .bind(2, key_of(experiment_, trial.value))
      .execute();
}

void JournalWriter::settle() {
  db_.prepare(
         "UPDATE experiments SET state=iif(EXISTS(SELECT 1 FROM trials WHERE id BETWEEN ?2 AND ?3 AND state IN "
         "('leased','running')), 'finishing', 'finished') WHERE id=?1 AND state IN ('finishing', 'finished')")
      .bind(1, experiment_)
      .bind(2, key_of(experiment_, 0))
      .bind(3, key_of(experiment_, kNumberMask))
      .execute();
}

}  // namespace tune::sqlite
