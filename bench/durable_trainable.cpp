// SPDX-License-Identifier: Apache-2.0
// C++ trials that report once, in process, with the durable store, beside raw SQLite inserts of the very rows that they left
// (facts, reports, trials, parameters; prepared statements, as many rows a commit as the sweep had). Also what each trial
// adds to the memory of the process between the tenth and the last part of the experiment (R9).
//   bench_durable_trainable [ROUNDS] [TRIALS] [THREADS]
#include <sqlite3.h>

#include "bench/support.hpp"
#include "tuner/trainable.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

std::string config(long trials, int threads) {
  return R"({"name": "nothing", "trainable": {"name": "nothing"},
    "params": {"a": {"type": "uniform", "min": 0, "max": 1}, "b": {"type": "uniform", "min": 0, "max": 1},
               "c": {"type": "uniform", "min": 0, "max": 1}, "d": {"type": "uniform", "min": 0, "max": 1}},
    "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"}, "scheduler": {"type": "fifo"},
    "executor": {"type": "thread", "parallel": )" + std::to_string(threads) + R"(}, "stop": {"trials": )" + std::to_string(trials) + "}}";
}

class Counter final : public Watcher {
 public:
  explicit Counter(long trials) : tenth_(trials / 10) {}
  void on_durable(const Record& r, const History&) override {
    if (r.as<Settle>() && ++settled_ == tenth_) at_tenth = memory_kib("VmRSS:");
  }
  void on_turn(const Turn& t, const History&) override { commits += t.commit_seconds.has_value(); }
  long at_tenth = 0, commits = 0;

 private:
  long tenth_, settled_ = 0;
};

void must(int code, sqlite3* db) {
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) std::fprintf(stderr, "%s\n", sqlite3_errmsg(db)), std::exit(1);
}

/// Copies the rows of `from` into a new file of the same schema; rows a second.
double raw(const std::string& from, const std::string& to, long rows_a_commit, long& rows) {
  sqlite3 *in = nullptr, *out = nullptr;
  must(sqlite3_open_v2(from.c_str(), &in, SQLITE_OPEN_READONLY, nullptr), in);
  must(sqlite3_open(to.c_str(), &out), out);
  must(sqlite3_exec(out, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;", nullptr, nullptr, nullptr), out);
  const auto schema = [](void* db, int, char** sql, char**) { return sqlite3_exec(static_cast<sqlite3*>(db), sql[0], nullptr, nullptr, nullptr); };
  must(sqlite3_exec(in, "SELECT sql FROM sqlite_schema WHERE type='table' OR (type='index' AND sql IS NOT NULL)", schema, out, nullptr), in);

  struct Table {
    sqlite3_stmt* insert = nullptr;
    std::vector<std::vector<sqlite3_value*>> rows;
  };
  std::vector<Table> tables;
  for (const std::string name : {"facts", "reports", "trials", "params"}) {
    Table t;
    sqlite3_stmt* select = nullptr;
    must(sqlite3_prepare_v2(in, ("SELECT * FROM " + name).c_str(), -1, &select, nullptr), in);
    std::string columns, marks;
    std::vector<int> stored;
    for (int c = 0; c < sqlite3_column_count(select); ++c) {
      const std::string column = sqlite3_column_name(select, c);
      if (name != "experiments" && (column == "experiment" || column == "seq" || column == "number")) continue;  // Generated.
      stored.push_back(c);
      columns += (columns.empty() ? "" : ",") + column;
      marks += marks.empty() ? "?" : ",?";
    }
    must(sqlite3_prepare_v2(out, ("INSERT INTO " + name + "(" + columns + ") VALUES(" + marks + ")").c_str(), -1, &t.insert, nullptr), out);
    while (sqlite3_step(select) == SQLITE_ROW) {
      auto& row = t.rows.emplace_back();
      for (const int c : stored) row.push_back(sqlite3_value_dup(sqlite3_column_value(select, c)));
    }
    rows += static_cast<long>(t.rows.size());
    sqlite3_finalize(select);
    tables.push_back(std::move(t));
  }

  // In the proportion in which the sweep wrote them, so that all trees grow together.
  const double began = now();
  long done = 0;
  must(sqlite3_exec(out, "BEGIN", nullptr, nullptr, nullptr), out);
  const auto parts = static_cast<std::size_t>(std::max(1L, rows / 50));
  for (std::size_t part = 0; part < parts; ++part)
    for (auto& t : tables)
      for (std::size_t i = t.rows.size() * part / parts; i < t.rows.size() * (part + 1) / parts; ++i) {
        int at = 0;
        for (auto* value : t.rows[i]) sqlite3_bind_value(t.insert, ++at, value);
        must(sqlite3_step(t.insert), out);
        sqlite3_reset(t.insert);
        if (++done % rows_a_commit == 0) must(sqlite3_exec(out, "COMMIT; BEGIN", nullptr, nullptr, nullptr), out);
      }
  must(sqlite3_exec(out, "COMMIT", nullptr, nullptr, nullptr), out);
  const double took = now() - began;
  for (auto& t : tables) {
    for (auto& row : t.rows)
      for (auto* value : row) sqlite3_value_free(value);
    sqlite3_finalize(t.insert);
  }
  sqlite3_close(in);
  sqlite3_close(out);
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5;
  const long trials = argc > 2 ? std::atol(argv[2]) : 20'000;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  register_trainable("nothing", [](Session& s) { s.report(1, {{"loss", s.number("a")}}); });
  Folder folder;
  std::vector<double> rates, ratios;
  for (int r = 0; r < rounds; ++r) {
    const std::string store = folder / ("trainable-" + std::to_string(r) + ".db");
    Counter counter{trials};
    double took = 0;
    long grown = 0;
    {
      const auto sweep = open(config(trials, threads), store, {&counter});
      const double began = now();
      run(*sweep);
      took = now() - began;
      grown = memory_kib("VmRSS:") - counter.at_tenth;
    }
    long rows = 0;
    const double raw_took = raw(store, folder / ("raw-" + std::to_string(r) + ".db"), 1000, rows);
    rates.push_back(static_cast<double>(trials) / took);
    ratios.push_back(raw_took / took);
    std::printf("round %d: %.0f trials/s, %ld rows in %.2f s; raw inserts of them, 1000 a commit, %.2f s: ratio %.2f; %.2f KiB a trial more\n",
                r + 1, rates.back(), rows, took, raw_took, ratios.back(), static_cast<double>(grown) / (0.9 * static_cast<double>(trials)));
  }
  std::printf("median: %.0f trials/s, ratio to raw inserts %.2f\n", median(rates), median(ratios));
}
