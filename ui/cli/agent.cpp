// SPDX-License-Identifier: Apache-2.0
// `tune agent`: offers this machine to a pool. `tune join-token`: lets agents in.
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <ctime>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "executors/link/secret.hpp"
#include "executors/pool/agent.hpp"
#include "executors/pool/guard.hpp"
#include "executors/pool/invitation.hpp"
#include "executors/pool/last_words.hpp"
#include "executors/process/environment.hpp"
#include "tuner/labels.hpp"
#include "tuner/units.hpp"
#include "ui/api/policies.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/signals.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr double kInvitation = 24 * 3600;           // Seconds in which it has to be used,
constexpr std::time_t kCertificate = 30 * 24 * 3600;  // and after them, in which whoever used it may come back.

/// "cpu=8,gpu=1,memory=32GiB,licence=2" over what was found here.
Result<Offer> offer(const Invocation& call) {
  Spec anything;
  Offer found = offer_of_this_machine(anything);
  const std::string text = call.get("slots").value_or("");
  for (std::string_view rest = text; !rest.empty();) {
    const auto part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const auto equals = part.find('=');
    const auto name = part.substr(0, equals);
    const auto value = equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1);
    double amount = -1;
    const auto [end, wrong] = std::from_chars(value.data(), value.data() + value.size(), amount);
    const bool number = wrong == std::errc{} && end == value.data() + value.size() && amount >= 0;
    if (name == "memory" && parse_bytes(value)) {
      found.memory_bytes = *parse_bytes(value);
    } else if (name.empty() || !number) {
      return usage_error("`--slots` takes NAME=NUMBER,…, not `" + printable(text) + "`", "tune agent --join FILE --slots cpu=8,gpu=1,memory=32GiB");
    } else if (name == "cpu") {
      found.cpus = amount;
    } else if (name == "gpu") {
      if (amount > static_cast<double>(found.devices.size()))
        return usage_error("there are " + std::to_string(found.devices.size()) + " GPUs here, not " + printable(value),
                           "CUDA_VISIBLE_DEVICES says which ones tune may use");
      found.devices.resize(static_cast<std::size_t>(amount));
    } else {
      found.custom[std::string{name}] = amount;
    }
  }
  return found;
}

/// Those of this machine, and what it was given with `--label`.
Result<std::vector<std::string>> labels(const Invocation& call) {
  auto all = labels_of_this_machine();
  for (const auto& given : call.all("label")) {
    if (!is_label(given)) return usage_error("`--label` takes NAME or NAME=VALUE, not `" + printable(given) + "`", "tune agent --join FILE --label gpu=a100 --label fast");
    all.push_back(given);
  }
  return all;
}

std::string host_name_of_this_machine() {
  if (const char* node = std::getenv("TUNE_NODE"); node && *node) return node;  // Nodes of an engine may share a host name.
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

Result<double> duration(const Invocation& call, const char* flag, double fallback) {
  const auto given = call.get(flag);
  if (!given) return fallback;
  const auto read = parse_duration(*given);
  if (!read) return usage_error("`--" + std::string{flag} + "` is a duration like 90s or 1h30m, not `" + printable(*given) + "`");
  return read->seconds;
}

/// When its time is over: as the engine says, or so long from now.
std::optional<Time> deadline(double time) {
  std::optional<Time> end;
  if (time > 0) end = Time{static_cast<double>(std::time(nullptr)) + time};
  const char* told = std::getenv("TUNE_DEADLINE");
  const double seconds = told ? std::atof(told) : 0;
  if (seconds > 0 && (!end || seconds < end->seconds)) end = Time{seconds};
  return end;
}

std::string state_folder(const Invocation& call, const std::string& id) {
  if (const auto given = call.get("folder")) return fs::absolute(*given).lexically_normal();
  const char* base = std::getenv("TMPDIR");
  return std::string{base && *base ? base : "/tmp"} + "/tune-agent-" + id.substr(0, 12);
}

/// Credentials as one line, and back: what a guard is told.
std::string to_line(const Credentials& credentials) {
  return nlohmann::json{credentials.certificate, credentials.key, credentials.authority}.dump();
}
std::optional<Credentials> from_line(const std::string& line) {
  const auto read = nlohmann::json::parse(line, nullptr, false);
  if (!read.is_array() || read.size() != 3) return std::nullopt;
  return Credentials{read[0].get<std::string>(), read[1].get<std::string>(), read[2].get<std::string>()};
}

/// The first signal lets trials save and leave, the second ends them, the third ends us.
class Interruption {
 public:
  explicit Interruption(const Invocation& call) : call_(call) {}
  void attach(Agent* agent) {
    const std::lock_guard lock(mutex_);
    agent_ = agent;
  }
  void receive(int signal) {
    if (signal == SIGTSTP || signal == SIGUSR1 || signal == SIGHUP) return;
    const std::lock_guard lock(mutex_);
    ++count_;
    if (count_ == 3 || !agent_) _exit(kTerminated);
    if (count_ == 1) call_.tell("letting trials save and leave · again ends them at once");
    agent_->leave(signal == SIGINT ? "somebody pressed Ctrl-C" : "it was asked to end", count_ > 1);
  }

 private:
  const Invocation& call_;
  std::mutex mutex_;
  Agent* agent_ = nullptr;
  int count_ = 0;
};

}  // namespace

int agent_verb(Invocation& call) {
  const auto file = call.get("join");
  if (!file)
    return call.fail(usage_error("which pool? `--join` names the file that its coordinator made", "tune join-token > join.json   # there"));
  const auto join = read_join_file(*file, std::time(nullptr));
  if (!join) return call.fail(join.error());
  const auto offered = offer(call);
  if (!offered) return call.fail(offered.error());
  const auto borne = labels(call);
  if (!borne) return call.fail(borne.error());
  const auto idle = duration(call, "idle", 0), margin = duration(call, "margin", 60), patience = duration(call, "patience", 0), time = duration(call, "time", 0);
  for (const auto* read : {&idle, &margin, &patience, &time})
    if (!*read) return call.fail(read->error());
  const auto cache = call.get("cache") ? parse_bytes(*call.get("cache")) : std::optional{Agent::Settings{}.cache};
  if (!cache) return call.fail(usage_error("`--cache` is a size like 20GiB, not `" + printable(*call.get("cache")) + "`"));
  auto id = random_token();
  if (!id) return call.fail(id.error());
  id->resize(32);

  std::signal(SIGUSR2, SIG_IGN);  // A site's warning: the deadline is known already.
  // Before any thread is made: the guard is a fork, and all threads inherit the signals' mask.
  auto guard = Guard::start(*id, [&](const std::string& told) {
    if (const auto credentials = from_line(told)) say_gone(join->address, *credentials, *id, "it died, and its guard ended its trials");
  });
  if (!guard) return call.fail(guard.error());
  Interruption interruption(call);
  Signals signals([&](int signal) { interruption.receive(signal); });

  Agent::Settings settings;
  settings.join = *join;
  settings.id = *id;
  settings.folder = state_folder(call, *id);
  settings.own_disk = call.has("own-disk");
  settings.cache = *cache;
  settings.offer.name = call.get("name").value_or(host_name_of_this_machine());
  settings.offer.group = call.get("group").value_or(join->group);
  settings.offer.allocation = call.get("allocation").value_or("");
  settings.offer.offers = *offered;
  settings.offer.labels = *borne;
  settings.offer.deadline = deadline(*time);
  settings.idle = *idle;
  settings.margin = *margin;
  settings.patience = *patience;
  settings.read_settings = [](const std::string& config) { return read_effective(config); };
  settings.tell = [&](const std::string& line) { call.tell(printable(line)); };
  settings.living = [&](double until) { guard->living(until); };
  settings.admitted = [&](const Credentials& credentials) { guard->tell(to_line(credentials)); };
  auto agent = Agent::join(std::move(settings));
  if (!agent) {
    auto error = agent.error();
    if (error.code == Error::Code::unreachable && error.hint.empty())
      error.hint = "does its `tune sweep` or `tune serve` run, and may this machine reach that port? `tune join-token --address` names another";
    return call.fail(error);
  }
  interruption.attach(agent->get());
  (*agent)->run();
  interruption.attach(nullptr);
  return kOk;
}

int join_token_verb(Invocation& call) {
  const auto uses = call.whole("uses", 1);
  if (!uses) return call.fail(uses.error());
  const auto valid = duration(call, "valid", kInvitation);
  if (!valid) return call.fail(valid.error());
  const std::string folder = call.store() + ".d";
  const auto address = call.get("address") ? Result<std::string>{*call.get("address")} : last_address(folder);
  if (!address) return call.fail(address.error());
  const auto now = std::time(nullptr);
  JoinTerms terms;
  terms.group = call.get("group").value_or("");
  terms.uses = static_cast<int>(uses->value_or(1));
  terms.expires = now + static_cast<std::time_t>(*valid);
  terms.until = terms.expires + kCertificate;
  const auto join = invite(folder, *address, terms, now);
  if (!join) return call.fail(join.error());
  const auto out = call.get("out");
  if (!out) {
    call.print(to_json(*join) + "\n");
    return kOk;
  }
  if (auto written = write_join_file(*out, *join); !written) return call.fail(written.error());
  call.tell("tune agent --join " + printable(*out) + "   # on the machine that is to help");
  return kOk;
}

}  // namespace tune
