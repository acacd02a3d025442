// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <unordered_map>

#include "executors/checkpoints.hpp"
#include "executors/clock.hpp"
#include "executors/link/hub.hpp"
#include "executors/no_signals.hpp"
#include "executors/pool/invitation.hpp"
#include "executors/pool/local_agents.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {
constexpr const char* kOurs = "local";  // The allocation of agents that we started.
constexpr std::time_t kJoinWithin = 300, kMonth = 30 * 24 * 3600;
constexpr std::uint64_t kLongestLog = 16 * 1024 * 1024;  // LogFile stops at half of it.
constexpr auto kGoodbyes = std::chrono::seconds(5);
constexpr double kHello = 0.25;  // Of a lease: a line that has said nothing by then is closed.
}  // namespace

class Pool::Inside final : public Hub::Handler {
 public:
  explicit Inside(Settings settings) : settings_(std::move(settings)), roster_(settings_.times) {}
  ~Inside() override {
    dismiss_ours();
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    ending_.notify_all();
    if (clockwork_.joinable()) clockwork_.join();
    delete hub_.get();  // Nobody calls from here on; until then somebody may, who needs it.
    static_cast<void>(hub_.release());
  }

  Result<Done> open();

  // --- members ---
  void enter(const Opening& opening, Member& member) {
    const std::lock_guard lock(mutex_);
    members_[opening.experiment] = {opening, &member};
    for (const auto& [agent, guest] : guests_) {
      if (!guest.here) continue;
      hub_->send(guest.peer, write_message(opening));
      member.hear(Came{guest.hello.worker, held_by(guest, opening.experiment)});
    }
  }
  void close(const std::string& experiment, bool kill) { tell_all(Closing{experiment, kill, false}); }
  void leave(const std::string& experiment) {
    tell_all(Closing{experiment, true, true});
    const std::lock_guard lock(mutex_);
    members_.erase(experiment);
  }

  void supply(std::shared_ptr<const Supply> supply) {
    const std::lock_guard lock(mutex_);
    supplies_[supply->hash()] = std::move(supply);
  }
  bool send(const std::string& agent, const Message& message) {
    const std::lock_guard lock(mutex_);
    const auto it = guests_.find(agent);
    if (it == guests_.end() || !it->second.here) return false;
    hub_->send(it->second.peer, write_message(message));
    return true;
  }
  Result<Done> shut_out(const std::string& allocation) {
    {
      const std::lock_guard lock(mutex_);
      shut_out_.insert(allocation);
    }
    const auto revoked = JoinTokens(settings_.folder).revoke(allocation, std::time(nullptr));
    return revoked ? Result<Done>{Done{}} : revoked.error();
  }
  std::string turned_away() const {
    const std::lock_guard lock(mutex_);
    return turned_away_;
  }
  const std::string& address() const { return hub_->dialled(); }
  const std::string& folder() const { return settings_.folder; }

  // --- the hub's word ---
  /// One that is here may come back by another line, and its guard may say its last words.
  std::optional<std::string> refuse(const AgentName& name) override {
    const std::lock_guard lock(mutex_);
    if (!shut_out_.contains(name.allocation) || guests_.contains(name.id)) return std::nullopt;
    return "its allocation is over";
  }
  void turned_away(const std::string& address, const std::string& why) override {
    const std::lock_guard lock(mutex_);
    turned_away_ = address + ": " + printable(why);
  }
  void connected(Hub::Peer peer, const AgentName& name) override {  // It has to say hello first.
    const std::lock_guard lock(mutex_);
    callers_[peer] = {name, clock_.now(), false};
  }
  void received(Hub::Peer peer, std::string_view text) override {
    auto message = read_message(text);
    const std::lock_guard lock(mutex_);
    if (!message) return hub_->close(peer, message.error().message);
    const std::string& agent = callers_[peer].name.id;
    if (const auto* hello = std::get_if<Hello>(&*message)) return greet(peer, *hello);
    if (const auto* gone = std::get_if<Gone>(&*message)) return bury(peer, *gone);
    const auto it = guests_.find(agent);
    if (it == guests_.end() || it->second.peer != peer || !it->second.here) return hub_->close(peer, "it did not say hello");
    heard(agent);
    if (const auto* beat = std::get_if<Beat>(&*message)) return hub_->send(peer, write_message(BeatAnswer{beat->sent}));
    if (const auto* leaving = std::get_if<Leaving>(&*message)) return tell_members(Leaves{agent, leaving->why});
    if (auto* reserved = std::get_if<Reserved>(&*message)) {
      const auto member = members_.find(reserved->attempt.experiment);
      if (member != members_.end()) member->second.member->hear(Answered{agent, std::move(*reserved)});
      return;
    }
    if (auto* happened = std::get_if<Happened>(&*message)) {
      const auto member = members_.find(happened->experiment);
      if (member != members_.end()) member->second.member->hear(Told{agent, std::move(happened->facts)});
      return;
    }
    hub_->close(peer, "that is not for an agent to say");
  }
  void gone(Hub::Peer peer, const std::string&) override {
    const std::lock_guard lock(mutex_);
    const auto caller = callers_.extract(peer);
    const auto it = caller ? guests_.find(caller.mapped().name.id) : guests_.end();
    if (it != guests_.end() && it->second.peer == peer) it->second.here = false;  // What that means, time will tell.
    changed_.notify_all();
  }

  // --- bytes, on the hub's threads for files ---
  std::variant<Hub::Download, Hub::Answer> fetch(const AgentName&, const std::string& path) override;
  std::variant<Hub::Upload, Hub::Answer> store(const AgentName&, const std::string& path, std::uint64_t length) override;

 private:
  std::variant<Hub::Download, Hub::Answer> fetch_supply(const std::vector<std::string>& path);
  std::variant<Hub::Upload, Hub::Answer> store_part(const AgentName&, const std::string& hash, std::size_t part);
  std::variant<Hub::Upload, Hub::Answer> store_log(const std::vector<std::string>& path);

  struct Guest {
    Hub::Peer peer{};
    Hello hello;
    bool here = false;
  };
  struct Caller {
    AgentName name;  // As its certificate has it.
    Time since;
    bool greeted = false;
  };
  struct Seat {
    Opening opening;
    Member* member = nullptr;
  };

  static std::vector<AttemptName> held_by(const Guest& guest, const std::string& experiment) {
    std::vector<AttemptName> held;
    for (const auto& name : guest.hello.held)
      if (name.experiment == experiment) held.push_back(name);
    return held;
  }

  void greet(Hub::Peer peer, const Hello& hello) {
    auto& [name, since, greeted] = callers_[peer];
    const std::string& agent = name.id;
    if (hello.worker.agent != agent) return hub_->close(peer, "its certificate is for another agent");
    greeted = true;
    auto& guest = guests_[agent];
    guest = {peer, hello, true};
    guest.hello.worker.group = name.group, guest.hello.worker.allocation = name.allocation;  // As was vouched for.
    roster_.hello(agent, clock_.now());
    const auto& times = settings_.times;
    hub_->send(peer, write_message(Welcome{times.beat, times.lease, times.grace}));
    for (auto& [experiment, seat] : members_) {
      hub_->send(peer, write_message(seat.opening));
      seat.member->hear(Came{guest.hello.worker, held_by(guest, experiment)});
    }
  }
  void heard(const std::string& agent) {
    if (auto change = roster_.beat(agent, clock_.now())) tell_members(Changed{std::move(*change)});
  }
  void bury(Hub::Peer peer, const Gone& gone) {
    const std::string agent = callers_[peer].name.id;
    hub_->close(peer, "good-bye");
    if (gone.agent != agent) return;
    guests_.erase(agent);
    changed_.notify_all();
    if (auto change = roster_.gone(agent, gone.why, "it said so")) tell_members(Changed{std::move(*change)});
  }
  /// Its line may be half of one that broke; as long as it were open, the agent could not come back by another.
  void forget(const Roster::Change& lost) {
    const auto guest = guests_.extract(lost.agent);
    if (guest && guest.mapped().here) hub_->close(guest.mapped().peer, lost.why);
  }
  void tell_members(const News& news) {
    for (auto& [name, seat] : members_) seat.member->hear(news);
  }
  void tell_all(const Message& message) {
    const std::lock_guard lock(mutex_);
    for (const auto& [agent, guest] : guests_)
      if (guest.here) hub_->send(guest.peer, write_message(message));
  }
  /// Agents that we started go when we do.
  void dismiss_ours() {
    std::unique_lock lock(mutex_);
    if (!hub_ || !ours_) return;
    const auto here = [this] {
      std::vector<Hub::Peer> peers;
      for (const auto& [agent, guest] : guests_)
        if (guest.here && callers_[guest.peer].name.allocation == kOurs) peers.push_back(guest.peer);
      return peers;
    };
    for (const auto peer : here()) hub_->send(peer, write_message(Dismissal{true, "the pool is closed"}));
    changed_.wait_for(lock, kGoodbyes, [&] { return here().empty(); });
  }
  Result<Done> start_ours();

  /// Watches over silence. Looks once a beat at least, so that nobody need wake it for an agent that comes: none falls silent sooner.
  void watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
      const auto next = roster_.next();
      const double beat = std::max(settings_.times.beat, 0.01);
      ending_.wait_for(lock, std::chrono::duration<double>(next ? std::clamp((*next - clock_.now()).seconds, 0.01, beat) : beat));
      for (auto& change : roster_.look(clock_.now())) {
        if (change.what == Roster::Change::What::lost) forget(change);
        tell_members(Changed{std::move(change)});
      }
      for (const auto& [peer, caller] : callers_)
        if (!caller.greeted && (clock_.now() - caller.since).seconds >= kHello * settings_.times.lease) hub_->close(peer, "it did not say hello");
    }
  }

  const Settings settings_;
  const EdgeClock clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, ending_;
  Roster roster_;
  std::unordered_map<Hub::Peer, Caller> callers_;
  std::unordered_map<std::string, Guest> guests_;
  std::map<std::string, Seat> members_;
  std::map<std::string, std::shared_ptr<const Supply>> supplies_;  // By hash.
  std::set<std::string> shut_out_;  // Allocations.
  std::string turned_away_;
  bool over_ = false;
  std::unique_ptr<LocalAgents> ours_;
  std::unique_ptr<Hub> hub_;
  std::thread clockwork_;
};

namespace {

namespace fs = std::filesystem;

std::vector<std::string> pieces(const std::string& path) {
  std::vector<std::string> all;
  std::istringstream in(path);
  for (std::string piece; std::getline(in, piece, '/');) all.push_back(piece);
  return all;
}

std::optional<std::size_t> number(const std::string& text) {
  std::size_t n = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), n);
  return wrong == std::errc{} && end == text.data() + text.size() ? std::optional{n} : std::nullopt;
}

const Hub::Answer kNothing{404, "there is nothing of that name"};

int status_of(const Error& error) { return error.code == Error::Code::not_found ? 404 : error.code == Error::Code::corrupt ? 409 : 507; }

}  // namespace

std::variant<Hub::Download, Hub::Answer> Pool::Inside::fetch(const AgentName&, const std::string& path) {
  const auto names = pieces(path);
  if (!names.empty() && names[0] == "supplies") return fetch_supply(names);
  const auto part = names.size() == 3 && names[0] == "checkpoints" ? number(names[2]) : std::nullopt;
  if (!part) return kNothing;
  const auto parts = Checkpoints(settings_.folder + "/checkpoints").parts(names[1]);
  if (!parts) return Hub::Answer{status_of(parts.error()), parts.error().message};
  if (*part >= parts->size()) return kNothing;
  return Hub::Download{(*parts)[*part]};
}

/// supplies/HASH/manifest, supplies/HASH/FILE/PART
std::variant<Hub::Download, Hub::Answer> Pool::Inside::fetch_supply(const std::vector<std::string>& path) {
  std::shared_ptr<const Supply> supply;
  {
    const std::lock_guard lock(mutex_);
    const auto found = path.size() > 2 ? supplies_.find(path[1]) : supplies_.end();
    if (found == supplies_.end()) return kNothing;
    supply = found->second;
  }
  if (path.size() == 3 && path[2] == "manifest") return Hub::Download{supply->manifest_file()};
  const auto file = path.size() == 4 ? number(path[2]) : std::nullopt, count = path.size() == 4 ? number(path[3]) : std::nullopt;
  if (!file || !count) return kNothing;
  const auto part = supply->part(*file, *count);
  if (!part) return Hub::Answer{part.error().code == Error::Code::conflict ? 409 : 404, part.error().message};
  return Hub::Download{part->file, part->from, static_cast<std::uint64_t>(kSupplyPart)};
}

std::variant<Hub::Upload, Hub::Answer> Pool::Inside::store(const AgentName& agent, const std::string& path, std::uint64_t length) {
  const auto names = pieces(path);
  if (names.size() == 3 && names[0] == "checkpoints" && number(names[2])) return store_part(agent, names[1], *number(names[2]));
  if (names.size() == 5 && names[0] == "logs" && length > kLongestLog) return Hub::Answer{413, "no log is as long as that"};
  if (names.size() == 5 && names[0] == "logs") return store_log(names);
  return kNothing;
}

std::variant<Hub::Upload, Hub::Answer> Pool::Inside::store_part(const AgentName& agent, const std::string& hash, std::size_t part) {
  const Checkpoints checkpoints(settings_.folder + "/checkpoints");
  if (checkpoints.parts(hash)) return Hub::Answer{200, "it is here already"};
  const fs::path folder = checkpoints.arriving(hash, agent.id), file = folder / std::to_string(part), arriving = file.string() + ".part";
  std::error_code failed;
  fs::create_directories(folder, failed);
  fs::remove(arriving, failed);  // Of an upload that was cut.
  return Hub::Upload{arriving.string(), [checkpoints, hash, folder, file, arriving, part]() -> Hub::Answer {
                       std::error_code wrong;
                       fs::rename(arriving, file, wrong);
                       if (wrong || part > 0) return wrong ? Hub::Answer{507, wrong.message()} : Hub::Answer{};
                       const auto made = checkpoints.assemble(hash, folder);
                       return made ? Hub::Answer{} : Hub::Answer{status_of(made.error()), made.error().message};
                     }};
}

/// logs/EXPERIMENT/TRIAL/ATTEMPT/NAME.log, of an experiment that is run here.
std::variant<Hub::Upload, Hub::Answer> Pool::Inside::store_log(const std::vector<std::string>& path) {
  {
    const std::lock_guard lock(mutex_);
    if (!members_.contains(path[1])) return kNothing;
  }
  if (!number(path[2]) || !number(path[3]) || !path[4].ends_with(".log")) return kNothing;
  const fs::path trial = fs::path(settings_.folder) / path[1] / path[2], folder = trial / path[3], file = folder / path[4];
  for (const auto& one : {trial, folder}) ::mkdir(one.c_str(), 0700);
  const fs::path arriving = folder / ("." + path[4] + ".arriving");
  std::error_code failed;
  fs::remove(arriving, failed);
  return Hub::Upload{arriving.string(), [arriving, file]() -> Hub::Answer {
                       std::error_code wrong;
                       fs::rename(arriving, file, wrong);
                       return wrong ? Hub::Answer{507, wrong.message()} : Hub::Answer{};
                     }};
}

/// A free port is the same as last time if it can be: agents of a coordinator that was killed come back to it.
Result<Done> Pool::Inside::open() {
  Hub::Settings wanted{settings_.folder, settings_.listen.empty() ? "127.0.0.1:0" : settings_.listen, settings_.names};
  const bool any_port = wanted.address.ends_with(":0");
  const std::string host = wanted.address.substr(0, wanted.address.rfind(':'));
  const auto last = last_address(settings_.folder);
  if (any_port && last) wanted.address = host + last->substr(last->rfind(':'));
  {
    const std::lock_guard lock(mutex_);  // Who comes at once waits until we have it.
    auto hub = Hub::open(wanted, *this);
    if (!hub && hub.error().code == Error::Code::conflict && any_port) {
      wanted.address = host + ":0";
      hub = Hub::open(wanted, *this);
    }
    if (!hub) return hub.error();
    hub_ = std::move(*hub);
  }
  const auto& dialled = settings_.listen.empty() ? hub_->address() : hub_->dialled();
  if (auto kept = remember_address(settings_.folder, dialled); !kept) return kept.error();
  const NoSignals quiet;
  clockwork_ = std::thread([this] { watch(); });
  return start_ours();
}

Result<Done> Pool::Inside::start_ours() {
  if (settings_.local == 0) return Done{};
  const auto now = std::time(nullptr);
  JoinTerms terms;
  terms.allocation = kOurs;
  terms.uses = settings_.local;
  terms.expires = now + kJoinWithin, terms.until = now + kMonth;
  auto join = invite(settings_.folder, hub_->address(), terms, now);
  if (!join) return join.error();
  ours_ = std::make_unique<LocalAgents>(settings_.folder, settings_.local, settings_.offer);
  const std::string file = settings_.folder + "/agents.join";
  if (auto written = write_join_file(file, *join); !written) return written;
  return ours_->start(file);
}

namespace {
struct Known {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Pool>> pools;
};
Known& known() {
  static Known all;
  return all;
}
}  // namespace

Result<std::shared_ptr<Pool>> Pool::of(const Settings& settings) {
  auto& all = known();
  const std::lock_guard lock(all.mutex);
  auto& kept = all.pools[settings.folder];
  if (auto there = kept.lock()) return there;
  auto inside = std::make_unique<Inside>(settings);
  if (auto opened = inside->open(); !opened) return opened.error();
  std::shared_ptr<Pool> made(new Pool(std::move(inside)));
  kept = made;
  return made;
}

Pool::Pool(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Pool::~Pool() = default;
void Pool::enter(const Opening& opening, Member& member) { inside_->enter(opening, member); }
void Pool::close(const std::string& experiment, bool kill) { inside_->close(experiment, kill); }
void Pool::leave(const std::string& experiment) { inside_->leave(experiment); }
void Pool::supply(std::shared_ptr<const Supply> supply) { inside_->supply(std::move(supply)); }
bool Pool::send(const std::string& agent, const Message& message) { return inside_->send(agent, message); }
Result<Done> Pool::shut_out(const std::string& allocation) { return inside_->shut_out(allocation); }
std::string Pool::turned_away() const { return inside_->turned_away(); }
const std::string& Pool::address() const { return inside_->address(); }
const std::string& Pool::folder() const { return inside_->folder(); }

}  // namespace tune
