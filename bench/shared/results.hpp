// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/value.hpp"

/// Results files, a line of JSON a run, and the Markdown tables that are made of them.
namespace tune::bench {

/// The runs of a file, each line as `read_run` reads it; a missing file has none. A last line that a kill cut short is left
/// out. corrupt: another one is no run, and which.
template <class Run>
Result<std::vector<Run>> read_lines(const std::string& path, Result<Run> (*read_run)(const std::string& line)) {
  std::vector<Run> out;
  std::ifstream file{path};
  std::string line;
  for (int at = 1; std::getline(file, line); ++at) {
    if (file.eof()) break;  // No newline: it was being written.
    auto run = read_run(line);
    if (!run) return Error{Error::Code::corrupt, printable(path) + ":" + std::to_string(at) + ": " + run.error().message, ""};
    out.push_back(std::move(*run));
  }
  return out;
}

/// As printf writes it.
std::string number(double, const char* format = "%.3g");
/// "| a | b |" and a newline.
std::string row(const std::vector<std::string>& cells);
/// The row that names the columns, and the line below it.
std::string heading(const std::vector<std::string>& cells);

}  // namespace tune::bench
