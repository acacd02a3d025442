// SPDX-License-Identifier: Apache-2.0
#include "ui/api/resume.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tune {
namespace {

Error refused(const std::string& what) {
  return {Error::Code::conflict, "[E040] this experiment has trials already, and " + what + ": they would not mean what they meant",
          "`--resume never` begins a new experiment beside it; `--name OTHER` names it"};
}

bool wider(const Dimension& before, const Dimension& after) {
  if (before.kind != after.kind || before.step != after.step || before.mu != after.mu || before.sigma != after.sigma ||
      before.when != after.when)
    return false;
  const auto has = [&](const Value& v) { return std::find(after.values.begin(), after.values.end(), v) != after.values.end(); };
  return after.min <= before.min && after.max >= before.max && std::all_of(before.values.begin(), before.values.end(), has);
}

// Paths of all leaves that differ, in the order of the keys.
void compare(const nlohmann::json& a, const nlohmann::json& b, const std::string& path, std::string& out) {
  if (a == b) return;
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) compare(value, b.contains(key) ? b[key] : nullptr, path.empty() ? key : path + "." + key, out);
    for (const auto& [key, value] : b.items())
      if (!a.contains(key)) compare(nullptr, value, path.empty() ? key : path + "." + key, out);
    return;
  }
  const auto text = [](const nlohmann::json& j) { return j.is_null() ? std::string{"unset"} : j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); };
  if (!out.empty()) out += '\n';
  out += path + ": " + text(a) + " -> " + text(b);
}

}  // namespace

Result<std::string> changes(const Spec& before, const Spec& after) {
  if (before.objectives != after.objectives) return refused("its objective would change");
  if (before.logical_order != after.logical_order || (after.logical_order && before.slots != after.slots))
    return refused("its order would change");
  for (const auto& d : before.space.dimensions()) {
    const auto* now = after.space.find(d.name);
    if (!now) return refused("parameter `" + d.name + "` would be gone");
    if (!wider(d, *now)) return refused("parameter `" + d.name + "` would become narrower or another kind");
  }
  for (const auto& d : after.space.dimensions())
    if (!before.space.find(d.name)) return refused("parameter `" + d.name + "` would be new");
  if (before.replicates != after.replicates) return refused("its replicates would change");
  if (before.warm_start != after.warm_start)
    return refused("`warm_start` would change, which is read only when an experiment begins");
  if (before.space.constraints() != after.space.constraints()) return refused("its constraints would change");
  const auto a = nlohmann::json::parse(before.effective, nullptr, false), b = nlohmann::json::parse(after.effective, nullptr, false);
  std::string text;
  compare(a, b, {}, text);
  return text;
}

}  // namespace tune
