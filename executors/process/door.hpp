// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "executors/descriptor.hpp"

namespace tune::detail {

/// Inside of Supervisor: the Unix socket of TUNE_SOCK, for grandchildren that lost the inherited descriptor. Mode 0600 in a
/// folder 0700; only processes of our user are let in, and they say within 5 s whose they are: the first line of a
/// connection is {"token": "$TUNE_TOKEN"}.
class Door {
 public:
  /// A connection that named its token, and what it had sent after that line.
  using Enter = std::function<void(Descriptor, const std::string& token, std::string rest)>;
  Door(boost::asio::io_context&, Enter);
  ~Door();
  /// Empty if it could not be opened.
  const std::string& path() const { return path_; }

 private:
  struct Guest;
  void accept();
  void listen(const std::shared_ptr<Guest>&);
  void greet(const std::shared_ptr<Guest>&);

  boost::asio::io_context& io_;
  Enter enter_;
  boost::asio::posix::stream_descriptor listener_;
  std::string folder_, path_;
  std::set<std::shared_ptr<Guest>> guests_;  // Shared with their handlers in flight.
};

}  // namespace tune::detail
