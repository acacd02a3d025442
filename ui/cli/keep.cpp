// SPDX-License-Identifier: Apache-2.0
// What is done to a store as a whole: deleting, copying, checking.
#include <filesystem>

#include "store/sqlite/copies.hpp"
#include "store/sqlite/fsck.hpp"
#include "store/sqlite/remove.hpp"
#include "tuner/json.hpp"
#include "tuner/replay.hpp"
#include "ui/api/policies.hpp"
#include "ui/cli/config_file.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

/// Folds the whole journal; what the fold says and, on the way, what each decision would have been.
Result<std::unique_ptr<Verifier>> fold(const Subject& subject) {
  auto verifier = std::make_unique<Verifier>(make_deciders);
  std::optional<Error> trouble;
  const auto read = subject.reader->read(subject.experiment.id, 1, [&](Record&& record) {
    if (trouble) return;
    if (auto done = verifier->apply(record); !done) trouble = done.error();
  });
  if (trouble) return *trouble;
  if (!read) return read.error();
  if (auto done = verifier->end(); !done) return done.error();
  return verifier;
}

std::vector<TrialRow> rows_of(const Experiment* experiment) {
  std::vector<TrialRow> rows;
  if (experiment)
    for (const auto& trial : experiment->history().trials()) rows.push_back(row_of(trial));
  return rows;
}

Result<Done> rebuild(const Invocation& call, const Subject& subject) {
  auto verifier = fold(subject);
  if (!verifier) return verifier.error();
  const auto* experiment = (*verifier)->experiment();
  return rebuild_projections(call.store(), subject.experiment.name, rows_of(experiment),
                             experiment ? experiment->history().best() : std::nullopt);
}

Result<FsckReport> check(const Invocation& call, const Subject& subject) {
  FsckOptions options;
  std::vector<TrialRow> rows;
  // A journal that cannot be folded is a finding of its own; then the tables are not compared.
  if (auto verifier = fold(subject)) {
    rows = rows_of((*verifier)->experiment());
    options.expected = rows;
  }
  options.complete = call.has("complete");
  if (const auto spec = spec_of(subject.experiment)) options.budget = spec->stop.trials;
  if (const auto file = call.get("ledger")) {
    const auto text = read_text(*file);
    if (!text) return text.error();
    auto ledger = read_ledger(*text);
    if (!ledger) return ledger.error();
    options.ledger = std::move(*ledger);
  }
  return fsck(call.store(), subject.experiment.name, options);
}

void print_fsck(const Invocation& call, const Subject& subject, const FsckReport& report) {
  if (call.format() == Invocation::Format::table) {
    for (const auto& finding : report.findings)
      call.print(paint(Style::red, finding.invariant, call.colour()) + ": " + printable(finding.text) + "\n");
    return call.print(subject.name() + ": " + std::to_string(report.records) + " records, " +
                      std::to_string(report.trials) + " trials, " +
                      (report.ok() ? "everything holds" : std::to_string(report.findings.size()) + " findings") + "\n");
  }
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("experiment").value(subject.experiment.name).key("ok").value(report.ok());
  json.key("records").value(report.records).key("trials").value(report.trials).key("findings").begin_array();
  for (const auto& finding : report.findings)
    json.begin_object().key("invariant").value(finding.invariant).key("text").value(finding.text).end_object();
  json.end_array().end_object();
  call.print(out + "\n");
}

/// The experiment that was named, or every one of the store.
Result<std::vector<std::string>> named_or_all(const Invocation& call) {
  if (!call.words().empty()) return call.words();
  auto reader = StoreReader::open(call.store());
  if (!reader) return reader.error();
  const auto rows = (*reader)->experiments();
  if (!rows) return rows.error();
  std::vector<std::string> names;
  for (const auto& row : *rows) names.push_back(row.name);
  return names;
}

Result<std::string> target_file(const Invocation& call) {
  if (call.words().size() != 1)
    return usage_error("which file is to be written?", "tune " + std::string(call.verb().name) + " copy.db");
  return call.words()[0];
}

}  // namespace

int fsck_verb(Invocation& call) {
  const auto names = named_or_all(call);
  if (!names) return call.fail(names.error());
  int code = kOk;
  for (const auto& name : *names) {
    const auto subject = find_subject(call, name);
    if (!subject) return call.fail(subject.error());
    if (call.has("rebuild"))
      if (auto done = rebuild(call, *subject); !done) return call.fail(done.error());
    const auto report = check(call, *subject);
    if (!report) return call.fail(report.error());
    print_fsck(call, *subject, *report);
    if (!report->ok()) code = kUnexpected;
  }
  return code;
}

int replay_verb(Invocation& call) {
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto verifier = fold(*subject);
  if (!verifier) return call.fail(verifier.error());
  const auto& found = (*verifier)->result();
  const bool verify = call.has("verify");
  if (call.format() == Invocation::Format::table) {
    std::string line = subject->name() + ": " + std::to_string(found.records) + " records folded";
    if (verify)
      line += ", " + std::to_string(found.decisions) + " decisions made again, " + std::to_string(found.mismatches) +
              " mismatches";
    call.print(line + "\n");
    if (verify)
      for (const auto& mismatch : found.first) call.print("  " + printable(mismatch) + "\n");
  } else {
    std::string out;
    JsonWriter(out)
        .begin_object()
        .key("experiment")
        .value(subject->experiment.name)
        .key("records")
        .value(found.records)
        .key("decisions")
        .value(found.decisions)
        .key("mismatches")
        .value(found.mismatches)
        .end_object();
    call.print(out + "\n");
  }
  return verify && found.mismatches > 0 ? kUnexpected : kOk;
}

int backup_verb(Invocation& call) {
  const auto file = target_file(call);
  if (!file) return call.fail(file.error());
  const auto done = backup(call.store(), *file);
  if (!done) return call.fail(done.error());
  call.tell("copied " + printable(call.store()) + " to " + printable(*file));
  return kOk;
}

int salvage_verb(Invocation& call) {
  const auto file = target_file(call);
  if (!file) return call.fail(file.error());
  const auto report = salvage(call.store(), *file);
  if (!report) return call.fail(report.error());
  call.print("copied " + std::to_string(report->facts) + " facts, " + std::to_string(report->reports) + " reports, " +
             std::to_string(report->trials) + " trials; " + std::to_string(report->missing) + " records are missing\n");
  return kOk;
}

int rm_verb(Invocation& call) {
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  if (!call.confirmed("Delete `" + subject->name() + "` with " + std::to_string(subject->experiment.trials) +
                      " trials and their files?"))
    return kUnexpected;
  const auto done = remove_experiment(call.store(), subject->experiment.name);
  if (!done) return call.fail(done.error());
  call.tell(subject->name() + ": deleted");
  return kOk;
}

}  // namespace tune
