// SPDX-License-Identifier: Apache-2.0
#include "executors/link/hub.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "executors/link/frames.hpp"
#include "executors/link/visit.hpp"
#include "executors/no_signals.hpp"
#include "executors/process/launcher.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

using namespace detail;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, asio::io_context::executor_type>;

constexpr auto kAlive = std::chrono::seconds(10);  // By its last frame, an older line of the same agent.
constexpr auto kGoodbye = std::chrono::seconds(5);
constexpr auto kGrace = std::chrono::milliseconds(500);  // Nobody is pushed out sooner: many agents may come at once.
constexpr auto kRenewal = std::chrono::hours(12);
constexpr std::size_t kStrangers = 256, kLines = 20'000;

}  // namespace

std::variant<Hub::Download, Hub::Answer> Hub::Handler::fetch(const AgentName&, const std::string&) {
  return Answer{404, "there is no such file"};
}
std::variant<Hub::Upload, Hub::Answer> Hub::Handler::store(const AgentName&, const std::string&, std::uint64_t) {
  return Answer{403, "nothing is taken here"};
}

/// On the network thread once it is open, but for send() and close().
class Hub::Inside {
 public:
  Inside(const Settings& settings, Handler& told, Authority own)
      : reception_(told, settings.folder, std::move(own)),
        handler_(told),
        context_(reception_.context),
        acceptor_(context_.get_executor()),
        pause_(context_),
        beat_(context_) {
    reception_.busy = [this](const AgentName& agent) { return busy(agent); };
    reception_.adopt = [this](std::shared_ptr<Frames> frames, const AgentCertificate& who) {
      adopt(std::move(frames), who);
    };
  }
  ~Inside() {
    reception_.workers.stop();
    reception_.workers.join();
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<Done> open(const Settings&);
  void send(Peer, std::string);
  void close(Peer, std::string);
  const std::string& address() const { return address_; }
  const std::string& dialled() const { return dialled_; }
  const std::string& fingerprint() const { return reception_.authority.fingerprint(); }

 private:
  struct Agent {
    AgentCertificate who;
    std::shared_ptr<Frames> frames;
  };

  /// Why this agent cannot have a line now; nothing: it can.
  std::optional<Answer> busy(const AgentName&);
  void adopt(std::shared_ptr<Frames>, const AgentCertificate&);
  Result<detail::TlsContext> encryption() const;
  void accept();
  void accept_next();
  void accept_later(std::chrono::milliseconds);
  void beat();
  void let_go(const std::shared_ptr<Frames>&, const std::string& why);
  void drop(Peer, const std::string& why, bool politely);
  void in_turn(std::function<void()>);

  detail::Reception reception_;
  Handler& handler_;
  asio::io_context& context_;
  std::vector<std::string> names_;
  detail::TlsContext tls_;
  Clock::time_point renewed_;
  Acceptor acceptor_;
  asio::steady_timer pause_, beat_;
  std::string address_, dialled_;
  std::uint64_t last_peer_ = 0;
  std::unordered_map<std::uint64_t, Agent> agents_;
  std::unordered_map<std::string, std::uint64_t> peers_;  ///< By the agent's id.
  std::vector<std::pair<Clock::time_point, std::shared_ptr<Frames>>> leaving_;
  std::mutex turns_mutex_;
  std::deque<std::function<void()>> turns_;
  std::thread thread_;
};

Result<detail::TlsContext> Hub::Inside::encryption() const {
  const auto identity = reception_.authority.issue(names_, std::time(nullptr));
  if (!identity) return identity.error();
  return detail::server_context(*identity, reception_.authority.certificate());
}

Result<Done> Hub::Inside::open(const Settings& settings) {
  auto at = place(settings);
  if (!at) return at.error();
  names_ = server_names(settings.names, at->host);
  auto tls = encryption();
  if (!tls) return tls.error();
  tls_ = std::move(*tls), renewed_ = Clock::now();

  const asio::ip::tcp::endpoint where{asio::ip::make_address(at->host), at->port};
  error_code error;
  acceptor_.open(where.protocol(), error);
  if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(where, error);
  if (!error) acceptor_.listen(1024, error);
  if (error) {
    const bool taken = error == asio::error::address_in_use;
    return Error{taken ? Error::Code::conflict : Error::Code::io,
                 "cannot listen for agents on " + settings.address + ": " + error.message(),
                 taken ? "another program has this port; port 0 takes a free one" : ""};
  }
  at->port = acceptor_.local_endpoint().port();
  address_ = join_address(*at);
  if (is_every_address(at->host)) at->host = names_.front();
  if (!settings.names.empty()) at->host = names_.front();
  dialled_ = join_address(*at);
  ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  accept();
  beat();
  thread_ = std::thread([this] { context_.run(); });
  return Done{};
}

void Hub::Inside::accept() {
  acceptor_.async_accept([this](error_code error, TlsSocket::Socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) return accept_later(std::chrono::milliseconds(100));  // No descriptor left, say.
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    socket.set_option(asio::ip::tcp::no_delay(true), error);
    const auto from = socket.remote_endpoint(error);
    const auto address = error ? std::string("somebody") : from.address().to_string();
    detail::begin_visit(reception_, std::move(socket), tls_, address);
    accept_next();
  });
}

void Hub::Inside::accept_later(std::chrono::milliseconds wait) {
  pause_.expires_after(wait);
  pause_.async_wait([this](error_code error) {
    if (!error) accept_next();
  });
}

/// At the limit the oldest goes of those that showed no certificate: silent peers push out one another, and no agent
/// that is in. One that has just come is left a moment, and the next wait in the kernel's queue.
void Hub::Inside::accept_next() {
  if (reception_.strangers < kStrangers) return accept();
  const auto& visits = reception_.visits;
  const auto oldest =
      std::find_if(visits.begin(), visits.end(), [](const detail::Visit* one) { return one->is_stranger(); });
  const bool old = oldest != visits.end() && Clock::now() - (*oldest)->began() > kGrace;
  if (old) (*oldest)->cut();  // It leaves with its callbacks.
  accept_later(std::chrono::milliseconds(old ? 0 : 10));
}

std::optional<Hub::Answer> Hub::Inside::busy(const AgentName& agent) {
  const auto known = peers_.find(agent.id);
  if (known != peers_.end() && Clock::now() - agents_.at(known->second).frames->heard() < kAlive)
    return Answer{409, "agent " + agent.id + " has a line already"};
  if (known == peers_.end() && agents_.size() >= kLines)
    return Answer{503, "this coordinator has 20,000 agents already"};
  return std::nullopt;
}

void Hub::Inside::adopt(std::shared_ptr<Frames> frames, const AgentCertificate& who) {
  if (const auto no = busy(who.agent)) return let_go(frames, no->text);  // Two were let in at once.
  if (const auto older = peers_.find(who.agent.id); older != peers_.end())
    drop(Peer{older->second}, "it came again, by another line", false);
  const Peer peer{++last_peer_};
  agents_.emplace(last_peer_, Agent{who, frames});
  peers_.emplace(who.agent.id, last_peer_);
  handler_.connected(peer, who.agent);
  frames->begin([this, peer](std::string_view message) { handler_.received(peer, message); },
                [this, peer](const std::string& why) { drop(peer, why, false); });
}

void Hub::Inside::let_go(const std::shared_ptr<Frames>& frames, const std::string& why) {
  frames->close(why);
  leaving_.emplace_back(Clock::now() + kGoodbye, frames);
}

void Hub::Inside::drop(Peer peer, const std::string& why, bool politely) {
  const auto found = agents_.find(static_cast<std::uint64_t>(peer));
  if (found == agents_.end()) return;
  const auto agent = std::move(found->second);
  agents_.erase(found);
  peers_.erase(agent.who.agent.id);
  politely ? let_go(agent.frames, why) : agent.frames->cut();
  handler_.gone(peer, why);
}

void Hub::Inside::send(Peer peer, std::string message) {
  in_turn([this, peer, message = std::move(message)]() mutable {
    if (const auto found = agents_.find(static_cast<std::uint64_t>(peer)); found != agents_.end())
      found->second.frames->send(std::move(message));
  });
}

void Hub::Inside::close(Peer peer, std::string why) {
  in_turn([this, peer, why = std::move(why)] { drop(peer, why, true); });
}

/// What the network thread posts itself is overtaken by what others post before its handler returns: so the turns are kept here,
/// and what is posted only says that there are some. Once for many: waking that thread costs more than most turns.
void Hub::Inside::in_turn(std::function<void()> work) {
  {
    const std::lock_guard lock(turns_mutex_);
    turns_.push_back(std::move(work));
    if (turns_.size() > 1) return;
  }
  asio::post(context_, [this] {
    std::deque<std::function<void()>> now;
    {
      const std::lock_guard lock(turns_mutex_);
      now.swap(turns_);
    }
    for (auto& turn : now) turn();
  });
}

/// Once a second: who is late, who is stuck, whose time is over.
void Hub::Inside::beat() {
  beat_.expires_after(std::chrono::seconds(1));
  beat_.async_wait([this](error_code error) {
    if (error) return;
    const auto now = Clock::now();
    for (detail::Visit* const visit : reception_.visits)
      if (visit->is_late(now)) visit->cut();
    std::vector<std::pair<Peer, std::string>> stuck;
    for (const auto& [number, agent] : agents_)
      if (auto why = agent.frames->trouble(now); !why.empty())
        stuck.emplace_back(Peer{number}, std::move(why));
      else if (agent.who.until <= std::time(nullptr))
        stuck.emplace_back(Peer{number}, "its certificate has expired");
    for (const auto& [peer, why] : stuck) drop(peer, why, false);
    std::erase_if(leaving_, [&](const auto& one) {
      if (now > one.first) one.second->cut();
      return now > one.first;
    });
    if (now - renewed_ > kRenewal)
      if (auto tls = encryption()) tls_ = std::move(*tls), renewed_ = now;  // The old one holds for days yet.
    beat();
  });
}

Hub::Hub(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Hub::~Hub() = default;

Result<HostAndPort> Hub::place(const Settings& settings) {
  auto at = split_address(settings.address);
  if (!at) return at.error();
  if (at->host == "localhost") at->host = "127.0.0.1";
  if (!is_address(at->host))
    return Error{Error::Code::invalid,
                 "cannot listen on " + printable(settings.address) + ": that is a name, and this takes an address",
                 "for example 0.0.0.0:7741"};
  for (const auto& name : settings.names)
    if (const auto known = host_name(name); !known || is_every_address(*known))
      return Error{Error::Code::invalid, "'" + printable(name) + "' is not a machine's name or address",
                   "for example gpu1.lab"};
  return at;
}

Result<std::unique_ptr<Hub>> Hub::open(const Settings& settings, Handler& handler) {
  auto authority = Authority::open(settings.folder, std::time(nullptr));
  if (!authority) return authority.error();
  raise_descriptor_limit();  // A line takes one.
  const NoSignals quiet;
  auto inside = std::make_unique<Inside>(settings, handler, std::move(*authority));
  if (auto opened = inside->open(settings); !opened) return opened.error();
  return std::unique_ptr<Hub>(new Hub(std::move(inside)));
}

void Hub::send(Peer peer, std::string message) { inside_->send(peer, std::move(message)); }
void Hub::close(Peer peer, std::string why) { inside_->close(peer, std::move(why)); }
const std::string& Hub::address() const { return inside_->address(); }
const std::string& Hub::dialled() const { return inside_->dialled(); }
const std::string& Hub::fingerprint() const { return inside_->fingerprint(); }

}  // namespace tune
