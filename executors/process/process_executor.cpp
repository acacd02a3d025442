// SPDX-License-Identifier: Apache-2.0
#include "executors/process/process_executor.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "executors/process/containment.hpp"
#include "executors/process/trial_token.hpp"
#include "tuner/instances.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr double kFirstRefusalPause = 0.2, kLongestRefusalPause = 5;

std::string text_option(const Spec& spec, std::string_view name) {
  const Value* value = spec.executor.options.find(name);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  return text ? *text : std::string{};
}

bool mentions(const Spec& spec, std::initializer_list<std::string_view> words) {
  const auto any = [&](const std::string& text) {
    return std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string::npos; });
  };
  return std::any_of(spec.command.begin(), spec.command.end(), any) ||
         std::any_of(spec.env.begin(), spec.env.end(), [&](const auto& e) { return e.second && any(*e.second); });
}

std::string random_token() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) return {};
  std::string out;
  for (const auto b : bytes) out += "0123456789abcdef"[b >> 4], out += "0123456789abcdef"[b & 15];
  return out;
}

// Two stores may hold experiments of one name: the folder tells them apart. (FNV-1a; a label, not a secret.)
std::string unique_name(const std::string& name, const std::string& folder) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  std::string out = name + "-";
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[hash >> shift & 15];
  return out;
}

// A file without a name: TUNE_PARAMS is valid while the attempt lives, and costs no disk and no clean-up.
Descriptor in_memory(const char* name, const std::string& text) {
  Descriptor fd{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {};
  ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

std::string path_of(const Descriptor& fd) { return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get()); }

std::string json_list(const std::vector<std::string>& texts) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const auto& t : texts) json.value(t);
  json.end_array();
  return out;
}

bool on_disk(const std::string& path, const std::string& text) {
  const Descriptor fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  std::error_code failed;
  fs::create_directories(path, failed);
  return !failed;
}

Supervisor::Settings settings_of(const Spec& spec, const std::string& folder, const std::string& checkpoints) {
  Supervisor::Settings s;
  s.experiment = unique_name(spec.name, folder);
  s.checkpoints = checkpoints;
  s.report = spec.report;
  for (const auto& objective : spec.objectives) s.objectives.push_back(objective.metric);
  s.trial_time = spec.stop.trial_time;
  s.trial_idle = spec.stop.trial_idle;
  if (spec.checkpoint) s.checkpoint_every = spec.checkpoint->every;
  s.shutdown = spec.shutdown;
  s.cgroups = text_option(spec, "isolate") == "cgroup";
  return s;
}

}  // namespace

ProcessExecutor::Folder::Folder(const std::string& given) : temporary(given.empty()) {
  if (!temporary) {
    path = fs::absolute(given).lexically_normal().string();
    return;
  }
  const char* base = std::getenv("TMPDIR");
  path = std::string{base && *base ? base : "/tmp"} + "/tune-XXXXXX";
  temporary = ::mkdtemp(path.data()) != nullptr;  // If not, no trial finds its folder, and each says so.
}

void ProcessExecutor::Folder::show_socket(const std::string& socket) {
  if (temporary || socket.empty()) return;
  const std::string link = path + "/trials.sock";
  ::unlink(link.c_str());
  shows_socket = ::symlink(socket.c_str(), link.c_str()) == 0;
}

ProcessExecutor::Folder::~Folder() {
  if (shows_socket) ::unlink((path + "/trials.sock").c_str());
  std::error_code ignored;
  if (temporary) fs::remove_all(path, ignored);
}

Result<std::unique_ptr<Executor>> ProcessExecutor::make(const ExecutorContext& context) {
  auto command = Command::parse(context.spec.command, context.spec.space);
  if (!command) return command.error();
  return std::unique_ptr<Executor>(new ProcessExecutor(context, std::move(*command)));
}

ProcessExecutor::ProcessExecutor(const ExecutorContext& context, Command command)
    : spec_(context.spec),
      command_(std::move(command)),
      home_(context.folder),
      checkpoints_(context.checkpoints.empty() ? folder_ + "/checkpoints" : fs::absolute(context.checkpoints).string()),
      url_(context.url),
      secret_(context.secret),
      saves_(spec_.checkpoint || spec_.scheduler.type.starts_with("pb") || mentions(spec_, {"TUNE_CHECKPOINT_DIR"})),
      wants_folder_(mentions(spec_, {"trial.dir", "TUNE_TRIAL_DIR"})),
      params_on_disk_(mentions(spec_, {"params_file"})),
      by_instance_(launches_by_instance(spec_)),
      instances_(drawn_instances(spec_)),
      offer_(offer_of_this_machine(spec_)),
      environment_(spec_, offer_.devices),
      supervisor_(settings_of(spec_, folder_, checkpoints_)),
      machine_(offer_.cpus, [this] { supervisor_.interrupt(); }) {
  if (!url_.empty()) home_.show_socket(supervisor_.socket_path());
  if (!instances_.empty()) instances_list_ = in_memory("instances.json", json_list(instances_));
}

Time ProcessExecutor::now() const { return supervisor_.now(); }
void ProcessExecutor::interrupt() { supervisor_.interrupt(); }
std::string ProcessExecutor::trial_folder(TrialId trial) const { return folder_ + "/" + std::to_string(trial.value); }

std::string ProcessExecutor::report_url(const Launch& launch) const {
  if (!home_.shows_socket) return {};
  return url_ + "/api/v1/experiments/" + spec_.name + "/trials/" + std::to_string(launch.trial.value) + "/attempts/" +
         std::to_string(launch.attempt) + "/reports";
}

std::vector<Observation> ProcessExecutor::open(const History& history) {
  if (!home_.temporary) end_leftovers(folder_ + "#");  // Of a tune that was killed.
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  std::vector<Observation> out;
  out.push_back(WorkerJoined{WorkerId{0}, "", host, "", "", TUNE_VERSION, offer_, {}, {}});
  for (const auto& trial : history.trials()) {
    if (!trial.live() || trial.attempt_over) continue;
    // A leased one never started: its Launch is carried out again, as the same attempt.
    if (trial.state != TrialState::running) continue;
    newest_[trial.id] = trial.attempt;
    out.push_back(Exited{trial.id, trial.attempt, Cause::lost, {}, {}, 0, {}, 0, "tune ended while it ran"});
  }
  return out;
}

void ProcessExecutor::carry_out(const Decided& decided, const History& history) {
  std::visit(overloaded{[&](const Launch& launch) { on(launch, history); },
                        [&](const auto& other) { on(other, decided.reason.why); }},
             decided.what);
}

void ProcessExecutor::on(const Launch& launch, const History& history) {
  auto& newest = newest_[launch.trial];
  if (launch.attempt <= newest || launch.ranks.empty()) return;
  newest = launch.attempt;
  Trial unknown;
  unknown.id = launch.trial;
  const Trial& t = history.contains(launch.trial) ? history.trial(launch.trial) : unknown;
  Pending pending{launch, launch.params ? *launch.params : t.params, seed_of(spec_, t)};
  if (by_instance_) pending.done = std::min(static_cast<std::size_t>(t.last_step), instances_.size() - 1);
  (launch.from ? resumed_ : fresh_).push_back(std::move(pending));
  start_what_fits();
}

void ProcessExecutor::on(const Stop& stop, const std::string& why) {
  const Cause cause = stop.as == TrialState::cancelled  ? Cause::cancelled
                      : stop.as == TrialState::complete ? Cause::done
                                                        : Cause::stopped;
  end(stop.trial, stop.attempt, cause, why);
}
void ProcessExecutor::on(const Pause& pause, const std::string& why) { end(pause.trial, pause.attempt, Cause::paused, why); }
void ProcessExecutor::on(const Extend& extend, const std::string& why) {
  for (auto* queue : {&resumed_, &fresh_})
    for (auto& p : *queue)
      if (p.launch.trial == extend.trial) p.launch.until_step = std::max(p.launch.until_step, extend.until_step);
  supervisor_.extend(extend.trial, extend.until_step, why);
}
void ProcessExecutor::on(const Exploit& exploit, const std::string& why) {
  // The attempt ends and the trial is launched again from the donor's checkpoint; in place an Update follows.
  if (!exploit.in_place) end(exploit.trial, exploit.attempt, Cause::exploited, why);
}

void ProcessExecutor::on(const Update& update, const std::string&) {
  if (!update.checkpoint) return supervisor_.update(update.trial, update.attempt, update.params, {});
  supervisor_.in_background([this, update, store = Checkpoints(checkpoints_)]() -> std::function<void()> {
    return [this, update, path = store.restore(*update.checkpoint)] {
      if (path) return supervisor_.update(update.trial, update.attempt, update.params, path->string());
      supervisor_.observe(CheckpointLost{*update.checkpoint, path.error().message});
    };
  });
}

void ProcessExecutor::on(const Collect& collect, const std::string&) {
  supervisor_.in_background([this, collect, store = Checkpoints(checkpoints_)]() -> std::function<void()> {
    Collected gone{collect.checkpoints, 0};
    std::string trouble;  // What could not be deleted is used by nobody; `tune gc` finds it.
    for (const auto& hash : collect.checkpoints) {
      const auto bytes = store.remove(hash);
      if (bytes)
        gone.bytes += *bytes;
      else
        trouble = bytes.error().message;
    }
    return [this, gone = std::move(gone), trouble] {
      if (!trouble.empty()) supervisor_.observe(Warned{"collect", "", trouble});
      supervisor_.observe(gone);
    };
  });
}

void ProcessExecutor::end(TrialId trial, int attempt, Cause cause, const std::string& why) {
  const auto never_started = [&] {
    supervisor_.observe(Exited{trial, attempt, cause, {}, {}, 0, {}, 0, why});
  };
  for (auto* queue : {&resumed_, &fresh_}) {
    const auto it = std::find_if(queue->begin(), queue->end(), [&](const Pending& p) {
      return p.launch.trial == trial && p.launch.attempt == attempt;
    });
    if (it == queue->end()) continue;
    queue->erase(it);
    return never_started();
  }
  if (restoring_.erase(trial) > 0) return never_started();
  supervisor_.ask(trial, attempt, cause, why);
}

void ProcessExecutor::acknowledge(const Observation& o) {
  if (const auto* r = std::get_if<Reported>(&o)) supervisor_.acknowledge(r->trial, r->attempt, r->seq);
}

std::vector<Observation> ProcessExecutor::wait(std::optional<Time> until) {
  start_what_fits();
  const bool held_back = not_before_ > now() && !(resumed_.empty() && fresh_.empty());
  if (held_back && (!until || *until > not_before_)) until = not_before_;
  auto seen = supervisor_.wait(until);
  bool freed = false;
  for (const auto& o : seen) {
    if (const auto* exited = std::get_if<Exited>(&o)) over(*exited), freed = true;
    if (std::holds_alternative<Started>(o)) refusal_pause_ = 0;
  }
  if (freed) start_what_fits();
  return seen;
}

void ProcessExecutor::shut_down(bool kill) {
  const std::string why = kill ? "killed by the user" : "shutdown";
  for (auto* queue : {&resumed_, &fresh_}) {
    for (const auto& p : std::exchange(*queue, {}))
      supervisor_.observe(Exited{p.launch.trial, p.launch.attempt, Cause::shutdown, {}, {}, 0, {}, 0, why});
  }
  for (const auto trial : std::exchange(restoring_, {}))
    supervisor_.observe(Exited{trial, newest_[trial], Cause::shutdown, {}, {}, 0, {}, 0, why});
  for (const auto& [trial, seat] : seats_) {
    if (kill)
      supervisor_.kill(trial, newest_[trial], Cause::shutdown, why);
    else
      supervisor_.ask(trial, newest_[trial], Cause::shutdown, why);
  }
}

// --- seats ------------------------------------------------------------------------------------------------------------

void ProcessExecutor::over(const Exited& exited) {
  if (exited.cause == Cause::refused && exited.usage.seconds == 0) {
    // The system has no room for one process more: more tries at once would only make that worse.
    refusal_pause_ = refusal_pause_ == 0 ? kFirstRefusalPause : std::min(refusal_pause_ * 2, kLongestRefusalPause);
    not_before_ = now() + Duration{refusal_pause_};
  }
  const auto it = seats_.find(exited.trial);
  if (it == seats_.end()) return;
  machine_.give_back(it->second);
  seats_.erase(it);
}

void ProcessExecutor::start_what_fits() {
  if (now() < not_before_) return;
  for (auto* queue : {&resumed_, &fresh_}) {
    while (!queue->empty() && machine_.take(queue->front().launch.ranks.front())) {
      Pending next = std::move(queue->front());
      queue->pop_front();
      start(std::move(next));
    }
    if (!queue->empty()) return;  // Nobody overtakes: a resumed trial must not starve behind new ones.
  }
  machine_.wait_no_more();
}

// --- starting ---------------------------------------------------------------------------------------------------------

void ProcessExecutor::start(Pending p) {
  const Seat& seat = p.launch.ranks.front();
  seats_[p.launch.trial] = seat;
  if (!p.launch.from) return start(p, "");
  restoring_.insert(p.launch.trial);
  supervisor_.in_background([this, p = std::move(p), store = Checkpoints(checkpoints_)]() -> std::function<void()> {
    return [this, p, path = store.restore(*p.launch.from)] {
      if (newest_[p.launch.trial] != p.launch.attempt || restoring_.erase(p.launch.trial) == 0) return;  // Ended meanwhile.
      if (path) return start(p, path->string());
      supervisor_.observe(CheckpointLost{*p.launch.from, path.error().message});
      supervisor_.observe(Exited{p.launch.trial, p.launch.attempt, Cause::refused, {}, {}, 0, {}, 0, path.error().message});
    };
  });
}

void ProcessExecutor::start(const Pending& p, const std::string& checkpoint) {
  const Launch& launch = p.launch;
  const Seat& seat = launch.ranks.front();
  const std::string trial_folder_path = trial_folder(launch.trial);
  Supervisor::Order order;
  order.trial = launch.trial;
  order.attempt = launch.attempt;
  order.worker = seat.worker;
  order.folder = trial_folder_path + "/" + std::to_string(launch.attempt);
  order.checkpoint_folder = order.folder + "/checkpoints";
  const auto fail = [&](Cause cause, const std::string& text) {
    supervisor_.observe(Exited{launch.trial, launch.attempt, cause, {}, {}, 0, {}, 0, text});
  };
  const auto disk = [&] { fail(Cause::disk, "cannot write below " + order.folder + ": " + std::strerror(errno)); };
  // A folder costs up to 200 us (ext4, after many deletions): made for trials that ask for one, or by their first output.
  if (wants_folder_ && !make_folder(trial_folder_path)) return disk();
  if (saves_ && !make_folder(order.checkpoint_folder)) return disk();
  if (!instances_.empty() && !instances_list_) return fail(Cause::refused, "no room for the list of its instances");

  std::string params_file;
  const std::string params = params_json(p.params);
  if (params_on_disk_) {
    params_file = order.folder + "/params.json";
    if (!make_folder(order.folder) || !on_disk(params_file, params)) return disk();
  } else {
    order.params = in_memory("params.json", params);
    if (!order.params) return fail(Cause::refused, std::string{"no room for its parameters: "} + std::strerror(errno));
    params_file = path_of(order.params);
  }

  const std::string instance = by_instance_ ? instances_[p.done] : "";
  auto argv = command_.expand({p.params, spec_.name + "/" + std::to_string(launch.trial.value), launch.trial.value,
                               launch.attempt, trial_folder_path, params_file, checkpoint, seat.cpus, seat.devices, p.seed, instance});
  if (!argv) return fail(Cause::exec, argv.error().message);
  order.argv = std::move(*argv);
  order.token = folder_ + "#" + std::to_string(launch.trial.value) + "#" + std::to_string(launch.attempt);
  if (!supervisor_.socket_path().empty())
    order.socket_token = url_.empty() ? random_token() : trial_token(secret_, spec_.name, launch.trial, launch.attempt);
  order.env = environment_.of({launch.trial, launch.attempt, p.seed, &p.params, seat, trial_folder_path,
                               order.checkpoint_folder, params_file, checkpoint, launch.until_step,
                               supervisor_.socket_path(), report_url(launch), order.socket_token, order.token, instance,
                               instances_list_ ? path_of(instances_list_) : ""});
  order.cwd = spec_.cwd;
  if (!spec_.report.result_file.empty())
    order.result_file = (fs::path(spec_.cwd) / spec_.report.result_file).string();
  order.until_step = launch.until_step;
  if (by_instance_) order.only_step = static_cast<std::int64_t>(p.done) + 1;
  order.memory_bytes = seat.memory_bytes;
  order.can_save = spec_.checkpoint.has_value();
  supervisor_.start(std::move(order));
}

ExecutorEntry process() {
  return {{"process",
           "Runs each trial as a program on this machine.",
           {{"isolate", Option::Kind::text, "\"none\"",
             "cgroup: each trial in a control group of its own, where the system allows it (adds memory limits where delegated). "
             "none: what a trial leaves behind is found through /proc.",
             0, 0, {"none", "cgroup"}}}},
          &ProcessExecutor::make};
}

}  // namespace tune
