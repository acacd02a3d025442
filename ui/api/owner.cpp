// SPDX-License-Identifier: Apache-2.0
#include "ui/api/owner.hpp"

#include <algorithm>
#include <optional>

#include "store/sqlite/reader.hpp"
#include "ui/api/control.hpp"

namespace tune {

struct Owner::Run {
  std::string name;
  State state = State::waiting;
  Inbox::Ending asked = Inbox::Ending::none;
  std::optional<std::string> released_by;  // It is not the next owner's.
  Sweep* sweep = nullptr;                  // While it runs.
  std::string text;
  bool failed = false;
  std::thread thread;
};

namespace {

Error conflict(std::string message, std::string hint = {}) {
  return {Error::Code::conflict, std::move(message), std::move(hint)};
}

Annotated tagged(bool on, const std::string& by) {
  Annotated note;
  (on ? note.tags_added : note.tags_dropped) = {std::string(Owner::kTag)};
  note.by = by;
  return note;
}

std::string end_text(const Outcome& outcome, const Sweep& sweep) {
  const auto& h = sweep.history();
  const auto trials = std::to_string(h.finished_trials()) + " trials";
  switch (outcome.end) {
    case Outcome::End::finished:
      return "finished: " + h.finish_why();
    case Outcome::End::killed:
      return "killed after " + trials;
    default:
      return "interrupted after " + trials;
  }
}

}  // namespace

std::string_view to_text(Owner::State state) {
  static constexpr std::string_view texts[] = {"waiting", "running", "ending", "over"};
  return texts[static_cast<std::size_t>(state)];
}

Owner::Owner(Settings settings) : settings_(std::move(settings)) {}

Owner::~Owner() {
  end(Inbox::Ending::stop);
  wait();
  for (auto& run : runs_)
    if (run.thread.joinable()) run.thread.join();
}

void Owner::reported_to(std::string url, std::string secret, std::string authority) {
  const std::lock_guard lock(mutex_);
  url_ = std::move(url), secret_ = std::move(secret), authority_ = std::move(authority);
}

SweepOptions Owner::options(const std::string& by) const {
  const std::lock_guard lock(mutex_);
  SweepOptions options;
  options.store = settings_.store;
  options.by = by;
  options.url = url_, options.secret = secret_, options.authority = authority_;
  return options;
}

void Owner::say(const std::string& name, const std::string& what) const {
  if (settings_.tell) settings_.tell(name + ": " + what);
}

// --- what is to be run

Result<std::string> Owner::submit(Spec spec, SweepOptions::Resume resume, const std::string& by) {
  auto how = options(by);
  how.resume = resume;
  auto sweep = Sweep::open(std::move(spec), how);
  if (!sweep) return sweep.error();
  const std::string name = (*sweep)->spec().name;
  if (auto done = (*sweep)->record_settings(); !done) return done.error();
  if ((*sweep)->history().finishing())
    return conflict("`" + name + "` is over: " + (*sweep)->history().finish_why(), "submit it with a larger `stop.trials`, or with \"resume\": \"never\"");
  if (auto done = (*sweep)->apply({tagged(true, by)}); !done) return done.error();
  sweep->reset();  // Its thread opens it anew.
  if (auto done = line_up(name); !done) return done.error();
  return name;
}

Result<std::string> Owner::create(Spec spec, const std::string& by) {
  auto sweep = Sweep::open(std::move(spec), options(by));
  if (!sweep) return sweep.error();
  const std::string name = (*sweep)->spec().name;
  if ((*sweep)->resumed()) return conflict("there is an experiment `" + name + "` already", "give it another name");
  if (auto done = (*sweep)->record_settings(); !done) return done.error();
  return name;
}

Result<Done> Owner::run(const std::string& name, const std::string& by) {
  {
    auto sweep = Sweep::open_existing(name, options(by));
    if (!sweep) return sweep.error();
    if ((*sweep)->spec().command.empty() && (*sweep)->spec().executor.type == "process")
      return conflict("`" + name + "` has no program: its trials are asked for", "POST …/" + name + "/ask");
    if ((*sweep)->experiment().finished())
      return conflict("`" + name + "` is over: " + (*sweep)->history().finish_why(), "submit it with a larger `stop.trials`");
    Requested release;
    release.by = by, release.via = "server", release.verb = "resume";
    if (auto done = (*sweep)->apply({tagged(true, by), release}); !done) return done;
  }
  return line_up(name);
}

Result<std::size_t> Owner::go_on() {
  std::vector<std::string> names;
  {
    const auto reader = StoreReader::open(settings_.store);
    if (!reader) return reader.error().code == Error::Code::not_found ? Result<std::size_t>{0} : reader.error();
    const auto all = (*reader)->experiments();
    if (!all) return all.error();
    for (const auto& one : *all) {
      const bool ours = std::find(one.tags.begin(), one.tags.end(), kTag) != one.tags.end();
      if (ours && !one.owned && !one.archived && one.state != "finished") names.push_back(one.name);
    }
  }
  for (const auto& name : names)
    if (auto done = line_up(name); !done) return done.error();
  return names.size();
}

// --- running

Owner::Run* Owner::find(const std::string& name) {
  const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.name == name; });
  return found == runs_.end() ? nullptr : &*found;
}

Result<Done> Owner::line_up(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (ending_ != Inbox::Ending::none) return conflict("this server is ending", "the next one goes on with it");
  if (auto* before = find(name)) {
    if (before->state != State::over) return conflict("`" + name + "` is " + std::string(to_text(before->state)) + " here already");
    if (before->thread.joinable()) before->thread.join();  // It is at its very end.
    runs_.remove_if([&](const Run& run) { return &run == before; });
  }
  runs_.emplace_back().name = name;
  begin_what_may();
  return Done{};
}

/// Under the lock.
void Owner::begin_what_may() {
  for (auto& run : runs_) {
    if (running_ >= settings_.at_once || ending_ != Inbox::Ending::none) return;
    if (run.state != State::waiting) continue;
    run.thread = std::thread([this, &run] { live(run); });  // It waits for the lock.
    run.state = State::running;
    ++running_;
  }
}

/// One run, on its thread. The kernel kills a trial's program with the thread that started it, so this one outlives them all.
void Owner::live(Run& run) {
  const auto ended = [&](const std::string& text, bool failed) {
    say(run.name, text);
    const std::lock_guard lock(mutex_);
    run.sweep = nullptr;
    run.state = State::over, run.text = text, run.failed = failed;
    --running_;
    begin_what_may();
    ended_.notify_all();
  };
  auto how = options(this_user());
  how.patience = Duration{5};  // Whoever asks or steers owns it for a moment.
  auto opened = Sweep::open_existing(run.name, how);
  if (!opened) return ended(opened.error().message, true);
  auto& sweep = **opened;
  std::unique_ptr<ControlServer> control;
  if (auto listening = ControlServer::open(sweep.folder(), sweep))
    control = std::move(listening).value();
  else
    say(run.name, "warning: " + listening.error().message);
  {
    const std::lock_guard lock(mutex_);
    run.sweep = &sweep;
    pass_on(run);
  }
  say(run.name, std::to_string(sweep.history().finished_trials()) + " trials are done, running");
  const auto outcome = sweep.run();
  const auto text = outcome ? end_text(*outcome, sweep) : outcome.error().message;
  const bool failed = !outcome || (outcome->end == Outcome::End::finished && outcome->exit_code != 0);
  std::optional<std::string> released_by;
  {
    const std::lock_guard lock(mutex_);
    run.sweep = nullptr;  // From here on nobody may reach it.
    released_by = run.released_by;
  }
  control.reset();
  if (released_by)
    if (auto done = sweep.apply({tagged(false, *released_by)}); !done)
      say(run.name, "the next server will go on with it: " + done.error().message);
  opened->reset();  // Before anybody hears that it is over: they may want to own it.
  ended(text, failed);
}

Result<Done> Owner::let_go(const std::string& name, Inbox::Ending how, const std::string& by) {
  const std::lock_guard lock(mutex_);
  auto* run = find(name);
  if (!run || run->state == State::over)
    return Error{Error::Code::not_found, "`" + name + "` is not run here", "GET /api/v1/served has what is"};
  run->asked = std::max(run->asked, how);
  if (run->state == State::waiting) {
    // Nobody owns it yet.
    if (auto done = carry_out(settings_.store, name, Wish{tagged(false, by), {}, by}); !done) return done;
    run->state = State::over, run->text = "let go of before its turn";
    return Done{};
  }
  run->state = State::ending;
  run->released_by = by;
  pass_on(*run);
  return Done{};
}

/// Under the lock. What a run was asked for while it was being opened is passed on when it is open.
void Owner::pass_on(Run& run) {
  if (run.sweep && run.asked != Inbox::Ending::none) run.sweep->end(run.asked);
}

void Owner::end(Inbox::Ending how) {
  const std::lock_guard lock(mutex_);
  ending_ = std::max(ending_, how);
  for (auto& run : runs_) {
    run.asked = std::max(run.asked, how);
    if (run.state == State::running) run.state = State::ending;
    pass_on(run);
  }
  ended_.notify_all();
}

void Owner::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return running_ == 0 && ending_ != Inbox::Ending::none; });
}

std::vector<Owner::Standing> Owner::standings() const {
  const std::lock_guard lock(mutex_);
  std::vector<Standing> out;
  for (const auto& run : runs_) out.push_back({run.name, run.state, run.text, run.failed});
  return out;
}

}  // namespace tune
