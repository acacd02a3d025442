// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tuner/result.hpp"
#include "ui/server/exchange.hpp"

namespace tune {

/// What trials say over HTTP, handed on to the Unix socket of whoever runs them (TUNE_SOCK of docs/trial-protocol.md): so
/// it is a report like any other, whichever process of this machine serves the page. One thread carries all of them, since
/// an answer may wait for a decision; a request holds no thread. Any thread.
class Relay {
 public:
  Relay();
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Sends `lines`, of which `answers` are answered, to the socket that the link at `path` leads to, as the attempt whose
  /// token that is. The stream gives the answers, one a line; an attempt that is over answers that it is to stop.
  /// conflict: nobody runs the experiment, or by programs that cannot be reached.
  Result<std::unique_ptr<Stream>> carry(const std::string& path, const std::string& token, std::string lines, int answers);

 private:
  class Call;
  class Follower;
  void run();
  void wake() const;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Call>> calls_;
  bool ending_ = false;
  int event_ = -1;
  std::thread thread_;
};

/// The lines of a report's body, checked, the last of them made to wait for its answer.
struct ReportLines {
  std::string lines;
  int answers = 0;  ///< At least 1.
};
/// invalid: there is none, or which of them is no report and why. Total on any bytes.
Result<ReportLines> read_report_lines(std::string_view body);

}  // namespace tune
