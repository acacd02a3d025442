// SPDX-License-Identifier: Apache-2.0
// `tune serve`: a process that stays, owns the experiments that are submitted to it, and shows all of the store.
#include <unistd.h>

#include <csignal>
#include <mutex>
#include <thread>

#include "store/sqlite/sqlite_store.hpp"
#include "ui/api/owner.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/listening.hpp"
#include "ui/cli/signals.hpp"

namespace tune {
namespace {

/// Each signal asks a little harder than the one before, as with `tune sweep`.
class Interruption {
 public:
  explicit Interruption(const Invocation& call) : call_(call) {}
  void attach(Owner& owner) {
    const std::lock_guard lock(mutex_);
    owner_ = &owner;
    if (count_ > 0) owner.end(Inbox::Ending::stop);
  }
  void receive(int signal) {
    if (signal == SIGTSTP || signal == SIGUSR1) return;
    const std::lock_guard lock(mutex_);
    if (signal == SIGHUP) return;  // It stays when the terminal goes.
    if (++count_ == 3) _exit(code_);  // What is committed is safe.
    code_ = signal == SIGTERM ? kTerminated : count_ == 1 ? kOk : kInterrupted;  // Ctrl-C is how it ends.
    call_.tell(count_ == 1 ? "stopping: running trials save and end; the next `tune serve` goes on · again kills them"
                           : "killing running trials · again leaves at once");
    if (owner_) owner_->end(count_ == 1 && signal != SIGQUIT ? Inbox::Ending::stop : Inbox::Ending::kill);
  }
  int exit_code() const { return code_; }

 private:
  const Invocation& call_;
  std::mutex mutex_;
  Owner* owner_ = nullptr;
  int count_ = 0, code_ = 0;
};

}  // namespace

int serve_verb(Invocation& call) {
  if (call.words().size() > 1) return call.fail(usage_error("`tune serve` takes one store", "tune serve lab.db"));
  const auto at_once = call.whole("at-once", 1);
  if (!at_once) return call.fail(at_once.error());

  Interruption interruption(call);
  // Before any thread is made: all of them inherit the mask.
  Signals signals([&](int signal) { interruption.receive(signal); });

  Owner::Settings owning;
  owning.store = call.words().empty() ? call.store() : call.words()[0];
  owning.at_once = at_once->has_value() ? static_cast<std::size_t>(**at_once) : std::max(1u, std::thread::hardware_concurrency());
  owning.tell = [&](const std::string& line) { call.tell(printable(line)); };

  Dashboard::Settings settings;
  settings.store = owning.store;
  settings.address = call.get("addr");
  settings.public_metrics = call.has("metrics-public");
  settings.viewers = call.has("viewers");
  settings.tls = tls_settings(call);
  if (auto allowed = Dashboard::check(settings); !allowed) return call.fail(allowed.error());  // Before there is a store.
  if (auto made = SqliteStore::make(owning.store); !made) return call.fail(made.error());
  Owner owner(owning);
  settings.owner = &owner;
  auto dashboard = Dashboard::open(settings);
  if (!dashboard) return call.fail(dashboard.error());
  owner.reported_to((*dashboard)->local_url(), (*dashboard)->secret(), (*dashboard)->authority());
  interruption.attach(owner);
  const auto taken_up = owner.go_on();
  if (!taken_up) return call.fail(taken_up.error());

  print_ways_in(call, **dashboard);
  call.tell("serving " + printable(owning.store) + ", up to " + std::to_string(owning.at_once) + " experiments at once" +
            (*taken_up > 0 ? "; going on with " + std::to_string(*taken_up) : "") + " · Ctrl-C ends it");
  if (const auto& trust = (*dashboard)->trust(); !trust.empty()) call.tell(trust);
  owner.wait();
  return interruption.exit_code();
}

}  // namespace tune
