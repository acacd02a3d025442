// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "executors/process/conformance.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/environment.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/reader.hpp"
#include "ui/cli/check.hpp"
#include "ui/cli/config_file.hpp"

namespace tune {
namespace {

struct Found {
  const char* subject;
  enum class Verdict { good, warning, bad } verdict = Verdict::good;
  std::string text;
};
using Verdict = Found::Verdict;

Found machine() {
  const auto offer = offer_of_this_machine(Spec{});
  std::string text = number_text(offer.cpus) + " cpus";
  if (offer.memory_bytes) text += ", " + size_text(offer.memory_bytes) + " memory";
  text += offer.devices.empty() ? ", no gpu" : ", " + std::to_string(offer.devices.size()) + " gpus";
  return {"machine", Verdict::good, text};
}

Found containment() {
  const auto cgroups = Cgroups::open("doctor");
  if (cgroups) return {"cgroup", Verdict::good, "trials can have a cgroup each (executor.isolate = \"cgroup\")"};
  return {"cgroup", Verdict::good,
          "not to be had here (" + cgroups.error().message + "); what trials leave behind is found and ended without"};
}

Found descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  // A live trial holds about six: its channel, two logs, a pidfd, its parameters, its cgroup.
  const auto trials = limit.rlim_cur == RLIM_INFINITY ? 100000 : static_cast<std::int64_t>(limit.rlim_cur) / 6;
  return {"descriptors", trials < 64 ? Verdict::warning : Verdict::good,
          "enough for about " + std::to_string(trials) + " trials at once" +
              (trials < 64 ? "; raise it with `ulimit -n`" : "")};
}

Found processes() {
  rlimit limit{};
  getrlimit(RLIMIT_NPROC, &limit);
  const bool few = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < 256;
  return {
      "processes", few ? Verdict::warning : Verdict::good,
      limit.rlim_cur == RLIM_INFINITY ? "not limited" : "at most " + std::to_string(limit.rlim_cur) + " of this user"};
}

Found file_system(const std::string& store) {
  std::error_code failed;
  const auto folder = std::filesystem::absolute(store, failed).parent_path().string();
  if (auto fine = sqlite::check_file_system(folder); !fine) return {"file system", Verdict::bad, fine.error().message};
  if (access(folder.c_str(), W_OK) != 0) return {"file system", Verdict::bad, folder + " cannot be written to"};
  const auto space = std::filesystem::space(folder, failed);
  const bool scarce = !failed && space.available < 100'000'000;
  return {
      "file system", scarce ? Verdict::warning : Verdict::good,
      folder + " is local" + (failed ? "" : ", " + size_text(static_cast<std::int64_t>(space.available)) + " free")};
}

Found store(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::exists(path, failed))
    return {"store", Verdict::good, path + " is not there yet; `tune sweep` makes it"};
  const auto reader = StoreReader::open(path);
  if (!reader) return {"store", Verdict::bad, reader.error().message};
  const auto rows = (*reader)->experiments();
  if (!rows) return {"store", Verdict::bad, rows.error().message};
  std::int64_t live = 0;
  for (const auto& row : *rows) live += row.owned;
  return {"store", Verdict::good,
          path + " holds " + std::to_string(rows->size()) + " experiments, " + std::to_string(live) +
              " of them running; `tune fsck` checks it whole"};
}

Found clock() {
  using namespace std::chrono;
  const auto now = system_clock::now();
  const bool plausible = now.time_since_epoch() > hours(24 * 365 * 54);
  return {"clock", plausible ? Verdict::good : Verdict::bad,
          time_text(duration<double>(now.time_since_epoch()).count()) +
              (plausible ? "" : ": this machine's clock is wrong")};
}

int protocol(Invocation& call) {
  Spec spec;
  Params params;
  if (!call.words().empty()) {
    auto read = read_config_file(call, call.words()[0], {});
    if (!read) return kUsage;
    spec = std::move(*read);
    if (const auto examples = example_trials(spec, 1); !examples.empty()) params = examples[0].params;
  } else {
    spec.name = "doctor";
    spec.command = call.rest();
    spec.objectives = {Objective{"loss"}};
    spec.cwd = std::filesystem::current_path().string();
  }
  if (spec.command.empty())
    return call.fail(usage_error("which program?",
                                 "tune doctor --protocol -- python3 train.py, or tune doctor --protocol config.json"));
  call.tell("playing some trials with it; each may take up to 20 s");
  const auto found = check_conformance(std::move(spec), params);
  if (!found) return call.fail(found.error());
  if (call.format() == Invocation::Format::table) {
    call.print(found->text());
  } else {
    Listing listing({{"subject"}, {"verdict"}, {"text", true}});
    for (const auto& f : found->findings) {
      using V = Conformance::Verdict;
      listing.add({f.subject, f.verdict == V::yes ? "yes" : f.verdict == V::no ? "no" : "unknown", f.text});
    }
    call.print(listing);
  }
  return found->usable() ? kOk : kUnexpected;
}

}  // namespace

int doctor_verb(Invocation& call) {
  if (call.has("protocol")) return protocol(call);
  if (!call.words().empty() || !call.rest().empty())
    return call.fail(usage_error("a program is examined with --protocol", "tune doctor --protocol -- CMD"));
  bool bad = false;
  Listing listing({{"subject"}, {"verdict"}, {"text"}});
  for (const auto& found : {machine(), containment(), descriptors(), processes(), file_system(call.store()),
                            store(call.store()), clock()}) {
    bad |= found.verdict == Verdict::bad;
    const auto word = found.verdict == Verdict::good      ? Shown("ok", Style::green)
                      : found.verdict == Verdict::warning ? Shown("warning", Style::yellow)
                                                          : Shown("bad", Style::red);
    listing.add({Shown(found.subject, Style::bold), word, found.text});
  }
  call.print(listing);
  return bad ? kUnexpected : kOk;
}

}  // namespace tune
