// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/line_supplies.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "executors/pool/line_mirror.hpp"
#include "tuner/units.hpp"
#include "tuner/value.hpp"

namespace tune {

namespace {

Error about(const std::string& name, Error error) {
  if (error.message.find(name) == std::string::npos) error.message = name + ": " + error.message;
  return error;
}

}  // namespace

LineSupplies::LineSupplies(Line& line, Staging& staging, const Spec& spec, std::vector<SupplyName> supplies, const std::atomic<bool>& ending)
    : line_(line), staging_(staging), supplies_(std::move(supplies)), ending_(ending) {
  for (const auto& [name, input] : spec.inputs)
    if (input.shared) shared_.inputs[name] = input.path;
}

std::string LineSupplies::what() const {
  std::string out;
  for (const auto& supply : supplies_) out += (out.empty() ? "" : ", ") + printable(supply.name) + " (" + bytes_text(supply.bytes) + ")";
  return out;
}

Result<SupplyPlaces> LineSupplies::bring() {
  const std::lock_guard lock(mutex_);
  return bring_all();
}

Result<SupplyPlaces> LineSupplies::bring_all() {
  SupplyPlaces places = shared_;
  std::vector<Staging::Staged> staged;
  const auto fetch = [this](const std::string& path, const std::string& to) {
    if (given_up_) return Result<Done>{Error{Error::Code::unreachable, "nobody waits for it any more", ""}};
    return patiently(ending_, [&] { return line_.fetch(path, to); });
  };
  for (const auto& supply : supplies_) {
    auto brought = staging_.bring(supply.name, supply.hash, fetch);
    if (!brought) return about(supply.name, brought.error());
    constexpr std::string_view kInput = "inputs.";
    (supply.name.starts_with(kInput) ? places.inputs[supply.name.substr(kInput.size())] : places.code) = brought->path;
    staged.push_back(std::move(*brought));
  }
  staged_ = std::move(staged);
  return places;
}

std::string mark_of_checkpoints(const Spec& spec) {
  if (!spec.checkpoint || spec.checkpoint->shared.empty()) return {};
  return spec.checkpoint->shared + "/.mark-" + spec.name;
}

std::string unseen_here(const Spec& spec, const std::string& mark) {
  for (const auto& [name, input] : spec.inputs)
    if (input.shared && ::access(input.path.c_str(), R_OK) != 0) return "inputs." + name + ": " + printable(input.path) + ": " + std::strerror(errno);
  const auto file = mark_of_checkpoints(spec);
  if (file.empty()) return {};
  const auto there = read_whole(file);
  if (!there || *there != mark) return "checkpoint.store: " + printable(spec.checkpoint->shared) + " is not the folder that the coordinator sees";
  if (::access(spec.checkpoint->shared.c_str(), W_OK) != 0) return "checkpoint.store: " + printable(spec.checkpoint->shared) + ": " + std::strerror(errno);
  return {};
}

}  // namespace tune
