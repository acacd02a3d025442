// SPDX-License-Identifier: Apache-2.0
// `tune ui`: the dashboard of any store, live or over, on this machine.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ui/cli/invocation.hpp"
#include "ui/cli/listening.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

/// Hands an address to the desktop. Who has none sees the address that was printed.
void open_in_browser(const std::string& address) {
  const pid_t child = fork();
  if (child != 0) {
    if (child > 0) waitpid(child, nullptr, 0);
    return;
  }
  if (fork() == 0) {  // A grandchild, so that nobody waits for the browser.
    setsid();
    execlp("xdg-open", "xdg-open", address.c_str(), static_cast<char*>(nullptr));
  }
  _exit(0);
}

/// Blocked before any thread is made, so that all of them leave these signals to wait().
class Ending {
 public:
  Ending() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  int wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }

 private:
  sigset_t signals_;
};

}  // namespace

int ui_verb(Invocation& call) {
  if (call.has("print-routes")) {
    call.print(call.format() == Invocation::Format::table ? routes_text() : routes_json_lines());
    return kOk;
  }
  if (call.words().size() > 1) return call.fail(usage_error("`tune ui` takes one store", "tune ui old.db"));
  const Ending ending;
  Dashboard::Settings settings;
  settings.store = call.words().empty() ? call.store() : call.words()[0];
  settings.address = call.get("addr");
  settings.read_only = call.has("read-only");
  settings.viewers = call.has("viewers");
  settings.tls = tls_settings(call);
  if (auto there = StoreReader::open(settings.store); !there) return call.fail(there.error());
  auto dashboard = Dashboard::open(settings);
  if (!dashboard) return call.fail(dashboard.error());
  print_ways_in(call, **dashboard);
  call.tell("the dashboard of " + printable(settings.store) + (settings.read_only ? ", read-only" : "") +
            "; the address lets one browser in · Ctrl-C ends it");
  if (const auto& trust = (*dashboard)->trust(); !trust.empty()) call.tell(trust);
  if (call.has("open")) open_in_browser((*dashboard)->way_in());
  return ending.wait() == SIGTERM ? kTerminated : kOk;
}

}  // namespace tune
