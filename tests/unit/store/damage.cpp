// SPDX-License-Identifier: Apache-2.0
// Files that are not what they should be, disks that are full, files that go while in use.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

#include "store/sqlite/database.hpp"
#include "store/sqlite/fsck.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"
#include "tuner/rng.hpp"

using namespace tune;
using namespace tune::test;

namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A store at `path` with `turns` batches of 8 reports, closed.
void make_store(const std::string& path, int turns = 20) {
  auto store = SqliteStore::open(path, "e", {.create = true});
  REQUIRE(store);
  Journal journal;
  REQUIRE((*store)->append(batch({journal.observe(Configured{"{}", "", "", ""}), journal.observe(Opened{})})));
  for (int turn = 0; turn < turns; ++turn) REQUIRE((*store)->append(journal.reports(turn, 1, 8)));
  REQUIRE((*store)->flush());
}

/// The error of opening; the file is as it was before.
Error refused(const std::string& path, OpenOptions options = {.create = true}) {
  const auto before = bytes_of(path);
  auto store = SqliteStore::open(path, "e", options);
  REQUIRE_FALSE(store);
  CHECK(bytes_of(path) == before);
  return store.error();
}

void wait_for_trouble(const Store& store) {
  while (!store.trouble()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

}  // namespace

TEST_CASE("a file that is no store of ours is refused and left as it is", "[store][damage]") {
  Scratch folder;
  const std::string path = folder / "a.db";
  SECTION("empty") {
    write_bytes(path, "");
    CHECK(refused(path).message.find("is empty") != std::string::npos);
  }
  SECTION("text") {
    write_bytes(path, std::string(5000, 'x'));
    CHECK(refused(path).message.find("not a SQLite database") != std::string::npos);
    CHECK(StoreReader::open(path).error().code == Error::Code::corrupt);
  }
  SECTION("another program's database") {
    sqlite::Database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE).execute("CREATE TABLE notes(x)");
    CHECK(refused(path).message.find("another program") != std::string::npos);
  }
  SECTION("cut off") {
    make_store(path);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    CHECK(refused(path).code == Error::Code::corrupt);
  }
  SECTION("a folder") {
    std::filesystem::create_directory(path);
    CHECK(SqliteStore::open(path, "e", {.create = true}).error().code == Error::Code::invalid);
    CHECK(StoreReader::open(path).error().message == path + " is a folder and no store");
    CHECK(SqliteStore::make(path).error().code == Error::Code::invalid);
  }
  SECTION("of a newer version") {
    make_store(path);
    sqlite::Database(path, SQLITE_OPEN_READWRITE).execute("PRAGMA user_version=99");
    CHECK(refused(path).message.find("newer tune") != std::string::npos);
    CHECK(SqliteStore::make(path).error().message.find("newer tune") != std::string::npos);
    CHECK(StoreReader::open(path));  // To look at it.
  }
}

TEST_CASE("what is missing is named and not made unless it was asked for", "[store][damage]") {
  Scratch folder;
  CHECK(SqliteStore::open(folder / "a.db", "e").error().code == Error::Code::not_found);
  CHECK_FALSE(std::filesystem::exists(folder / "a.db"));
  CHECK(SqliteStore::open(folder / "no/a.db", "e", {.create = true}).error().message.find("there is no folder") == 0);
  make_store(folder / "a.db", 1);
  CHECK(SqliteStore::open(folder / "a.db", "f").error().code == Error::Code::not_found);
  CHECK(SqliteStore::open(folder / "a.db", "../f", {.create = true}).error().code == Error::Code::invalid);
  CHECK(StoreReader::open(folder / "b.db").error().code == Error::Code::not_found);
}

TEST_CASE("a newer store is only read", "[store][damage]") {
  Scratch folder;
  make_store(folder / "a.db");
  sqlite::Database(folder / "a.db", SQLITE_OPEN_READWRITE).execute("PRAGMA user_version=2");
  CHECK(refused(folder / "a.db").message.find("newer tune") != std::string::npos);
  CHECK(StoreReader::open(folder / "a.db").value()->experiment("e")->last_seq == 162);
}

TEST_CASE("an older store is brought to this version after it was copied", "[store][damage]") {
  Scratch folder;
  const std::string path = folder / "a.db";
  make_store(path);
  {
    sqlite::Database db(path, SQLITE_OPEN_READWRITE);
    for (const char* view :
         {"curves", "trials_wide", "decisions", "rungs", "lineage", "attempts", "checkpoints", "workers", "allocations"})
      db.execute(std::string{"DROP VIEW "} + view);
    db.execute("PRAGMA user_version=0");
  }
  auto store = SqliteStore::open(path, "e");
  REQUIRE(store);
  CHECK(all(**store).size() == 162);
  sqlite::Database now(path, SQLITE_OPEN_READONLY), before(path + ".v0", SQLITE_OPEN_READONLY);
  CHECK(now.integer("PRAGMA user_version") == sqlite::kVersion);
  CHECK(now.integer("SELECT count(*) FROM sqlite_schema WHERE type='view'") == 9);
  CHECK(before.integer("PRAGMA user_version") == 0);
  CHECK(before.integer("SELECT count(*) FROM reports") == 160);
}

TEST_CASE("a journal with a hole or beyond its own end is refused", "[store][damage]") {
  Scratch folder;
  make_store(folder / "a.db");
  const auto sql = GENERATE(as<std::string>{}, "DELETE FROM reports WHERE id=(1<<40|162)",
                            "UPDATE owner SET last_seq=200", "UPDATE owner SET last_seq=3");
  sqlite::Database(folder / "a.db", SQLITE_OPEN_READWRITE).execute(sql);
  CHECK(SqliteStore::open(folder / "a.db", "e").error().code == Error::Code::corrupt);
}

TEST_CASE("reading stops with an error at the first record that is missing or damaged", "[store][damage]") {
  Scratch folder;
  make_store(folder / "a.db");
  const auto sql = GENERATE(as<std::string>{}, "DELETE FROM reports WHERE id=(1<<40|50)",
                            "UPDATE reports SET set_id=77 WHERE id=(1<<40|50)",
                            "UPDATE reports SET constraints='[1,' WHERE id=(1<<40|50)");
  sqlite::Database(folder / "a.db", SQLITE_OPEN_READWRITE).execute(sql);
  auto store = SqliteStore::open(folder / "a.db", "e");
  REQUIRE(store);
  Seq last = 0;
  const auto read = (*store)->read(1, [&](Record&& r) { last = r.seq; });
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Error::Code::corrupt);
  CHECK(read.error().message.find("50") != std::string::npos);
  CHECK(last == 49);
}

TEST_CASE("a -wal file that was lost does not go unnoticed", "[store][damage]") {
  Scratch folder;
  const std::string path = folder / "a.db";
  const pid_t child = ::fork();
  if (child == 0) {
    make_store(path);
    auto store = SqliteStore::open(path, "e");
    Journal journal{2, 162};
    (void)(*store)->append(journal.reports(50, 1, 8)).has_value();
    (void)(*store)->flush().has_value();
    ::kill(::getpid(), SIGKILL);  // Without the checkpoint that closing makes.
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(std::filesystem::remove(path + "-wal"));
  const auto error = SqliteStore::open(path, "e").error();
  CHECK(error.code == Error::Code::corrupt);
  CHECK(error.message.find("170 were acknowledged") != std::string::npos);
  CHECK(error.hint.find("/head") != std::string::npos);
  CHECK_FALSE(fsck(path, "e")->ok());
}

TEST_CASE("bits that flip anywhere never crash us and never lead to records out of order", "[store][damage]") {
  Scratch folder;
  make_store(folder / "golden.db");
  const std::string golden = bytes_of(folder / "golden.db");
  int opened = 0, whole = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Rng rng(7, i);
    auto bytes = golden;
    const auto at = static_cast<std::size_t>(rng.below(bytes.size()));
    if (i % 3 == 0)
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
    else if (i % 3 == 1)
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at / 512 * 512), 512, '\0');
    else
      bytes.resize(at);
    std::filesystem::remove_all(folder.path());
    std::filesystem::create_directory(folder.path());
    write_bytes(folder / "a.db", bytes);
    auto store = SqliteStore::open(folder / "a.db", "e");
    (void)fsck(folder / "a.db", "e").has_value();
    if (!store) continue;
    ++opened;
    Seq last = 0;
    bool ordered = true;
    const auto read = (*store)->read(1, [&](Record&& r) { ordered = ordered && r.seq == ++last; });
    CHECK(ordered);
    whole += read.has_value();
  }
  CHECK(opened > 0);
  CHECK(whole > 0);
}

TEST_CASE("a store that is deleted or replaced in use stops acknowledging", "[store][damage]") {
  Scratch folder;
  const std::string path = folder / "a.db";
  make_store(path);
  make_store(folder / "other.db");
  auto store = SqliteStore::open(path, "e");
  REQUIRE(store);
  SECTION("deleted") { std::filesystem::remove(path); }
  SECTION("replaced") { std::filesystem::rename(folder / "other.db", path); }
  SECTION("its -wal file deleted") { std::filesystem::remove(path + "-wal"); }
  SECTION("its folder renamed") { std::filesystem::rename(folder.path(), folder.path().string() + "-away"); }
  Journal journal{2, 162};
  (void)(*store)->append(journal.reports(77, 1, 4)).has_value();
  CHECK_FALSE((*store)->flush());
  CHECK((*store)->trouble()->code == Error::Code::corrupt);
  CHECK((*store)->durable() == 162);
  CHECK_FALSE((*store)->append(journal.reports(77, 5, 4)));
  store->reset();
  std::filesystem::remove_all(folder.path().string() + "-away");
}

TEST_CASE("an idle owner notices within about a second that its store is gone", "[store][damage]") {
  Scratch folder;
  make_store(folder / "a.db");
  auto store = SqliteStore::open(folder / "a.db", "e");
  std::filesystem::remove(folder / "a.db");
  wait_for_trouble(**store);
  CHECK((*store)->trouble()->code == Error::Code::corrupt);
}

namespace {
/// Appends until nothing fits, gives the room back, and looks whether everything is there.
void fill_and_free(const std::string& path, const std::function<void()>& fill, const std::function<void()>& free) {
  auto store = SqliteStore::open(path, "e", {.create = true});
  REQUIRE(store);
  int heard = 0;
  (*store)->listen([&] { ++heard; });
  Journal journal;
  REQUIRE((*store)->append(journal.reports(0, 1, 100)));
  REQUIRE((*store)->flush());
  for (int round = 0; round < 3; ++round) {
    fill();
    for (int turn = 0; !(*store)->trouble(); ++turn) {
      REQUIRE((*store)->append(journal.reports(1 + round, 1 + 100 * turn, 100)));
      if (turn % 10 == 0) (void)(*store)->flush().has_value();
    }
    const auto trouble = (*store)->trouble();
    const Seq stands_at = (*store)->durable();
    CHECK(trouble->code == Error::Code::io);
    INFO(trouble->message);
    CHECK(trouble->message.find("no room left") == 0);
    REQUIRE((*store)->append(journal.reports(100 + round, 1, 100)));
    CHECK_FALSE((*store)->flush());
    CHECK((*store)->durable() == stands_at);
    free();
    while ((*store)->durable() < journal.last()) std::this_thread::yield();
    CHECK((*store)->flush());
  }
  (*store)->listen(nullptr);
  CHECK(heard >= 6);
  CHECK(static_cast<Seq>(all(**store).size()) == journal.last());
}
}  // namespace

TEST_CASE("when a limit on file sizes is reached nothing is lost, and it goes on when it is lifted",
          "[store][damage]") {
  Scratch folder;
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto limit = [&](rlim_t bytes) {
    const rlimit l{bytes, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &l) == 0);
  };
  const auto wal = [&] { return std::filesystem::file_size(folder / "a.db-wal"); };
  fill_and_free(
      folder / "a.db", [&] { limit(wal() + 200000); }, [&] { limit(before.rlim_cur); });
}

TEST_CASE("when the disk is full nothing is lost, and it goes on when there is room", "[store][damage]") {
  Scratch folder;
  const std::string disk = folder / "disk", ballast = disk + "/ballast";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=8m") != 0) {
    WARN("skipped: a small file system cannot be mounted here: " << std::strerror(errno));
    return;
  }
  struct Unmount {
    const std::string& disk;
    ~Unmount() { ::umount2(disk.c_str(), MNT_DETACH); }
  } unmount{disk};
  fill_and_free(
      disk + "/a.db",
      [&] {
        std::ofstream file(ballast, std::ios::binary);
        const std::string block(4096, 'x');
        while (std::filesystem::space(disk).available > 150000 && file.write(block.data(), 4096).flush()) {}
      },
      [&] { std::filesystem::remove(ballast); });
  const auto report = fsck(disk + "/a.db", "e");
  REQUIRE(report);
  // Nobody proposed the trials of these reports; else all is well.
  for (const auto& finding : report->findings) CHECK(finding.invariant == "trial");
}
