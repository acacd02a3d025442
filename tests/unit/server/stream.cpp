// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <condition_variable>

#include "rig.hpp"
#include "ui/server/news.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A peer that reads when it is told that there is something, and waits for as long as it takes.
class Peer {
 public:
  explicit Peer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
    stream_->start([this] {
      const std::lock_guard lock(mutex_);
      ++woken_;
      changed_.notify_all();
    });
  }
  /// The next event, "" if there is none although the news looked at the store several times.
  std::string read(int looks = 400) {
    for (int i = 0; i < looks; ++i) {
      const auto text = stream_->next();
      if (!text) return "end";
      if (!text->empty() && text->front() != ':') return *text;
      wait();
    }
    return "";
  }

 private:
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return woken_ > 0; });
    woken_ = 0;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int woken_ = 0;
  std::unique_ptr<Stream> stream_;
};

void report(Served& served, std::int64_t trial, std::int64_t n) {
  auto batch = std::make_shared<Batch>();
  batch->records = {served.journal.report(trial, n, 0.1)};
  batch->trials = {Served::row(trial, TrialState::running, 0.1)};
  served.append(batch);
}

}  // namespace

TEST_CASE("who follows an experiment is told how it stands, and then which trials were touched", "[server]") {
  Served served;
  Peer peer(served.site->news().of("digits", 0));
  const auto first = peer.read();
  CHECK_THAT(first, Catch::StartsWith("id: " + std::to_string(served.journal.last()) + "\nevent: change\ndata: {") &&
                        Catch::Contains("\"state\":\"running\"") && Catch::Contains("\"complete\":2") && Catch::EndsWith("\"trials\":null}\n\n"));
  report(served, 3, 1);
  report(served, 1, 3);
  std::string told = peer.read();
  while (told.find("id: " + std::to_string(served.journal.last()) + "\n") == std::string::npos) told += peer.read();
  CHECK((told.find("[1,3]") != std::string::npos || (told.find("[3]") != std::string::npos && told.find("[1]") != std::string::npos)));
}

TEST_CASE("who comes back is told what it missed, or to load everything anew", "[server]") {
  Served served;
  Peer here(served.site->news().of("digits", 0));
  REQUIRE_THAT(here.read(), Catch::Contains("event: change"));
  const auto seen = served.journal.last();
  report(served, 2, 3);
  REQUIRE_THAT(here.read(), Catch::Contains("[2]"));
  Peer back(served.site->news().of("digits", seen));
  CHECK_THAT(back.read(), Catch::Contains("event: change") && Catch::Contains("\"trials\":[2]"));
  Peer late(served.site->news().of("digits", 1));
  CHECK_THAT(late.read(), Catch::Contains("event: resync"));
}

TEST_CASE("the list of experiments is told anew when one of them changes", "[server]") {
  Served served;
  Peer peer(served.site->news().of_all());
  const auto seq = [&] { return "\"seq\":" + std::to_string(served.journal.last()); };
  CHECK_THAT(peer.read(), Catch::StartsWith("event: experiments\n") && Catch::Contains(seq()));
  report(served, 3, 1);
  CHECK_THAT(peer.read(), Catch::Contains(seq()));
}

TEST_CASE("an event is one line of data whatever the experiment holds", "[server]") {
  Served served;
  auto batch = std::make_shared<Batch>();
  batch->records = {served.journal.observe(Annotated{{}, {"a\nevent: evil\ndata: x"}, {}, "b\r\n\r\n", {}, "me"})};
  served.append(batch);
  Peer peer(served.site->news().of("digits", 0));
  const auto text = peer.read();
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK(text.find('\r') == std::string::npos);
}
