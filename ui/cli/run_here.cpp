// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/run_here.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <optional>

#include "tuner/command.hpp"
#include "tuner/instances.hpp"
#include "tuner/json.hpp"
#include "tuner/transfer.hpp"
#include "ui/api/control.hpp"
#include "ui/cli/front.hpp"
#include "ui/cli/listening.hpp"
#include "ui/cli/progress.hpp"
#include "ui/cli/report.hpp"
#include "ui/cli/signals.hpp"
#include "ui/view/text.hpp"
#include "ui/view/trial_log.hpp"
#include "ui/metrics/series.hpp"
#include "ui/server/dashboard.hpp"

namespace tune {
namespace {

Result<Progress::Form> progress_form(const Invocation& call) {
  using Form = Progress::Form;
  if (call.has("json")) return Form::json;
  if (call.quiet()) return Form::none;
  const auto wanted = call.get("progress").value_or("auto");
  if (wanted == "bar") return Form::bar;
  if (wanted == "plain") return Form::plain;
  if (wanted == "none") return Form::none;
  if (wanted != "auto") return usage_error("`--progress` is auto, bar, plain or none, not `" + printable(wanted) + "`");
  const char* terminal = std::getenv("TERM");
  const bool can_move = isatty(STDERR_FILENO) && terminal && std::string_view(terminal) != "dumb";
  return can_move ? Form::bar : Form::plain;
}

/// How this process is asked to end: each signal asks a little harder than the one before.
class Interruption {
 public:
  Interruption(Invocation& call, Progress& progress)
      : call_(call), progress_(progress), first_(call.get("on-interrupt").value_or("stop")) {}

  /// From here on signals reach the sweep; what came before is passed on now.
  void attach(Sweep* sweep) {
    const std::lock_guard lock(mutex_);
    sweep_ = sweep;
    if (sweep_ && strength_ != Inbox::Ending::none) sweep_->end(strength_);
  }
  void receive(int signal) {
    const std::lock_guard lock(mutex_);
    switch (signal) {
      case SIGUSR1:
        return progress_.say(progress_.dump());
      case SIGTSTP:
        return hold_back();
      case SIGHUP:
        if (call_.get("on-hup").value_or("detach") != "stop") return detach();
        [[fallthrough]];
      case SIGTERM:
        return end(kTerminated, Inbox::Ending::stop);
      case SIGQUIT:
        return end(kInterrupted, Inbox::Ending::kill);
      default:
        return end(kInterrupted, first_ == "drain"  ? Inbox::Ending::drain
                                 : first_ == "kill" ? Inbox::Ending::kill
                                                    : Inbox::Ending::stop);
    }
  }
  /// 130 or 143; 0 if nobody asked.
  int exit_code() const { return exit_code_; }

 private:
  using Ending = Inbox::Ending;
  void end(int code, Ending at_least) {
    if (strength_ == Ending::kill) _exit(code);  // The third time. What is committed is safe.
    if (exit_code_ == 0) exit_code_ = code;
    const auto next = static_cast<Ending>(static_cast<int>(strength_) + 1);
    strength_ = strength_ == Ending::none                               ? at_least
                : at_least == Ending::kill || strength_ == Ending::stop ? Ending::kill
                                                                        : next;
    std::optional<double> grace;
    if (sweep_) {
      if (holding_) sweep_->put(request("resume")), holding_ = false;
      sweep_->end(strength_);
      grace = sweep_->spec().shutdown.grace.seconds;
    }
    if (strength_ == Ending::drain)
      progress_.say_ending("draining: nothing new starts, running trials finish · Ctrl-C again stops them");
    if (strength_ == Ending::stop)
      progress_.say_ending("stopping: running trials save and end · Ctrl-C again kills them", grace);
    if (strength_ == Ending::kill) progress_.say_ending("killing running trials · Ctrl-C again leaves at once");
  }
  void hold_back() {
    if (!sweep_ || strength_ != Ending::none) return;
    holding_ = !holding_;
    sweep_->put(request(holding_ ? "pause" : "resume"));
    progress_.say(holding_ ? " ‖ nothing new starts until you press Ctrl-Z again" : " ▶ trials start again");
  }
  void detach() {
    if (!sweep_ || detached_) return;
    detached_ = true;
    const int log = open((sweep_->folder() + "/tune.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) return end(kTerminated, Ending::stop);
    progress_.detach();
    dup2(log, STDOUT_FILENO), dup2(log, STDERR_FILENO);
    close(log);
    progress_.say("the terminal is gone; going on");
  }
  static Observation request(const char* verb) {
    Requested wish;
    wish.by = "user", wish.via = "signal", wish.verb = verb;
    return wish;
  }

  Invocation& call_;
  Progress& progress_;
  const std::string first_;
  std::mutex mutex_;
  Sweep* sweep_ = nullptr;
  Ending strength_ = Ending::none;
  bool holding_ = false, detached_ = false;
  std::atomic<int> exit_code_{0};
};

std::function<std::string(const Trial&)> command_printer(const Spec& spec) {
  return [spec](const Trial& trial) -> std::string {
    const auto command = Command::parse(spec.command, spec.space, spec.inputs);
    if (!command) return command.error().message;
    const auto argv = command->expand(Command::Attempt{trial.params,
                                                       spec.name + "/" + std::to_string(trial.id.value),
                                                       trial.id.value,
                                                       trial.attempt,
                                                       "DIR",
                                                       "DIR/params.json",
                                                       trial.checkpoint,
                                                       spec.resources.cpus,
                                                       {},
                                                       spec.seed,
                                                       instance_after(spec, trial.last_step),
                                                       paths_of(spec.inputs)});
    std::string line;
    if (argv)
      for (const auto& argument : *argv) line += (line.empty() ? "" : " ") + shell_quoted(printable(argument));
    return line;
  };
}

void say_how_it_opened(Progress& progress, const Sweep& sweep, const std::string& store, bool colour) {
  const auto& history = sweep.history();
  const auto& spec = sweep.spec();
  std::string line = " " + paint(Style::bold, printable(spec.name), colour);
  if (history.finishing() && history.live() == 0 && sweep.changes().empty()) {
    line += ": finished already, " + std::to_string(history.finished_trials()) +
            " trials; more: --trials N, or begin anew with --resume=never";
  } else if (!sweep.resumed()) {
    line += ": new, " + spec.search.type + " search, " + spec.scheduler.type + ", in " + printable(store);
  } else {
    line += ": resumed, " + std::to_string(history.finished_trials()) +
            (spec.stop.trials ? " of " + std::to_string(*spec.stop.trials) : "") + " trials are done";
    if (!history.front().members().empty())
      line += ", best " + front_text(history.front(), false);
    else if (const auto best = history.best())
      line +=
          ", best " + number_text(history.trial(*best).values.front()) + " (trial " + std::to_string(best->value) + ")";
  }
  progress.say(line);
  for (const auto& lesson : history.imported()) progress.say("   " + text_of(lesson));
  std::string_view changes = sweep.changes();
  while (!changes.empty()) {
    const auto end = std::min(changes.find('\n'), changes.size());
    progress.say("   changed " + printable(changes.substr(0, end)));
    changes.remove_prefix(std::min(end + 1, changes.size()));
  }
}

/// What this process serves beside the sweep: the dashboard, and a page for Prometheus.
class Served {
 public:
  explicit Served(Progress& progress) : progress_(progress) {}
  /// A port that is taken need not end a sweep: it is told. Error: nothing is served, for what was asked for may not be.
  Result<Done> open(const Invocation& call, const Spec& spec, const std::string& store) {
    const std::string metrics = call.get("metrics-addr").value_or(spec.metrics_address);
    Dashboard::Settings settings;
    settings.store = store;
    settings.tls = tls_settings(call);
    settings.viewers = call.has("viewers");
    settings.public_metrics = call.has("metrics-public") || spec.metrics_public;
    settings.metrics = [this] { return series_->text(); };
    std::vector<Dashboard::Settings> wanted;
    if (call.has("ui")) {
      if (const auto address = call.get("ui"); !address->empty()) settings.address = address;
      wanted.push_back(settings);
    }
    if (!metrics.empty()) {
      settings.address = metrics, settings.metrics_only = true;
      wanted.push_back(settings);
    }
    if (wanted.empty() && (settings.tls.wanted() || !settings.tls.hosts.empty()))
      return usage_error("there is nothing to encrypt", "--ui or --metrics-addr says what is served");
    if (settings.viewers && !call.has("ui")) return usage_error("there is nothing for viewers to look at", "--ui serves the dashboard");
    for (const auto& one : wanted)
      if (auto allowed = Dashboard::check(one); !allowed) return allowed;
    if (!wanted.empty()) series_.emplace(spec);
    for (const auto& one : wanted) open(one);
    return Done{};
  }
  /// Trials may report to the dashboard's server.
  void tell_trials(SweepOptions& options) const {
    for (const auto& server : servers_)
      if (options.url.empty() && server->takes_reports())
        options.url = server->local_url(), options.secret = server->secret(), options.authority = server->authority();
  }
  /// Must be told what happens; null: nothing is served.
  Series* series() { return series_ ? &*series_ : nullptr; }

 private:
  void open(const Dashboard::Settings& settings) {
    const std::string what = settings.metrics_only ? "metrics" : "dashboard";
    auto opened = Dashboard::open(settings);
    if (!opened) {
      const Error& why = opened.error();
      return progress_.say("warning: no " + what + ": " + why.message + (why.hint.empty() ? "" : " (" + why.hint + ")"));
    }
    servers_.push_back(std::move(*opened));
    const auto& server = *servers_.back();
    progress_.say(" " + what + " on " + (settings.metrics_only ? server.url() + "/metrics" : server.way_in()));
    if (settings.viewers && !settings.metrics_only) progress_.say("   for viewers, who change nothing: " + server.viewers_way_in());
    if (servers_.size() == 1 && !server.trust().empty()) progress_.say("   " + server.trust());
  }

  Progress& progress_;
  std::optional<Series> series_;
  std::vector<std::unique_ptr<Dashboard>> servers_;  // End before the series that they show.
};

}  // namespace

int run_here(Invocation& call, const Spec& spec, const std::string& store, const std::string& same_command,
             const OpenSweep& open_sweep, const Conclude& conclude) {
  auto form = progress_form(call);
  if (!form) return call.fail(form.error());
  if (conclude && *form == Progress::Form::json) form = Progress::Form::none;
  for (const auto& [flag, choices] : {std::pair{"on-interrupt", "stop drain kill"}, std::pair{"on-hup", "detach stop"}})
    if (const auto given = call.get(flag); given && std::string_view(choices).find(*given) == std::string_view::npos)
      return call.fail(usage_error("`--" + std::string(flag) + "` is one of: " + choices));

  Interruption* interruption = nullptr;
  std::mutex mutex;
  // Before any thread is made: all of them inherit the mask.
  Signals signals([&](int signal) {
    const std::lock_guard lock(mutex);
    if (interruption)
      interruption->receive(signal);
    else if (signal == SIGINT || signal == SIGTERM)
      _exit(128 + signal);  // Nothing has begun, or all is recorded.
  });
  Progress::Settings settings{*form,
                              call.colour_on_stderr(),
                              call.verbose(),
                              {},
                              *form == Progress::Form::json ? STDOUT_FILENO : STDERR_FILENO};
  if (call.has("print-cmd")) settings.command = command_printer(spec);
  std::optional<Progress> progress(std::in_place, spec, settings);

  std::vector<Watcher*> watchers{&*progress};
  Served served(*progress);
  if (auto opened = served.open(call, spec, store); !opened) {
    progress->close();
    return call.fail(opened.error());
  }
  if (auto* series = served.series()) watchers.push_back(series);

  SweepOptions options;
  options.store = store, options.watchers = std::move(watchers);
  served.tell_trials(options);
  auto opened = open_sweep(std::move(options));
  if (!opened) {
    progress->close();
    return call.fail(opened.error());
  }
  Sweep& sweep = **opened;
  const std::string again =
      same_command.empty() ? "tune resume " + shell_quoted(sweep.spec().name) + call.store_hint() : same_command;
  progress->set_folder(sweep.folder());
  progress->begin(sweep.history());
  say_how_it_opened(*progress, sweep, store, call.colour_on_stderr());

  std::unique_ptr<ControlServer> control;
  if (!sweep.folder().empty()) {
    auto listening = ControlServer::open(sweep.folder(), sweep);
    if (listening)
      control = std::move(listening).value();
    else
      progress->say("warning: " + listening.error().message);
  }

  Interruption here(call, *progress);
  {
    const std::lock_guard lock(mutex);
    interruption = &here;
  }
  here.attach(&sweep);
  const auto outcome = sweep.run();
  here.attach(nullptr);
  {
    const std::lock_guard lock(mutex);
    interruption = nullptr;
  }
  control.reset();
  if (!outcome) {
    progress->close();
    const int code = call.fail(outcome.error());
    if (call.store() != ":memory:") call.tell("  what was recorded is safe; go on with: " + again);
    return code;
  }

  const bool interrupted = outcome->end != Outcome::End::finished;
  int code = interrupted ? (here.exit_code() ? here.exit_code() : kInterrupted) : outcome->exit_code;
  const SweepReport report(sweep.history(), sweep.spec(), call.store_hint());
  if (!interrupted && code == kOk && call.has("require-target") && !report.target_reached()) code = kTargetMissed;
  if (*form == Progress::Form::json) {
    const auto& history = sweep.history();
    progress->event("experiment.ended", history.last_seq(), history.now().seconds,
                    report.members(interrupted, code, again));
    progress->close();
    return code;
  }
  progress->close();
  if (conclude && !interrupted)
    conclude(sweep);
  else
    report.print(call, interrupted, code, again);
  return code;
}

}  // namespace tune
