// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"
#include "ui/api/policies.hpp"
#include "ui/server/site.hpp"

namespace tune::test {

inline const std::string kConfig = R"({"name":"digits","command":["p","${args}"],
  "params":{"lr":{"type":"loguniform","min":0.001,"max":1},"opt":{"type":"choice","values":["adam","sgd"]},"flag":{"type":"bool"}},
  "objective":{"metric":"loss","goal":"minimize"},"stop":{"trials":10},"env":{"API_KEY":"canary","THREADS":"2"}})";

/// A store with the experiment `digits`: trial 0 complete at 0.5, 1 stopped at 0.25, 2 complete with NaN, 3 queued; and the
/// site that shows it.
struct Served {
  Scratch folder;
  std::string path = folder / "a.db";
  std::unique_ptr<SqliteStore> store;
  Journal journal;
  std::unique_ptr<Site> site;
  std::string token;

  explicit Served(Site::Settings settings = {}) {
    auto opened = SqliteStore::open(path, "digits", {.create = true});
    REQUIRE(opened);
    store = std::move(*opened);
    auto batch = std::make_shared<Batch>();
    batch->records = {journal.observe(Configured{kConfig, "h", "", "me"}), journal.observe(Opened{})};
    for (std::int64_t t = 0; t < 4; ++t) {
      Propose p;
      p.trial = {t}, p.source = "sampler", p.sampler = "random";
      p.params = {{"lr", 0.1 * static_cast<double>(t + 1)}, {"opt", t % 2 ? "sgd" : "adam"}, {"flag", t == 0}};
      batch->records.push_back(journal.decide(p));
      if (t == 3) break;
      Launch l;
      l.trial = {t}, l.attempt = 1;
      batch->records.push_back(journal.decide(l));
      batch->records.push_back(journal.observe(Started{{t}, 1, 0, {0}, 1234}));
      batch->records.push_back(journal.report(t, 1, 0.9));
      batch->records.push_back(journal.report(t, 2, t == 2 ? std::nan("") : 0.5 / static_cast<double>(t + 1)));
      batch->records.push_back(journal.observe(Exited{{t}, 1, Cause::done, 0, {}, 0, {1.5, 1.25, 4096}, 2, ""}));
      batch->records.push_back(journal.decide(Settle{{t}, t == 1 ? TrialState::stopped : TrialState::complete, Cause::done, {}, true, 2},
                                              {1, "asha", "too slow", ""}));
    }
    batch->trials = {row(0, TrialState::complete, 0.5), row(1, TrialState::stopped, 0.25),
                     row(2, TrialState::complete, std::nan("")), row(3, TrialState::queued, {})};
    batch->best = TrialId{1};
    append(batch);
    settings.store = path, settings.address = "127.0.0.1:7740";
    auto made = Site::open(settings);
    REQUIRE(made);
    site = std::move(*made);
    std::ifstream(path + ".d/token") >> token;
  }
  void append(std::shared_ptr<Batch> batch) {
    REQUIRE(store->append(batch));
    REQUIRE(store->flush());
  }

  static TrialRow row(std::int64_t id, TrialState state, std::optional<double> value) {
    TrialRow r;
    r.id = {id}, r.state = state, r.attempt = state == TrialState::queued ? 0 : 1, r.reports = 2, r.last_step = 2;
    r.until_step = kNoStep, r.value = value, r.proposed_at = 1, r.launched_at = r.attempt ? 2 : 0, r.ended_at = is_final(state) ? 3 : 0;
    return r;
  }

  /// A whole request for `target` by somebody who is let in.
  std::string request(const std::string& target, const std::string& more = "", const std::string& method = "GET") const {
    return method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:7740\r\nAuthorization: Bearer " + token + "\r\n" + more + "\r\n";
  }
  std::string get(const std::string& target, const std::string& more = "") { return answers(request(target, more), *site); }
};

inline std::string status(const std::string& answer) { return answer.size() < 12 ? answer : answer.substr(9, 3); }
inline std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace tune::test
