// SPDX-License-Identifier: Apache-2.0
// Who may write: locks, epochs, two owners, several experiments in one file, an owner that is killed.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "store/sqlite/database.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {

std::unique_ptr<SqliteStore> own(const std::string& path, const std::string& name = "e",
                                 OpenOptions options = {.create = true}) {
  auto store = SqliteStore::open(path, name, options);
  INFO((store ? "" : store.error().message));
  REQUIRE(store);
  return std::move(store).value();
}

Error refused(const std::string& path, OpenOptions options = {}) {
  auto store = SqliteStore::open(path, "e", options);
  REQUIRE_FALSE(store);
  return store.error();
}

void wait_for_trouble(const Store& store) {
  while (!store.trouble()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

mode_t mode(const std::string& path) {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777;
}

}  // namespace

TEST_CASE("a second owner is refused and told who the first one is", "[store][owner]") {
  Scratch folder;
  const auto first = own(folder / "a.db");
  const auto error = refused(folder / "a.db");
  CHECK(error.code == Error::Code::conflict);
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  CHECK(error.message.find("pid " + std::to_string(::getpid()) + " on " + host) != std::string::npos);
  CHECK(error.hint.find("--takeover") != std::string::npos);
}

TEST_CASE("the lock ends with its holder", "[store][owner]") {
  Scratch folder;
  own(folder / "a.db").reset();
  CHECK(own(folder / "a.db")->epoch() == 2);
}

TEST_CASE("one name of a file is as good as another", "[store][owner]") {
  Scratch folder;
  const auto first = own(folder / "a.db");
  std::filesystem::create_symlink(folder / "a.db", folder / "b.db");
  CHECK(refused(folder / "b.db").code == Error::Code::conflict);
}

TEST_CASE("after a takeover the former owner writes nothing more and knows why", "[store][owner]") {
  Scratch folder;
  const auto first = own(folder / "a.db");
  Journal one(1);
  REQUIRE(first->append(one.reports(0, 1, 3)));
  REQUIRE(first->flush());
  const auto second = own(folder / "a.db", "e", {.takeover = true});
  CHECK(second->epoch() == 2);
  REQUIRE(first->append(one.reports(0, 4, 3)));
  CHECK_FALSE(first->flush());
  CHECK(first->trouble()->code == Error::Code::conflict);
  CHECK(first->durable() == 3);
  CHECK_FALSE(first->append(one.reports(0, 7, 3)));
  Journal two(2, 3);
  REQUIRE(second->append(two.reports(0, 4, 2)));
  REQUIRE(second->flush());
  CHECK(all(*second).size() == 5);
  // The lock that the former owner gave up is the new one's now.
  while (!StoreReader::open(folder / "a.db").value()->experiment("e")->owned) std::this_thread::yield();
  CHECK(refused(folder / "a.db").code == Error::Code::conflict);
}

TEST_CASE("an idle owner notices that it was fenced off", "[store][owner]") {
  Scratch folder;
  const auto first = own(folder / "a.db");
  const auto second = own(folder / "a.db", "e", {.takeover = true});
  wait_for_trouble(*first);
  CHECK(first->trouble()->code == Error::Code::conflict);
}

TEST_CASE("experiments of one file have owners of their own, who write at the same time", "[store][owner]") {
  Scratch folder;
  const auto a = own(folder / "a.db", "first");
  const auto b = own(folder / "a.db", "second");
  Journal ja, jb;
  for (int turn = 0; turn < 50; ++turn) {
    REQUIRE(a->append(ja.reports(0, 1 + 5 * turn, 5)));
    REQUIRE(b->append(jb.reports(0, 1 + 7 * turn, 7)));
  }
  REQUIRE(a->flush());
  REQUIRE(b->flush());
  CHECK(all(*a).size() == 250);
  CHECK(all(*b).size() == 350);
  CHECK(StoreReader::open(folder / "a.db").value()->experiments()->size() == 2);
}

TEST_CASE("a writer that holds the database is waited for", "[store][owner]") {
  Scratch folder;
  const auto store = own(folder / "a.db");
  sqlite::Database other(folder / "a.db", SQLITE_OPEN_READWRITE);
  other.execute("BEGIN IMMEDIATE");
  Journal journal;
  REQUIRE(store->append(journal.reports(0, 1, 3)));
  wait_for_trouble(*store);
  CHECK(store->trouble()->code == Error::Code::io);
  CHECK(store->trouble()->message.find("locked") != std::string::npos);
  CHECK(store->durable() == 0);
  other.execute("COMMIT");
  while (store->durable() < 3) std::this_thread::yield();
  CHECK(store->flush());
}

TEST_CASE("reading only takes no lock and writes nothing", "[store][owner]") {
  Scratch folder;
  const auto owner = own(folder / "a.db");
  Journal journal;
  REQUIRE(owner->append(journal.reports(0, 1, 3)));
  REQUIRE(owner->flush());
  const auto looker = own(folder / "a.db", "e", {.read_only = true});
  CHECK(all(*looker).size() == 3);
  CHECK_FALSE(looker->append(journal.reports(0, 4, 1)));
  CHECK(refused(folder / "none.db", {.create = true, .read_only = true}).code == Error::Code::not_found);
}

TEST_CASE("only the user can read what is stored", "[store][owner]") {
  Scratch folder;
  ::umask(0);
  const auto store = own(folder / "a.db");
  ::umask(022);
  CHECK(mode(folder / "a.db") == 0600);
  CHECK(mode(folder / "a.db-wal") == 0600);
  CHECK(mode(folder / "a.db.d") == 0700);
  CHECK(mode(store->folder()) == 0700);
  CHECK(mode(store->folder() + "/lock") == 0600);
}

TEST_CASE("what was acknowledged before a kill -9 is there after it", "[store][owner]") {
  Scratch folder;
  const std::string path = folder / "a.db";
  const int kills = GENERATE(range(0, 5));
  INFO(kills);
  int ack[2];
  REQUIRE(::pipe(ack) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = SqliteStore::open(path, "e", {.create = true});
    if (!store) ::_exit(1);
    Journal journal;
    for (std::int64_t turn = 0;; ++turn) {
      if (!(*store)->append(journal.reports(turn % 5, 1 + 8 * (turn / 5), 8))) ::_exit(2);
      const Seq durable = (*store)->durable();
      if (::write(ack[1], &durable, sizeof durable) != sizeof durable) ::_exit(3);
    }
  }
  ::close(ack[1]);
  Seq acknowledged = 0, next = 0;
  for (int i = 0; i < 40 + 400 * kills && ::read(ack[0], &next, sizeof next) == sizeof next; ++i) acknowledged = next;
  ::kill(child, SIGKILL);
  while (::read(ack[0], &next, sizeof next) == sizeof next) acknowledged = next;
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  ::close(ack[0]);

  const auto store = own(path);
  CHECK(store->durable() >= acknowledged);
  const auto records = all(*store);
  CHECK(static_cast<Seq>(records.size()) == store->durable());
  Journal journal{store->epoch(), store->durable()};
  REQUIRE(store->append(journal.reports(9, 1, 1)));
  CHECK(store->flush());
}

TEST_CASE("a report that comes twice is stored once, and its seq is not missing", "[store][owner]") {
  Scratch folder;
  const auto store = own(folder / "a.db");
  Journal journal;
  REQUIRE(store->append(batch({journal.report(0, 1, 0.5), journal.report(0, 1, 0.25), journal.report(0, 2, 0.125)})));
  REQUIRE(store->flush());
  const auto records = all(*store);
  REQUIRE(records.size() == 3);
  CHECK(records[0].as<Reported>()->metrics.values[0] == 0.5);
  REQUIRE(records[1].as<Warned>());
  CHECK(records[1].as<Warned>()->code == "duplicate-report");
  CHECK(records[2].as<Reported>()->seq == 2);
}

TEST_CASE("a lock that a killed tune's child holds until its exec is waited for", "[store][owner]") {
  const Scratch scratch;
  const auto folder = scratch.path().string();
  int looked[2];
  REQUIRE(::pipe(looked) == 0);
  if (const pid_t owner = ::fork(); owner == 0) {
    const auto lock = sqlite::OwnerLock::take(folder);
    if (::fork() == 0) {  // Has the descriptor too, as between fork and exec.
      char end;
      if (::close(looked[1]) == 0 && ::read(looked[0], &end, 1) == 0) ::usleep(200'000);
    }
    ::_exit(lock ? 0 : 1);
  } else {
    int status = -1;
    REQUIRE(::waitpid(owner, &status, 0) == owner);
    REQUIRE(status == 0);
  }
  CHECK(sqlite::OwnerLock::held(folder));
  ::close(looked[0]), ::close(looked[1]);
  CHECK(sqlite::OwnerLock::take(folder));
}
