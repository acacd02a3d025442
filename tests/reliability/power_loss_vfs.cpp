// SPDX-License-Identifier: Apache-2.0
#include "reliability/power_loss_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

namespace tune::test {
namespace {

constexpr std::size_t kSector = 512;

struct Recorder {
  std::mutex mutex;
  bool on = false;
  std::vector<FileEvent> events;
  int failing_syncs = 0;
  std::string failing_ending;
} recorder;

std::string base_name(const char* path) {
  const std::string_view whole = path ? path : "";
  return std::string{whole.substr(whole.rfind('/') + 1)};
}

void note(FileEvent event) {
  const std::lock_guard guard(recorder.mutex);
  if (recorder.on) recorder.events.push_back(std::move(event));
}

/// SQLite allocates this; the system's own file lies behind it.
struct File {
  sqlite3_file base;
  std::string* name;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* of(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
sqlite3_file* real(sqlite3_file* f) { return of(f)->real(); }
sqlite3_vfs* system_layer() { return sqlite3_vfs_find("unix"); }

int close_file(sqlite3_file* f) {
  const int code = real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
  delete of(f)->name;
  return code;
}
int write_file(sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
  note({FileEvent::Kind::write, *of(f)->name, at,
        std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(n))});
  return real(f)->pMethods->xWrite(real(f), bytes, n, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  note({FileEvent::Kind::truncate, *of(f)->name, size});
  return real(f)->pMethods->xTruncate(real(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
  {
    const std::lock_guard guard(recorder.mutex);
    if (recorder.failing_syncs > 0 && of(f)->name->ends_with(recorder.failing_ending)) {
      --recorder.failing_syncs;
      errno = EIO;
      return SQLITE_IOERR_FSYNC;
    }
  }
  const int code = real(f)->pMethods->xSync(real(f), flags);
  if (code == SQLITE_OK) note({FileEvent::Kind::sync, *of(f)->name});
  return code;
}

const sqlite3_io_methods kMethods = {
    3,
    close_file,
    [](sqlite3_file* f, void* p, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), p, n, at); },
    write_file,
    truncate_file,
    sync_file,
    [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int page, int size, int extend, void volatile** p) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, p);
    },
    [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    [](sqlite3_file*, sqlite3_int64, int, void** p) {
      return *p = nullptr, SQLITE_OK;
    },  // No memory mapping: writes must pass here.
    [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; }};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* f, int flags, int* out) {
  of(f)->name = new std::string(base_name(path));
  const int code = system_layer()->xOpen(system_layer(), path, real(f), flags, out);
  f->pMethods = code == SQLITE_OK ? &kMethods : nullptr;
  if (code != SQLITE_OK) delete of(f)->name;
  return code;
}

int remove_file(sqlite3_vfs*, const char* path, int sync_folder) {
  note({FileEvent::Kind::remove, base_name(path), sync_folder});
  return system_layer()->xDelete(system_layer(), path, sync_folder);
}

void apply(std::string& file, const FileEvent& e, std::size_t from, std::size_t to) {
  const auto at = static_cast<std::size_t>(e.offset) + from;
  if (file.size() < at + (to - from)) file.resize(at + (to - from));
  file.replace(at, to - from, e.bytes, from, to - from);
}

}  // namespace

void power_loss::install() {
  static sqlite3_vfs layer = [] {
    sqlite3_vfs made = *system_layer();
    made.szOsFile = static_cast<int>(sizeof(File)) + system_layer()->szOsFile;
    made.zName = "power-loss";
    made.pNext = nullptr;
    made.xOpen = open_file;
    made.xDelete = remove_file;
    return made;
  }();
  sqlite3_vfs_register(&layer, 0);
}

void power_loss::record(bool on) {
  const std::lock_guard guard(recorder.mutex);
  recorder.on = on;
  if (on) recorder.events.clear();
}

void power_loss::acknowledge(Seq seq) { note({FileEvent::Kind::acknowledged, "", 0, "", seq}); }

std::vector<FileEvent> power_loss::recording() {
  const std::lock_guard guard(recorder.mutex);
  return recorder.events;
}

void power_loss::fail_syncs(int count, const std::string& ending) {
  const std::lock_guard guard(recorder.mutex);
  recorder.failing_syncs = count, recorder.failing_ending = ending;
}

void Disk::follow(const FileEvent& event) {
  switch (event.kind) {
    case FileEvent::Kind::acknowledged:
      acknowledged_ = std::max(acknowledged_, event.seq);
      return;
    case FileEvent::Kind::sync: {
      // Also makes the name durable: SQLite syncs the folder with the first sync of a new journal or WAL.
      auto& file = synced_[event.file];
      for (const auto& p : pending_) {
        if (p.file != event.file) continue;
        if (p.kind == FileEvent::Kind::write) apply(file, p, 0, p.bytes.size());
        if (p.kind == FileEvent::Kind::truncate) file.resize(static_cast<std::size_t>(p.offset));
      }
      std::erase_if(pending_, [&](const auto& p) { return p.file == event.file; });
      return;
    }
    case FileEvent::Kind::remove:
      if (event.offset != 0) {
        synced_.erase(event.file);
        std::erase_if(pending_, [&](const auto& p) { return p.file == event.file; });
        return;
      }
      [[fallthrough]];
    default:
      pending_.push_back(event);
  }
}

Disk::Files Disk::after_power_loss(Rng& rng) const {
  Files files = synced_;
  std::map<std::string, bool> named;  // Of files that were never synced: did the name reach the folder?
  for (const auto& p : pending_) {
    if (!synced_.contains(p.file) && !named.try_emplace(p.file, rng.below(10) < 7).first->second) continue;
    const auto fate = rng.below(10);
    if (p.kind == FileEvent::Kind::remove) {
      if (fate < 5) files.erase(p.file);
    } else if (p.kind == FileEvent::Kind::truncate) {
      if (fate < 5) files[p.file].resize(static_cast<std::size_t>(p.offset));
    } else if (fate < 4) {
      apply(files[p.file], p, 0, p.bytes.size());
    } else if (fate < 7) {
      const std::size_t sectors = (p.bytes.size() + kSector - 1) / kSector;
      const std::size_t cut = std::min(p.bytes.size(), static_cast<std::size_t>(rng.below(sectors + 1)) * kSector);
      rng.below(2) ? apply(files[p.file], p, 0, cut) : apply(files[p.file], p, cut, p.bytes.size());
    }
  }
  return files;
}

}  // namespace tune::test
