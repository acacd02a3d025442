// SPDX-License-Identifier: Apache-2.0
// How fast is the journal? usage: bench_journal [FOLDER] [SECONDS]
//
// Prints durable reports a second with producers that wait for nothing and with producers that wait for each report,
// how long a commit takes, the same rows inserted by plain SQLite at 100 a commit beside it, and how long it takes to
// open and read 100,000 trials with 1,000,000 reports. FOLDER should be on the disk in question; the load on the
// machine matters as much as the disk, so compare ratios and run it more than once.
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite/sqlite_store.hpp"

namespace {

using namespace tune;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(p * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

std::unique_ptr<SqliteStore> open_store(const std::string& path) {
  auto store = SqliteStore::open(path, "bench", {.create = true, .allow_network = true});
  if (!store) std::fprintf(stderr, "%s\n", store.error().message.c_str()), std::exit(1);
  return std::move(store).value();
}

/// Makes records in order; the caller holds the lock that keeps the order.
class Source {
 public:
  explicit Source(std::int64_t epoch) : epoch_(epoch) {}
  Record report(std::int64_t trial, std::int64_t n) {
    Metrics metrics;
    metrics.names = names_;
    metrics.values = {1.0 / static_cast<double>(n), 0.5 + 1e-6 * static_cast<double>(seq_), 1234.5};
    return record(Observation{Reported{{trial}, 1, n, n, std::move(metrics), {}, {}, false}});
  }
  Record record(std::variant<Observation, Decided> fact) {
    ++seq_;
    return {seq_, {1.7e9 + 1e-4 * static_cast<double>(seq_)}, epoch_, std::move(fact)};
  }
  Seq last() const { return seq_; }

 private:
  std::int64_t epoch_;
  Seq seq_ = 0;
  std::shared_ptr<const std::vector<std::string>> names_ = std::make_shared<const std::vector<std::string>>(
      std::vector<std::string>{"loss", "accuracy", "examples_per_second"});
};

TrialRow row(std::int64_t trial, std::int64_t reports) {
  TrialRow r;
  r.id = {trial}, r.state = TrialState::running, r.attempt = 1, r.reports = reports, r.last_step = reports,
  r.value = 0.5;
  return r;
}

/// Eight trials report through one loop's lock, `turn` reports a batch; each waits until it is durable if `wait`.
void durable_reports(const std::string& path, double seconds, int turn, bool wait) {
  auto store = open_store(path);
  Source source(store->epoch());
  std::mutex order;
  std::atomic<Seq> durable{0};
  std::vector<double> commits;
  Clock::time_point last = Clock::now();
  store->listen([&] {
    commits.push_back(seconds_since(last) * 1e3);
    last = Clock::now();
    durable.store(store->durable(), std::memory_order_release);
    durable.notify_all();
  });
  std::atomic<bool> go{true};
  std::vector<std::thread> producers;
  const auto began = Clock::now();
  for (std::int64_t trial = 0; trial < 8; ++trial)
    producers.emplace_back([&, trial] {
      for (std::int64_t n = 1; go; n += turn) {
        auto batch = std::make_shared<Batch>();
        Seq mine = 0;
        {
          const std::lock_guard guard(order);
          for (int i = 0; i < turn; ++i) batch->records.push_back(source.report(trial, n + i));
          batch->trials.push_back(row(trial, n + turn));
          mine = source.last();
          if (!store->append(std::move(batch))) std::exit(1);
        }
        for (Seq d = durable.load(std::memory_order_acquire); wait && d < mine;
             d = durable.load(std::memory_order_acquire))
          durable.wait(d);
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  go = false;
  for (auto& p : producers) p.join();
  if (!store->flush()) std::exit(1);
  const double took = seconds_since(began);
  store->listen(nullptr);
  std::printf("durable, 8 trials, %4d a turn, %s: %9.0f reports/s, %6zu commits, %.2f ms at the median, %.2f at p99\n",
              turn, wait ? "each waits" : "none waits", static_cast<double>(source.last()) / took, commits.size(),
              percentile(commits, 0.5), percentile(commits, 0.99));
}

/// The same rows by a loop around sqlite3_step, `rows` a commit, synchronous=FULL.
void raw_inserts(const std::string& path, double seconds, int rows) {
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r(id INTEGER PRIMARY KEY, trial, "
               "attempt, n, step, at, m0, m1, m2);"
               "CREATE UNIQUE INDEX i ON r(trial, attempt, n)",
               nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO r VALUES(?,?,?,?,?,?,?,?,?)", -1, &insert, nullptr);
  std::int64_t done = 0;
  const auto began = Clock::now();
  while (seconds_since(began) < seconds) {
    sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
    for (int i = 0; i < rows; ++i, ++done) {
      for (int c = 1; c <= 5; ++c)
        sqlite3_bind_int64(insert, c, c == 1 ? done + 1 : c == 2 ? done % 8 : c == 3 ? 1 : done / 8 + 1);
      for (int c = 6; c <= 9; ++c) sqlite3_bind_double(insert, c, 0.25 * c);
      if (sqlite3_step(insert) != SQLITE_DONE) std::fprintf(stderr, "%s\n", sqlite3_errmsg(db)), std::exit(1);
      sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  }
  std::printf("plain SQLite, %4d rows a commit:        %9.0f rows/s\n", rows,
              static_cast<double>(done) / seconds_since(began));
  sqlite3_finalize(insert);
  sqlite3_close(db);
}

void fill(const std::string& path, std::int64_t trials, std::int64_t each) {
  auto store = open_store(path);
  Source source(store->epoch());
  for (std::int64_t t = 0; t < trials; ++t) {
    auto batch = std::make_shared<Batch>();
    const auto decide = [&](Decision d) {
      batch->records.push_back(
          source.record(Decided{std::move(d), {source.last(), "tpe", "the next proposal", R"({"draw":1})"}}));
    };
    const double x = static_cast<double>(t) / static_cast<double>(trials);
    decide(Propose{{t},
                   {{"lr", 1e-4 + x}, {"units", t % 64}, {"optimizer", "adam"}},
                   "sampler",
                   "tpe",
                   source.last(),
                   0.001,
                   {},
                   {},
                   0,
                   0});
    decide(Launch{{t}, 1, Form::fresh, {Seat{{0}, 1, 0, {}, 1, {}}}, kNoStep, {}, {}, {}, false});
    batch->records.push_back(source.record(Observation{Started{{t}, 1, 0, {0}, 4242}}));
    for (std::int64_t n = 1; n <= each; ++n) batch->records.push_back(source.report(t, n));
    batch->records.push_back(
        source.record(Observation{Exited{{t}, 1, Cause::done, 0, {}, 0, {12.5, 11.0, 1 << 28}, each, ""}}));
    decide(Settle{{t}, TrialState::complete, Cause::done, {0.1}, true, each});
    batch->trials.push_back(row(t, each));
    if (!store->append(std::move(batch))) std::exit(1);
  }
  if (!store->flush()) std::exit(1);
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void open_and_read(const std::string& path) {
  const long before = peak_kib();
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  auto store = open_store(path);
  const double opened = seconds_since(began);
  std::int64_t facts = 0, reports = 0;
  if (!store->read(1, [&](Record&& r) { ++(r.as<Reported>() ? reports : facts); })) std::exit(1);
  std::printf(
      "open %.3f s, read %lld facts and %lld reports: %.3f s altogether (%.3f s of CPU), peak memory grew by %.1f MB, "
      "file %.1f MB\n",
      opened, static_cast<long long>(facts), static_cast<long long>(reports), seconds_since(began), cpu_seconds() - cpu,
      static_cast<double>(peak_kib() - before) / 1024, static_cast<double>(std::filesystem::file_size(path)) / 1e6);
}

}  // namespace

int main(int count, char** words) {
  const std::filesystem::path folder = std::filesystem::path(count > 1 ? words[1] : ".") / "bench-journal";
  const double seconds = count > 2 ? std::atof(words[2]) : 2;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  // Opening comes first and a child fills the file, so that its memory is not hidden below what others had used.
  const std::string big = folder / "big.db";
  if (const pid_t child = ::fork(); child == 0)
    fill(big, 100000, 10), std::_Exit(0);
  else
    ::waitpid(child, nullptr, 0);
  open_and_read(big);
  open_and_read(big);
  durable_reports(folder / "a.db", seconds, 256, false);
  durable_reports(folder / "b.db", seconds, 16, false);
  durable_reports(folder / "c.db", seconds, 1, true);
  raw_inserts(folder / "raw100.db", seconds, 100);
  raw_inserts(folder / "raw1.db", seconds, 1);
  std::filesystem::remove_all(folder);
}
