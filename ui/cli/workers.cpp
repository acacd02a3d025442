// SPDX-License-Identifier: Apache-2.0
// `tune workers`: who runs an experiment's trials, what was asked of an engine, and asking a worker to take no more.
#include <algorithm>
#include <charconv>

#include "tuner/json.hpp"
#include "ui/api/control.hpp"
#include "ui/cli/listing.hpp"
#include "ui/cli/subject.hpp"
#include "ui/view/row_of.hpp"
#include "ui/view/waiting.hpp"

namespace tune {
namespace {

struct Asking {
  std::string_view verb, done;
};
constexpr Asking kAsking[] = {{"cordon", "gets no new trials"},
                              {"uncordon", "gets trials again"},
                              {"drain", "its trials save and leave, and it goes"}};

const Asking* asking(const std::string& word) {
  const auto it = std::find_if(std::begin(kAsking), std::end(kAsking), [&](const Asking& a) { return a.verb == word; });
  return it == std::end(kAsking) ? nullptr : it;
}

Shown when(double at) { return at > 0 ? Shown::shown_as(time_text(at), Shown(at)) : Shown(); }

/// An engine's key for an allocation is long: who reads sees the number that the list of allocations has for it.
Shown allocation_of(const std::string& key, const Table& allocations) {
  for (const auto& cells : allocations.rows)
    if (const RowOf row(allocations, cells); !key.empty() && row.text("key") == key) return Shown::shown_as(std::to_string(row.whole("allocation")), Shown(key));
  return key;
}

Listing list_workers(const Table& table, const Table& allocations) {
  Listing out({{"worker"}, {"name", true}, {"state"}, {"since"}, {"trials"}, {"used"}, {"cpus"}, {"gpus"}, {"memory"}, {"group"}, {"allocation"}, {"joined"}, {"labels", true}, {"why", true}});
  for (const auto& cells : table.rows) {
    const RowOf row(table, cells);
    const auto memory = row.whole("memory_bytes");
    const auto state = row.text("state"), key = row.text("allocation"), group = row.text("worker_group");
    out.add({row.whole("worker"), Shown(row.text("name"), Style::bold), Shown(state, state == "ready" ? Style::plain : Style::yellow),
             when(row.number("since")), row.whole("trials"), row.number("cpus_taken"), row.number("cpus"), row.whole("devices"),
             memory > 0 ? Shown::shown_as(size_text(memory), Shown(memory)) : Shown(),
             group == key && !key.empty() ? Shown::shown_as("-", Shown(group)) : Shown(group), allocation_of(key, allocations),
             when(row.number("joined_at")), row.text("labels"), row.text("why")});
  }
  return out;
}

Listing list_allocations(const Table& table) {
  Listing out({{"allocation"}, {"engine"}, {"id"}, {"state"}, {"since"}, {"nodes", true}, {"asked"}, {"ends"}, {"key", true}, {"reason", true}, {"why", true}});
  for (const auto& cells : table.rows) {
    const RowOf row(table, cells);
    const auto state = row.text("state");
    out.add({row.whole("allocation"), row.text("engine"), row.text("engine_id"), Shown(state, state == "failed" || state == "lost" ? Style::yellow : Style::plain),
             when(row.number("since")), row.text("nodes"), when(row.number("asked_at")), when(row.number("ends_at")), row.text("key"),
             row.text("reason"), row.text("why")});
  }
  return out;
}

/// By its number, or by its name where one alone has it.
Result<WorkerId> find(const Table& workers, const std::string& word, const std::string& experiment) {
  std::int64_t wanted = -1;
  const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), wanted);
  const bool is_number = wrong == std::errc{} && end == word.data() + word.size();
  std::vector<WorkerId> found;
  for (const auto& cells : workers.rows) {
    const RowOf row(workers, cells);
    if (is_number ? row.whole("worker") == wanted : row.text("name") == word) found.push_back({row.whole("worker")});
  }
  if (found.size() == 1) return found.front();
  const std::string list = "tune workers " + printable(experiment);
  if (found.empty()) return Error{Error::Code::not_found, "`" + printable(experiment) + "` has no worker `" + printable(word) + "`", list};
  return Error{Error::Code::invalid, std::to_string(found.size()) + " workers are called `" + printable(word) + "`: give the number", list};
}

Result<Table> workers_of(const Subject& subject) { return subject.reader->view(StoreReader::View::workers, subject.experiment.id); }

int ask_of(Invocation& call, const Asking& what) {
  const auto& words = call.words();
  if (words.size() < 2)
    return call.fail(usage_error("which worker?", "tune workers " + std::string{what.verb} + " 3, or its name; `tune workers` lists them"));
  const auto subject = find_subject(call, words.size() > 2 ? words[2] : "");
  if (!subject) return call.fail(subject.error());
  const auto workers = workers_of(*subject);
  if (!workers) return call.fail(workers.error());
  const auto worker = find(*workers, words[1], subject->experiment.name);
  if (!worker) return call.fail(worker.error());
  Requested wish;
  wish.by = this_user(), wish.via = "command line", wish.verb = what.verb, wish.worker = *worker;
  const auto done = carry_out(call.store(), subject->experiment.name, {wish, {}, this_user()});
  if (!done) return call.fail(done.error());
  call.tell("worker " + std::to_string(worker->value) + ": " + std::string{what.done});
  return kOk;
}

/// One JSON document has all of it; a line is a worker or an allocation; CSV has one kind of row and so the workers alone.
void show(const Invocation& call, const Listing& workers, const Listing& allocations, const std::string& waiting) {
  if (call.format() == Invocation::Format::json) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("workers").raw(workers.json_array()).key("allocations").raw(allocations.json_array());
    json.key("waiting").value(waiting).end_object();
    return call.print_exact(out + "\n");
  }
  call.print(workers);
  if (call.format() == Invocation::Format::csv) return;
  const bool table = call.format() == Invocation::Format::table;
  if (table && allocations.size() > 0) call.print("\n");
  if (allocations.size() > 0) call.print(allocations);
  if (table && !waiting.empty()) call.print("\n" + waiting + "\n");
}

}  // namespace

int workers_verb(Invocation& call) {
  if (!call.words().empty())
    if (const auto* what = asking(call.words()[0])) return ask_of(call, *what);
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto workers = workers_of(*subject);
  if (!workers) return call.fail(workers.error());
  const auto allocations = subject->reader->view(StoreReader::View::allocations, subject->experiment.id);
  if (!allocations) return call.fail(allocations.error());
  show(call, list_workers(*workers, *allocations), list_allocations(*allocations), why_trials_wait(*subject->reader, subject->experiment));
  return kOk;
}

}  // namespace tune
