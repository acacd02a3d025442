// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/slurm.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <utility>

#include "executors/engines/program.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

constexpr Duration kLimit{60};
constexpr std::size_t kNamesInACall = 200;  // An answer of so many jobs is far below what run_program() keeps.

ProgramCall call(std::vector<std::string> argv) {
  // Our question must be asked as we mean it; who may submit where (SBATCH_ACCOUNT, SBATCH_PARTITION, …) stays the user's.
  return {std::move(argv), {}, kLimit,
          {{"SLURM_TIME_FORMAT", "%s"}, {"SQUEUE_PARTITION", std::nullopt}, {"SQUEUE_ACCOUNT", std::nullopt}, {"SQUEUE_QOS", std::nullopt},
           {"SQUEUE_LICENSES", std::nullopt}, {"SQUEUE_CLUSTERS", std::nullopt}, {"SLURM_CLUSTERS", std::nullopt}}};
}

bool is_away(std::string_view words) {
  for (const auto* sign : {"Unable to contact", "Socket timed out", "Connection refused", "Connection timed out", "temporarily", "try again",
                           "Zero Bytes were transmitted", "Communication connection failure"}) {
    if (words.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

Error refused(const std::string& what, const ProgramAnswer& answer) {
  const std::string words = last_words(answer);
  if (is_away(words)) return {Error::Code::unreachable, what + ": " + words, "see whether `squeue` answers; it is asked again later"};
  return {Error::Code::invalid, what + ": " + words, "see what `sinfo` offers; per_agent, agents, walltime and site_args say what is asked for"};
}

// These say what an allocation is and how it is found again.
Result<Done> check_site_args(const std::vector<std::string>& arguments) {
  static constexpr std::string_view kOurs[] = {
      "--array", "-a", "--job-name", "-J", "--comment", "--export", "--export-file", "--nodes", "-N", "--ntasks", "-n", "--ntasks-per-node", "--wrap",
      "--output", "-o", "--error", "-e", "--requeue", "--no-requeue", "--parsable", "--wait", "-W", "--test-only", "--signal", "--chdir", "-D",
      "--clusters", "-M", "--input", "-i", "--help", "-h", "--usage", "--version", "-V"};
  for (const auto& argument : arguments) {
    if (!argument.starts_with('-') || argument.find('\0') != std::string::npos) {
      return Error{Error::Code::invalid, "site_args: " + printable(argument) + " is no option of sbatch", "write option and value as one: --partition=long"};
    }
    const std::string_view name = argument.starts_with("--") ? std::string_view{argument}.substr(0, argument.find('=')) : std::string_view{argument}.substr(0, 2);
    if (std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs)) {
      return Error{Error::Code::invalid, "site_args: " + printable(name) + " is for tune to set", "site_args are for the partition, account, constraints and the like"};
    }
  }
  return Done{};
}

Result<Done> check_spec(const AgentSpec& spec) {
  for (const auto* path : {&spec.join_file, &spec.program}) {
    if (!path->starts_with('/')) return Error{Error::Code::invalid, "'" + printable(*path) + "' is not an absolute path, and a job starts elsewhere", ""};
  }
  if (!spec.per_agent.custom.empty()) {
    return Error{Error::Code::invalid, "slurm cannot be asked for " + printable(spec.per_agent.custom.begin()->first) + ": it is a resource of your own",
                 "ask for it by site_args (--licenses=…, --constraint=…)"};
  }
  return check_site_args(spec.site_args);
}

std::string walltime_text(Duration time) {
  const auto seconds = static_cast<long long>(std::ceil(time.seconds));
  char text[40];
  std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return text;
}

int at_least_one(double count) { return std::max(1, static_cast<int>(std::ceil(std::min(count, 1e6)))); }

class Slurm final : public Engine {
 public:
  explicit Slurm(const EngineContext& context) : folder_(context.folder), gres_(text_option(context.options, "gres")) {}

  Result<Done> check(const AgentSpec& spec) override {
    if (auto good = check_spec(spec); !good) return good;
    auto argv = sbatch(spec, "tune-check");
    argv.insert(argv.begin() + 1, "--test-only");
    auto asked = call(std::move(argv));
    asked.input = detail::slurm_script(spec, "tune-check");
    const auto answer = run_program(asked);
    if (!answer) return answer.error();
    if (!answer->good()) return refused("Slurm would not take this allocation", *answer);
    return Done{};
  }

  Result<std::string> submit(const AgentSpec& spec, const std::string& key) override {
    TUNE_ASSERT(is_key(key), key);
    if (auto good = check_spec(spec); !good) return good.error();
    // What squeue has forgotten is over, and submitting it again then is right.
    const auto known = jobs({key});
    if (!known) return known.error();
    if (const auto job = known->find(key); job != known->end()) return job->second.id;

    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    auto asked = call(sbatch(spec, key));
    asked.input = detail::slurm_script(spec, key);
    const auto answer = run_program(asked);
    if (!answer) return answer.error();
    if (!answer->good()) return refused("Slurm did not take the allocation", *answer);
    const auto id = detail::trimmed(answer->out).substr(0, detail::trimmed(answer->out).find(';'));
    if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos) {
      return Error{Error::Code::unreachable, "sbatch answered no job id but: " + last_words(*answer), "the job is looked for by its name, " + key};
    }
    return std::string{id};
  }

  std::vector<Allocation> list(std::span<const AllocationName> names) override {
    std::vector<Allocation> out;
    for (std::size_t at = 0; at < names.size(); at += kNamesInACall) list_some(names.subspan(at, std::min(kNamesInACall, names.size() - at)), out);
    return out;
  }

  Result<Done> cancel(const AllocationName& name) override {
    std::string id = name.id;
    if (id.empty()) {
      const auto known = jobs({name.key});
      if (!known) return known.error();
      if (known->empty()) return Done{};
      id = known->begin()->second.id;
    }
    const auto answer = run_program(call({"scancel", id}));
    if (!answer) return answer.error();
    const bool over = answer->err.find("Invalid job id") != std::string::npos || answer->err.find("already complet") != std::string::npos;
    if (!answer->good() && !over) return refused("Slurm did not cancel job " + id, *answer);
    return Done{};
  }

  Result<std::string> logs(const AllocationName& name, int lines) override { return detail::tail_of_file(folder_ + "/" + name.key + ".log", lines); }

 private:
  using Jobs = std::map<std::string, detail::SlurmJob>;  // By name, which is our key.

  std::vector<std::string> sbatch(const AgentSpec& spec, const std::string& key) const {
    std::vector<std::string> argv = {"sbatch"};
    const auto options = detail::sbatch_options(spec, key, folder_, gres_);
    argv.insert(argv.end(), options.begin(), options.end());
    return argv;
  }

  /// What squeue knows of these keys. Asked by name and not by id: an id that it has forgotten would be an error for all of them.
  Result<Jobs> jobs(const std::vector<std::string>& keys) {
    std::string names;
    for (const auto& key : keys) names += (names.empty() ? "" : ",") + key;
    const auto answer = run_program(call({"squeue", "--noheader", "--me", "--states=all", "--name=" + names, "--format=%i|%T|%e|%N|%j|%r"}));
    if (!answer) return answer.error();
    if (!answer->good() || answer->cut) {
      return Error{Error::Code::unreachable, "squeue does not tell: " + last_words(*answer), "see whether `squeue` answers; it is asked again later"};
    }
    return read(answer->out);
  }

  static Jobs read(std::string_view out) {
    Jobs found;
    while (!out.empty()) {
      const auto end = std::min(out.find('\n'), out.size());
      if (auto job = detail::read_slurm_job(out.substr(0, end))) {
        // If there were two of one key, the one that lives is what counts.
        const auto [at, fresh] = found.try_emplace(job->name, *job);
        if (!fresh && is_over(detail::slurm_state(at->second.state))) at->second = *job;
      }
      out.remove_prefix(std::min(end + 1, out.size()));
    }
    return found;
  }

  /// What the accounting remembers of jobs that squeue has forgotten: slurmdbd's or, where there is none, the file of ended jobs.
  static Jobs ended_jobs(const std::string& ids) {
    for (const bool from_file : {false, true}) {
      std::vector<std::string> argv = {"sacct", "--noheader", "--parsable2", "--jobs=" + ids, "--format=JobID,State,End,NodeList,JobName"};
      argv.push_back(from_file ? "--completion" : "--allocations");
      const auto answer = run_program(call(std::move(argv)));
      if (answer && answer->good()) return read(answer->out);
    }
    return {};
  }

  void list_some(std::span<const AllocationName> names, std::vector<Allocation>& out) {
    std::vector<std::string> keys;
    for (const auto& name : names) keys.push_back(name.key);
    auto known = jobs(keys);
    if (!known) {
      for (const auto& name : names) out.push_back({name, AllocationState::unknown, false, known.error().message});
      return;
    }
    std::string forgotten;
    for (const auto& name : names) {
      if (!name.id.empty() && !known->contains(name.key)) forgotten += (forgotten.empty() ? "" : ",") + name.id;
    }
    if (!forgotten.empty()) known->merge(ended_jobs(forgotten));
    for (const auto& name : names) {
      const auto job = known->find(name.key);
      if (job == known->end()) {
        out.push_back({name, AllocationState::unknown, true, "Slurm knows no job of this name"});
      } else {
        out.push_back(seen(name, job->second));
      }
    }
  }

  static Allocation seen(const AllocationName& name, const detail::SlurmJob& job) {
    Allocation allocation{{name.key, job.id}, detail::slurm_state(job.state), false, job.state, job.nodes, job.end};
    if (!job.reason.empty() && job.reason != "None") allocation.reason += " (" + job.reason + ")";
    return allocation;
  }

  std::string folder_, gres_;
};

Result<std::unique_ptr<Engine>> make(const EngineContext& context) {
  if (context.folder.find('%') != std::string::npos || context.folder.find('\n') != std::string::npos) {
    return Error{Error::Code::invalid, "Slurm cannot write its logs below " + printable(context.folder) + ": it reads % as a placeholder", "keep the store in another folder"};
  }
  return std::unique_ptr<Engine>{std::make_unique<Slurm>(context)};
}

}  // namespace

namespace detail {

AllocationState slurm_state(std::string_view word) {
  using enum AllocationState;
  static const std::map<std::string_view, AllocationState> kMeaning = {
      {"PENDING", queued}, {"CONFIGURING", queued},
      {"RUNNING", running}, {"STAGE_OUT", running}, {"SIGNALING", running}, {"RESIZING", running}, {"STOPPED", running}, {"SUSPENDED", running},
      {"COMPLETING", ending},
      {"COMPLETED", ended}, {"CANCELLED", ended}, {"TIMEOUT", ended},
      {"FAILED", failed}, {"DEADLINE", failed}, {"OUT_OF_MEMORY", failed}, {"BOOT_FAIL", failed},
      {"NODE_FAIL", lost}, {"PREEMPTED", lost}, {"REVOKED", lost},
      // Ours ask not to be requeued. If a site does it all the same, the job waits again, and its agents will be new ones.
      {"REQUEUED", queued}, {"REQUEUE_FED", queued}, {"REQUEUE_HOLD", queued}, {"SPECIAL_EXIT", queued}, {"RESV_DEL_HOLD", queued}};
  const auto known = kMeaning.find(word.substr(0, word.find_first_of(" +")));
  return known == kMeaning.end() ? unknown : known->second;
}

std::optional<SlurmJob> read_slurm_job(std::string_view line) {
  std::string_view fields[5];
  for (auto& field : fields) {
    const auto bar = line.find('|');
    field = line.substr(0, bar);
    if (bar == std::string_view::npos && &field != &fields[4]) return std::nullopt;
    line = bar == std::string_view::npos ? std::string_view{} : line.substr(bar + 1);
  }
  const auto [id, state, end, nodes, name] = fields;
  if (id.empty() || id.find_first_not_of("0123456789") != std::string_view::npos || state.empty() || name.empty()) return std::nullopt;
  SlurmJob job{std::string{id}, std::string{name}, printable(state), printable(trimmed(line)), {}, {}};
  double seconds = 0;
  const auto number = std::from_chars(end.data(), end.data() + end.size(), seconds);
  if (number.ec == std::errc{} && number.ptr == end.data() + end.size() && std::isfinite(seconds)) job.end = Time{seconds};
  if (!nodes.starts_with("None") && !nodes.starts_with('(')) job.nodes = slurm_nodes(nodes);
  return job;
}

std::vector<std::string> slurm_nodes(std::string_view list) {
  constexpr std::size_t kMost = 4096;
  std::vector<std::string> out;
  const std::string_view whole = list;
  const auto as_it_is = [&] { return std::vector<std::string>{printable(whole)}; };
  while (!list.empty() && out.size() < kMost) {
    const auto open = list.find_first_of("[,");
    if (open == std::string_view::npos || list[open] == ',') {
      if (open != 0) out.push_back(printable(list.substr(0, open)));
      list.remove_prefix(open == std::string_view::npos ? list.size() : open + 1);
      continue;
    }
    const auto close = list.find(']', open);
    if (close == std::string_view::npos) return as_it_is();
    const std::string stem = printable(list.substr(0, open));
    std::string_view ranges = list.substr(open + 1, close - open - 1);
    list.remove_prefix(close + 1);
    if (list.starts_with(',')) {
      list.remove_prefix(1);
    } else if (!list.empty()) {
      return as_it_is();  // n[1-2]m[3-4]: nobody has met it.
    }
    while (!ranges.empty() && out.size() < kMost) {
      const std::string_view range = ranges.substr(0, ranges.find(','));
      ranges.remove_prefix(std::min(range.size() + 1, ranges.size()));
      const auto dash = std::min(range.find('-'), range.size());
      const std::string_view low = range.substr(0, dash), high = dash < range.size() ? range.substr(dash + 1) : low;
      unsigned first = 0, last = 0;
      const auto one = std::from_chars(low.data(), low.data() + low.size(), first), two = std::from_chars(high.data(), high.data() + high.size(), last);
      if (one.ec != std::errc{} || two.ec != std::errc{} || one.ptr != low.data() + low.size() || two.ptr != high.data() + high.size() || first > last) return as_it_is();
      for (unsigned long n = first; n <= last && out.size() < kMost; ++n) {
        const std::string digits = std::to_string(n);
        out.push_back(stem + std::string(low.size() > digits.size() ? low.size() - digits.size() : 0, '0') + digits);
      }
    }
  }
  return out;
}

std::vector<std::string> sbatch_options(const AgentSpec& spec, const std::string& key, const std::string& folder, const std::string& gres) {
  const auto nodes = std::to_string(std::max(1, spec.agents));
  std::vector<std::string> argv = {"--parsable", "--no-requeue", "--export=NONE", "--job-name=" + key, "--comment=" + key, "--nodes=" + nodes,
                                   "--ntasks=" + nodes, "--ntasks-per-node=1", "--cpus-per-task=" + std::to_string(at_least_one(spec.per_agent.cpus)),
                                   "--chdir=" + folder, "--output=" + folder + "/" + key + ".log", "--open-mode=append"};
  if (spec.per_agent.memory_bytes > 0) argv.push_back("--mem=" + std::to_string((spec.per_agent.memory_bytes + (1 << 20) - 1) >> 20) + "M");
  if (spec.per_agent.gpus > 0) {
    const auto count = std::to_string(at_least_one(spec.per_agent.gpus));
    argv.push_back(gres.empty() ? "--gpus-per-node=" + count : "--gres=" + gres + ":" + count);
  }
  // No --signal: it would reach the trials too, and end them; agents know their deadline.
  if (spec.walltime.seconds > 0) argv.push_back("--time=" + walltime_text(spec.walltime));
  if (!spec.gang) argv.push_back("--no-kill");  // The agents that are left when a node dies are of use.
  argv.insert(argv.end(), spec.site_args.begin(), spec.site_args.end());
  return argv;
}

std::string slurm_script(const AgentSpec& spec, const std::string& key) {
  const auto nodes = std::to_string(std::max(1, spec.agents));
  const std::string guess = spec.walltime.seconds > 0 ? "end=$(($(date +%s) + " + std::to_string(at_least_one(spec.walltime.seconds)) + "))" : "end=";
  // srun does not take --export nor --cpus-per-task over from sbatch. Nodes may share a host name, so each agent is told its node's.
  return "#!/bin/sh\n"
         "# Agents of one allocation of tune, one a node.\n"
         "export TUNE_ALLOCATION=" + key + "\n"
         "end=$(SLURM_TIME_FORMAT=%s squeue --noheader --jobs=\"$SLURM_JOB_ID\" --format=%e 2>/dev/null)\n"
         "case $end in *[!0-9]* | '') " + guess + " ;; esac\n"
         "[ -z \"$end\" ] || export TUNE_DEADLINE=\"$end\"\n"
         "exec srun --export=ALL --overlap --nodes=" + nodes + " --ntasks=" + nodes + " --ntasks-per-node=1"
         " --cpus-per-task=" + std::to_string(at_least_one(spec.per_agent.cpus)) + " --kill-on-bad-exit=0 --wait=0" + (spec.gang ? "" : " --no-kill") +
         " sh -c 'TUNE_NODE=$SLURMD_NODENAME exec \"$@\"' tune-agent " + shell_line(agent_command(spec)) + "\n";
}

}  // namespace detail

EngineEntry slurm() {
  using Kind = Option::Kind;
  return {{"slurm",
           "Agents in jobs of Slurm.",
           {{"site_args", Kind::list, "", "Further options of sbatch, such as \"--partition=long\"."},
            {"gres", Kind::text, "", "How GPUs are asked for: \"gpu:a100\" gives --gres=gpu:a100:N. Not given: --gpus-per-node=N."}}},
          make};
}

}  // namespace tune
