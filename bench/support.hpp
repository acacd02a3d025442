// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tuner/config.hpp"
#include "ui/api/sweep.hpp"

/// What the end-to-end benchmarks share: a folder of their own, a clock, a median, a sweep from a config text.
namespace tune::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v.size() % 2 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}

inline double cpu_seconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  const auto s = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return s(u.ru_utime) + s(u.ru_stime);
}

inline long memory_kib(const char* field) {  // "VmRSS:", "VmHWM:"
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind(field, 0) == 0) return std::atol(line.c_str() + std::char_traits<char>::length(field));
  return 0;
}

/// A new folder below $TMPDIR, kept on disk until the process ends: deleting thousands of files slows the next ones down.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tune-bench-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline Spec spec(const std::string& config) {
  auto read = read_config(config, {catalogue(), "bench.json", "/", {}});
  if (!read.spec) std::fputs(render_text(read.diagnostics).c_str(), stderr), std::exit(2);
  return std::move(*read.spec);
}

inline std::unique_ptr<Sweep> open(const std::string& config, const std::string& store, std::vector<Watcher*> watchers = {}) {
  SweepOptions options;
  options.store = store;
  options.watchers = std::move(watchers);
  auto opened = Sweep::open(spec(config), options);
  if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str()), std::exit(1);
  return std::move(opened).value();
}

inline void run(Sweep& sweep) {
  if (const auto end = sweep.run(); !end) std::fprintf(stderr, "%s\n", end.error().message.c_str()), std::exit(1);
}

}  // namespace tune::bench
