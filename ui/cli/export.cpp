// SPDX-License-Identifier: Apache-2.0
// Reading a store out: trials, config or journal as text, or the whole dashboard as one page.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "tuner/facts_json.hpp"
#include "ui/cli/out_file.hpp"
#include "ui/cli/query.hpp"
#include "ui/cli/subject.hpp"
#include "ui/server/offline_page.hpp"
#include "ui/server/site.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

using Sink = std::function<Result<Done>(std::string_view)>;

/// Where `--out`, or in its absence `otherwise`, says: a file, or stdout for "-". The error of whichever failed.
Result<Done> write_out(const Invocation& call, const std::string& otherwise, const std::function<Result<Done>(const Sink&)>& make) {
  const auto out = call.get("out").value_or(otherwise);
  if (out == "-") return make([&](std::string_view text) { return call.print_exact(text), Result<Done>{Done{}}; });
  auto file = OutFile::open(out);
  if (!file) return file.error();
  if (auto done = make([&](std::string_view text) { return file->write(text); }); !done) return done;
  if (auto done = file->finish(); !done) return done;
  call.tell("wrote " + printable(out) + ": " + size_text(static_cast<std::int64_t>(file->written())));
  return Done{};
}

Result<Done> export_journal(const Subject& subject, const Sink& write) {
  std::optional<Error> trouble;
  const auto done = subject.reader->read(subject.experiment.id, 1, [&](Record&& record) {
    if (trouble) return;
    if (auto written = write(to_json_line(record) + "\n"); !written) trouble = written.error();
  });
  return trouble ? Result<Done>{*trouble} : done;
}

Result<Done> export_trials(const Invocation& call, const Subject& subject, bool csv, const Sink& write) {
  const auto query = query_from(call, subject.experiment);
  if (!query) return query.error();
  std::optional<Error> trouble;
  const auto piece = [&](std::string_view text) {
    if (trouble) return;
    if (auto written = write(text); !written) trouble = written.error();
  };
  const auto done = csv ? export_csv(*subject.reader, subject.experiment.id, *query, piece)
                        : export_ndjson(*subject.reader, subject.experiment.id, *query, piece);
  return trouble ? Result<Done>{*trouble} : done;
}

Result<Done> export_text(const Invocation& call, const std::string& format) {
  const auto subject = find_experiment(call);
  if (!subject) return subject.error();
  return write_out(call, "-", [&](const Sink& write) -> Result<Done> {
    if (format == "config") return write(subject->experiment.config + "\n");
    if (format == "journal") return export_journal(*subject, write);
    return export_trials(call, *subject, format == "csv", write);
  });
}

/// How far it is, on a terminal: one line that is written over, a few times a second.
class Counter {
 public:
  explicit Counter(const Invocation& call) : shown_(!call.quiet() && isatty(STDERR_FILENO)), call_(call) {}
  ~Counter() { clear(); }
  void operator()(const std::string& name, std::int64_t done, std::int64_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(200)) return;
    last_ = now, drawn_ = true;
    call_.complain("\r" + printable(name) + ": " + std::to_string(done * 100 / all) + " %");
  }
  void clear() {
    if (std::exchange(drawn_, false)) call_.complain("\r\x1b[K");
  }

 private:
  const bool shown_;
  const Invocation& call_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// The experiments that were named, or the only one of the store.
Result<std::vector<std::string>> named(const Invocation& call) {
  std::vector<std::string> names;
  auto words = call.words();
  if (words.empty()) words.emplace_back();
  for (const auto& word : words) {
    const auto subject = find_subject(call, word);
    if (!subject) return subject.error();
    if (subject->trial) return usage_error("`" + printable(word) + "` is a trial; a page is of experiments");
    if (std::find(names.begin(), names.end(), subject->experiment.name) == names.end()) names.push_back(subject->experiment.name);
  }
  return names;
}

Result<Done> export_page(const Invocation& call) {
  for (const char* flag : {"where", "columns"})
    if (call.has(flag))
      return usage_error("`--" + std::string(flag) + "` is for csv and ndjson: a page holds all trials", "filter them in the page");
  const auto details = call.whole("details", 0);
  if (!details) return details.error();
  const auto names = named(call);
  if (!names) return names.error();
  const auto otherwise = names->size() == 1 ? names->front() + ".html" : "experiments.html";
  OfflineContents contents;
  const auto site = Site::offline(call.store());
  Counter counter(call);
  const auto done = write_out(call, otherwise, [&](const Sink& write) -> Result<Done> {
    OfflineSettings settings{*names, OfflineSettings{}.details};
    if (*details) settings.details = **details;
    const auto told = write_offline_page(*site, settings, write, std::ref(counter));
    counter.clear();
    if (!told) return told.error();
    contents = *told;
    return Done{};
  });
  if (!done) return done;
  if (contents.details < contents.trials)
    call.tell("with the details and logs of " + std::to_string(contents.details) + " of " + std::to_string(contents.trials) +
              " trials, the best and the newest; --details holds more");
  return Done{};
}

}  // namespace

int export_verb(Invocation& call) {
  const auto format = call.get("format").value_or(call.format() == Invocation::Format::json_lines ? "ndjson" : "csv");
  if (format != "csv" && format != "ndjson" && format != "journal" && format != "config" && format != "html")
    return call.fail(usage_error("`--format` is csv, ndjson, journal, config or html, not `" + printable(format) + "`"));
  if (format != "html" && call.has("details")) return call.fail(usage_error("`--details` is for html", "--format html"));
  const auto done = format == "html" ? export_page(call) : export_text(call, format);
  return done ? kOk : call.fail(done.error());
}

}  // namespace tune
