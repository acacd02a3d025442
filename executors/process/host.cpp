// SPDX-License-Identifier: Apache-2.0
#include "executors/process/host.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "executors/private_folder.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/rank_meeting.hpp"
#include "executors/process/trial_token.hpp"
#include "tuner/hex.hpp"
#include "tuner/instances.hpp"
#include "tuner/json.hpp"
#include "tuner/options.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr double kFirstRefusalPause = 0.2, kLongestRefusalPause = 5, kLongestDiskPause = 60;

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
  return to_hex(bytes);
}

// Two stores may hold experiments of one name: the folder tells them apart. (FNV-1a; a label, not a secret.)
std::string unique_name(const std::string& name, const std::string& folder) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : folder) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return name + "-" + to_hex(hash, 16);
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

Supervisor::Settings settings_of(const Spec& spec, const std::string& folder, const Checkpoints& checkpoints) {
  Supervisor::Settings s;
  s.experiment = unique_name(spec.name, folder);
  s.checkpoints = checkpoints;
  s.report = spec.report;
  for (const auto& objective : spec.objectives) s.objectives.push_back(objective.metric);
  s.trial_time = spec.stop.trial_time;
  s.trial_idle = spec.stop.trial_idle;
  if (spec.checkpoint) s.checkpoint_every = spec.checkpoint->every;
  s.shutdown = spec.shutdown;
  s.cgroups = text_option(spec.executor.options, "isolate") == "cgroup";
  return s;
}

}  // namespace

TrialHost::Folder::Folder(const std::string& given) : temporary(given.empty()) {
  if (!temporary) {
    path = fs::absolute(given).lexically_normal().string();
    return;
  }
  const char* base = std::getenv("TMPDIR");
  path = std::string{base && *base ? base : "/tmp"} + "/tune-XXXXXX";
  temporary = ::mkdtemp(path.data()) != nullptr;  // If not, no trial finds its folder, and each says so.
}

void TrialHost::Folder::show_socket(const std::string& socket) {
  if (temporary || socket.empty()) return;
  const std::string link = path + "/trials.sock";
  ::unlink(link.c_str());
  shows_socket = ::symlink(socket.c_str(), link.c_str()) == 0;
}

TrialHost::Folder::~Folder() {
  if (shows_socket) ::unlink((path + "/trials.sock").c_str());
  std::error_code ignored;
  if (temporary) fs::remove_all(path, ignored);
}

Lease lease_of(const Launch& launch, const History& history) {
  Trial unknown;
  unknown.id = launch.trial;
  const Trial& t = history.contains(launch.trial) ? history.trial(launch.trial) : unknown;
  const Spec& spec = history.spec();
  Lease lease{launch, launch.params ? *launch.params : t.params, seed_of(spec, t)};
  if (launches_by_instance(spec)) lease.done = std::min(static_cast<std::size_t>(t.last_step), spec.instances.size() - 1);
  return lease;
}

std::optional<AskedToEnd> asked_to_end(const Decision& decision) {
  if (const auto* stop = std::get_if<Stop>(&decision)) {
    const Cause cause = stop->as == TrialState::cancelled  ? Cause::cancelled
                        : stop->as == TrialState::complete ? Cause::done
                                                           : Cause::stopped;
    return AskedToEnd{stop->trial, stop->attempt, cause};
  }
  if (const auto* pause = std::get_if<Pause>(&decision)) return AskedToEnd{pause->trial, pause->attempt, Cause::paused};
  // The trial is launched again from the donor's checkpoint; in place an Update follows instead.
  const auto* exploit = std::get_if<Exploit>(&decision);
  if (exploit && !exploit->in_place) return AskedToEnd{exploit->trial, exploit->attempt, Cause::exploited};
  return std::nullopt;
}

Result<std::unique_ptr<TrialHost>> TrialHost::make(const ExecutorContext& context, Offer offer, Elsewhere elsewhere) {
  auto command = Command::parse(context.spec.command, context.spec.space, context.spec.inputs);
  if (!command) return command.error();
  return std::unique_ptr<TrialHost>(new TrialHost(context, std::move(*command), std::move(offer), std::move(elsewhere)));
}

TrialHost::TrialHost(const ExecutorContext& context, Command command, Offer offer, Elsewhere elsewhere)
    : spec_(context.spec),
      command_(std::move(command)),
      home_(context.folder),
      mark_(elsewhere.mark.empty() ? folder_ : std::move(elsewhere.mark)),
      checkpoints_(context.checkpoints.empty() ? folder_ + "/checkpoints" : fs::absolute(context.checkpoints).string(), std::move(elsewhere.mirror)),
      url_(context.url),
      secret_(context.secret),
      authority_(context.authority),
      saves_(spec_.checkpoint || spec_.scheduler.type.starts_with("pb") || mentions(spec_, {"TUNE_CHECKPOINT_DIR"})),
      wants_folder_(mentions(spec_, {"trial.dir", "TUNE_TRIAL_DIR"})),
      params_on_disk_(mentions(spec_, {"params_file"})),
      by_instance_(launches_by_instance(spec_)),
      instances_(drawn_instances(spec_)),
      supplies_(std::move(elsewhere.supplies)),
      offer_(std::move(offer)),
      environment_(spec_, offer_.devices),
      supervisor_(settings_of(spec_, folder_, checkpoints_)),
      machine_(offer_.cpus, [this] { supervisor_.interrupt(); }) {
  if (!url_.empty()) home_.show_socket(supervisor_.socket_path());
  if (!supplies_) places_ = SupplyPlaces{paths_of(spec_.inputs), ""};
  if (!instances_.empty()) instances_list_ = in_memory("instances.json", json_list(instances_));
}

Time TrialHost::now() const { return supervisor_.now(); }
void TrialHost::interrupt() { supervisor_.interrupt(); }
std::string TrialHost::trial_folder(TrialId trial) const { return folder_ + "/" + std::to_string(trial.value); }
std::string TrialHost::attempt_folder(TrialId trial, int attempt) const { return trial_folder(trial) + "/" + std::to_string(attempt); }

std::string TrialHost::report_url(const Launch& launch) const {
  if (!home_.shows_socket) return {};
  return url_ + "/api/v1/experiments/" + spec_.name + "/trials/" + std::to_string(launch.trial.value) + "/attempts/" +
         std::to_string(launch.attempt) + "/reports";
}

void TrialHost::end_leftovers() const {
  if (!home_.temporary) tune::end_leftovers(mark_ + "#");
}

void TrialHost::carry_out(const Decided& decided) {
  if (const auto ends = asked_to_end(decided.what)) return end(ends->trial, ends->attempt, ends->cause, decided.reason.why);
  std::visit([&](const auto& decision) { on(decision, decided.reason.why); }, decided.what);
}

void TrialHost::take(Lease lease) {
  auto& newest = newest_[lease.launch.trial];
  if (lease.launch.attempt <= newest || lease.launch.ranks.empty()) return;
  newest = lease.launch.attempt;
  if (const auto held = reserved_.extract({lease.launch.trial, lease.launch.attempt})) {
    seats_.insert_or_assign(lease.launch.trial, std::move(held.mapped()));
    return start(std::move(lease));
  }
  (lease.launch.from ? resumed_ : fresh_).push_back(std::move(lease));
  start_what_fits();
}

void TrialHost::on(const Extend& extend, const std::string& why) {
  for (auto* queue : {&resumed_, &fresh_})
    for (auto& p : *queue)
      if (p.launch.trial == extend.trial) p.launch.until_step = std::max(p.launch.until_step, extend.until_step);
  supervisor_.extend(extend.trial, extend.until_step, why);
}
void TrialHost::on(const Update& update, const std::string&) {
  if (!update.checkpoint) return supervisor_.update(update.trial, update.attempt, update.params, {});
  supervisor_.in_background([this, update, store = checkpoints_]() -> std::function<void()> {
    return [this, update, path = store.restore(*update.checkpoint)] {
      if (path) return supervisor_.update(update.trial, update.attempt, update.params, path->string());
      supervisor_.observe(CheckpointLost{*update.checkpoint, path.error().message});
    };
  });
}

void TrialHost::on(const Collect& collect, const std::string&) {
  supervisor_.in_background([this, collect, store = checkpoints_]() -> std::function<void()> {
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

void TrialHost::end(TrialId trial, int attempt, Cause cause, const std::string& why) {
  if (!end_before_start(trial, attempt, cause, why)) supervisor_.ask(trial, attempt, cause, why);
}

void TrialHost::kill(TrialId trial, int attempt, Cause cause, const std::string& why) {
  if (!end_before_start(trial, attempt, cause, why)) supervisor_.kill(trial, attempt, cause, why);
}

bool TrialHost::end_before_start(TrialId trial, int attempt, Cause cause, const std::string& why) {
  bool waited = restoring_.erase(trial) > 0;
  for (auto* queue : {&resumed_, &fresh_}) {
    const auto it = std::find_if(queue->begin(), queue->end(), [&](const Lease& p) {
      return p.launch.trial == trial && p.launch.attempt == attempt;
    });
    if (it == queue->end()) continue;
    queue->erase(it);
    waited = true;
  }
  if (waited) supervisor_.observe(Exited{trial, attempt, cause, {}, {}, 0, {}, 0, why});
  return waited;
}

void TrialHost::acknowledge(const Observation& o) {
  if (const auto* r = std::get_if<Reported>(&o)) supervisor_.acknowledge(r->trial, r->attempt, r->seq);
}

std::vector<Observation> TrialHost::wait(std::optional<Time> until) {
  start_what_fits();
  const bool held_back = not_before_ > now() && !(resumed_.empty() && fresh_.empty());
  if (held_back && (!until || *until > not_before_)) until = not_before_;
  auto seen = supervisor_.wait(until);
  bool freed = false;
  for (auto& o : seen) {
    if (auto* exited = std::get_if<Exited>(&o)) over(*exited), freed = true;
    if (std::holds_alternative<Started>(o)) refusal_pause_ = 0;
  }
  if (freed) start_what_fits();
  return seen;
}

void TrialHost::end_all(Cause cause, const std::string& why, bool kill) {
  give_up_reserved();
  for (auto* queue : {&resumed_, &fresh_}) {
    for (const auto& p : std::exchange(*queue, {}))
      supervisor_.observe(Exited{p.launch.trial, p.launch.attempt, cause, {}, {}, 0, {}, 0, why});
  }
  for (const auto trial : std::exchange(restoring_, {}))
    supervisor_.observe(Exited{trial, newest_[trial], cause, {}, {}, 0, {}, 0, why});
  for (const auto& [trial, seat] : seats_) {
    if (kill)
      supervisor_.kill(trial, newest_[trial], cause, why);
    else
      supervisor_.ask(trial, newest_[trial], cause, why);
  }
}

// --- seats ------------------------------------------------------------------------------------------------------------

bool TrialHost::has_begun(TrialId trial, int attempt) const {
  const auto newest = newest_.find(trial);
  return newest != newest_.end() && newest->second >= attempt;
}

bool TrialHost::reserve(TrialId trial, int attempt, const std::vector<Seat>& seats) {
  if (reserved_.contains({trial, attempt})) return true;
  const Claim claim(seats);
  if (!machine_.take(claim, false)) return false;
  reserved_.try_emplace({trial, attempt}, claim);
  return true;
}

void TrialHost::give_up_reserved(TrialId trial, int attempt) {
  if (const auto held = reserved_.extract({trial, attempt})) machine_.give_back(held.mapped());
}

void TrialHost::give_up_reserved() {
  for (const auto& [attempt, claim] : std::exchange(reserved_, {})) machine_.give_back(claim);
}

void TrialHost::over(Exited& exited) {
  const bool full = exited.cause == Cause::disk;
  if ((exited.cause == Cause::refused || full) && exited.usage.seconds == 0) {
    // The system has no room for one process more, or the disk for what it needs: more tries at once would only make that worse.
    refusal_pause_ = refusal_pause_ == 0 ? kFirstRefusalPause : std::min(refusal_pause_ * 2, full ? kLongestDiskPause : kLongestRefusalPause);
    not_before_ = now() + Duration{refusal_pause_};
  }
  if (spec_.gang.ranks > 1 && exited.cause != Cause::done) name_first_rank(exited, attempt_folder(exited.trial, exited.attempt));
  const auto it = seats_.find(exited.trial);
  if (it == seats_.end()) return;
  machine_.give_back(it->second);
  seats_.erase(it);
}

void TrialHost::start_what_fits() {
  if (now() < not_before_) return;
  for (auto* queue : {&resumed_, &fresh_}) {
    while (!queue->empty()) {
      const Claim claim(queue->front().launch.ranks);
      if (!machine_.take(claim)) break;
      Lease next = std::move(queue->front());
      queue->pop_front();
      seats_.insert_or_assign(next.launch.trial, claim);
      start(std::move(next));
    }
    if (!queue->empty()) return;  // Nobody overtakes: a resumed trial must not starve behind new ones.
  }
  machine_.wait_no_more();
}

// --- starting ---------------------------------------------------------------------------------------------------------

void TrialHost::start(Lease p) {
  places_ ? restore(std::move(p)) : bring_supplies(std::move(p));
}

/// The first attempts wait for what they are given; their events say so.
void TrialHost::bring_supplies(Lease p) {
  const auto& launch = p.launch;
  restoring_.insert(launch.trial);
  supervisor_.observe(Announced{launch.trial, launch.attempt, "waits", {}, "brought to its machine: " + supplies_->what()});
  supervisor_.in_background([this, p = std::move(p)]() -> std::function<void()> {
    return [this, p, places = supplies_->bring()] {
      if (newest_[p.launch.trial] != p.launch.attempt || restoring_.erase(p.launch.trial) == 0) return;  // Ended meanwhile.
      if (places) {
        places_ = *places;
        return restore(p);
      }
      const auto code = places.error().code;
      const Cause cause = code == Error::Code::io ? Cause::disk : code == Error::Code::unreachable ? Cause::refused : Cause::exec;
      supervisor_.observe(Exited{p.launch.trial, p.launch.attempt, cause, {}, {}, 0, {}, 0, places.error().message});
    };
  });
}

void TrialHost::restore(Lease p) {
  if (!p.launch.from) return start(p, "");
  restoring_.insert(p.launch.trial);
  supervisor_.in_background([this, p = std::move(p), store = checkpoints_]() -> std::function<void()> {
    return [this, p, path = store.restore(*p.launch.from)] {
      if (newest_[p.launch.trial] != p.launch.attempt || restoring_.erase(p.launch.trial) == 0) return;  // Ended meanwhile.
      if (path) return start(p, path->string());
      supervisor_.observe(CheckpointLost{*p.launch.from, path.error().message});
      supervisor_.observe(Exited{p.launch.trial, p.launch.attempt, Cause::refused, {}, {}, 0, {}, 0, path.error().message});
    };
  });
}

/// The config's, or the same place of the copy of the code that it lies in.
std::string TrialHost::working_folder() const {
  const auto place = supplies_ && spec_.code ? spec_.code->place_of(spec_.cwd) : std::nullopt;
  return place ? places_->code + *place : spec_.cwd;
}

void TrialHost::start(const Lease& p, const std::string& checkpoint) {
  const Launch& launch = p.launch;
  const Seat seat = together(launch.ranks);
  const std::string trial_folder_path = trial_folder(launch.trial);
  Supervisor::Order order;
  order.trial = launch.trial;
  order.attempt = launch.attempt;
  order.worker = seat.worker;
  order.folder = attempt_folder(launch.trial, launch.attempt);
  order.checkpoint_folder = order.folder + "/checkpoints";
  const auto fail = [&](Cause cause, const std::string& text) {
    supervisor_.observe(Exited{launch.trial, launch.attempt, cause, {}, {}, 0, {}, 0, text});
  };
  const auto disk = [&] { fail(Cause::disk, "cannot write below " + order.folder + ": " + std::strerror(errno)); };
  // A folder costs up to 200 us (ext4, after many deletions): made for trials that ask for one, or by their first output.
  if (wants_folder_ && !make_private_folder(trial_folder_path)) return disk();
  if (saves_ && !make_private_folder(order.checkpoint_folder)) return disk();
  if (!instances_.empty() && !instances_list_) return fail(Cause::refused, "no room for the list of its instances");

  std::string params_file;
  const std::string params = params_json(p.params);
  if (params_on_disk_) {
    params_file = order.folder + "/params.json";
    if (!make_private_folder(order.folder) || !on_disk(params_file, params)) return disk();
  } else {
    order.params = in_memory("params.json", params);
    if (!order.params) return fail(Cause::refused, std::string{"no room for its parameters: "} + std::strerror(errno));
    params_file = path_of(order.params);
  }

  const std::string instance = by_instance_ ? instances_[p.done] : "";
  auto argv = command_.expand({p.params, spec_.name + "/" + std::to_string(launch.trial.value), launch.trial.value,
                               launch.attempt, trial_folder_path, params_file, checkpoint, launch.ranks.front().cpus, seat.devices, p.seed, instance, places_->inputs});
  if (!argv) return fail(Cause::exec, argv.error().message);
  order.argv = std::move(*argv);
  if (spec_.gang.ranks > 1) {
    const auto meeting = p.ranks ? Result<RanksPlan>{*p.ranks} : ranks_here(spec_.gang.ranks);
    if (!meeting) return fail(Cause::refused, meeting.error().message);
    order.may_be_silent = meeting->first > 0;  // Rank 0, on another machine, speaks for all.
    order.argv = launcher_command(complete(*meeting, launch.ranks, spec_.launcher, order.folder), order.argv);
  }
  order.token = mark_ + "#" + std::to_string(launch.trial.value) + "#" + std::to_string(launch.attempt);
  if (!supervisor_.socket_path().empty())
    order.socket_token = url_.empty() ? random_token() : trial_token(secret_, spec_.name, launch.trial, launch.attempt);
  order.env = environment_.of({launch.trial, launch.attempt, p.seed, &p.params, seat, trial_folder_path,
                               order.checkpoint_folder, params_file, checkpoint, launch.until_step,
                               supervisor_.socket_path(), report_url(launch), authority_, order.socket_token, order.token, instance,
                               instances_list_ ? path_of(instances_list_) : "", &places_->inputs});
  order.cwd = working_folder();
  if (!spec_.report.result_file.empty())
    order.result_file = (fs::path(order.cwd) / spec_.report.result_file).string();
  order.until_step = launch.until_step;
  if (by_instance_) order.only_step = static_cast<std::int64_t>(p.done) + 1;
  order.memory_bytes = seat.memory_bytes;
  order.can_save = spec_.checkpoint.has_value();
  supervisor_.start(std::move(order));
}

}  // namespace tune
