// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "executors/link/frames.hpp"
#include "executors/link/hub.hpp"
#include "executors/link/join_tokens.hpp"

/// Who comes to a hub, until it is a line or has its answer.
namespace tune::detail {

/// So many at once, and so many a second from then on.
class Allowance {
 public:
  Allowance(double most, double a_second) : most_(most), a_second_(a_second), left_(most) {}
  bool has_one(Clock::time_point now) {
    left_ = std::min(most_, left_ + a_second_ * std::chrono::duration<double>(now - then_).count());
    then_ = now;
    return left_ >= 1;
  }
  void take() { left_ -= 1; }

 private:
  double most_, a_second_, left_;
  Clock::time_point then_ = Clock::now();
};

/// One connection that is no line yet, and one request on it. Lives in the callbacks that hold it.
class Visit {
 public:
  virtual ~Visit() = default;
  virtual void cut() = 0;
  /// It showed no certificate, or not yet.
  virtual bool is_stranger() const = 0;
  bool is_late(Clock::time_point now) const { return now > until_; }
  Clock::time_point began() const { return began_; }

 protected:
  const Clock::time_point began_ = Clock::now();
  Clock::time_point until_;  ///< What it does now has to be done by then.
};

/// What the visits of one hub share. On the network thread, but for what slow things are done with.
struct Reception {
  Reception(Hub::Handler& told, const std::string& folder, Authority own)
      : handler(told), tokens(folder), authority(std::move(own)) {}

  Hub::Handler& handler;
  JoinTokens tokens;
  const Authority authority;
  /// Why this agent cannot have a line now; nothing: it can.
  std::function<std::optional<Hub::Answer>(const AgentName&)> busy;
  std::function<void(std::shared_ptr<Frames>, const AgentCertificate&)> adopt;
  std::list<Visit*> visits;  ///< Oldest first. Before the context: visits end with its callbacks.
  std::size_t strangers = 0, joining = 0;
  Allowance wrong_tokens{50, 10};
  boost::asio::io_context context{1};
  boost::asio::thread_pool workers{4};
};

void begin_visit(Reception&, TlsSocket::Socket, const TlsContext&, const std::string& address);

}  // namespace tune::detail
