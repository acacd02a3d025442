// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite/reader.hpp"
#include "ui/server/exchange.hpp"

namespace tune {

class Site;

/// Tells those who follow what changed, by server-sent events (the HTML standard, section 9.2). One thread looks at the store
/// four times a second while anybody follows, and reads what changed once for all of them.
///
/// A follower is no more than the number of the last record that it was told of: when it has taken what it was sent, it is
/// given one event that sums up everything since. So none has a queue that could grow, a slow one gets fewer and larger
/// events, and one that comes back with `Last-Event-ID` goes on where it was. What was touched is remembered for some ten
/// thousand trials; who is further behind is sent `resync` and loads everything anew.
class News {
 public:
  /// `site` outlives this.
  explicit News(Site& site);
  ~News();

  /// `event: experiments` whenever one of them changed.
  std::unique_ptr<Stream> of_all();
  /// `event: change` whenever the experiment did after record `seen` (0: tell how it stands, first of all).
  std::unique_ptr<Stream> of(const std::string& experiment, Seq seen);

 private:
  class Follower;
  class ListFollower;
  class ExperimentFollower;
  struct Touched {
    Seq seq = 0;  ///< The news that told of them.
    std::optional<std::vector<std::int64_t>> trials;  ///< nullopt: too many to be named.
  };
  /// One experiment that somebody follows.
  struct Topic {
    int followers = 0;
    Seq seq = 0;             ///< That was told last.
    std::string state;       ///< Likewise.
    std::string members;     ///< "seq":…,"state":…,"counts":…,"best":…
    std::int64_t version = 0;
    Seq known_from = 0;      ///< Of records after this one it is known what they touched.
    std::deque<Touched> touched;
    std::size_t remembered = 0;
    bool gone = false;
  };

  void run();
  void look();
  std::string state_of(const StoreReader&, const Pulse&);
  void tell_of(const StoreReader&, const Pulse&, const std::string& state, Seq before);

  Site& site_;
  std::mutex mutex_;
  std::condition_variable someone_;
  bool ending_ = false;
  std::set<Follower*> followers_;
  std::map<std::string, Topic> topics_;
  std::string list_;  // The newest `experiments` event.
  std::int64_t list_version_ = 0;
  int looks_ = 0;
  std::thread thread_;
};

}  // namespace tune
