// SPDX-License-Identifier: Apache-2.0
#include "tuner/options.hpp"

#include <utility>

#include "tuner/json_document.hpp"
#include "tuner/units.hpp"

namespace tune {

std::string text_option(const Params& options, std::string_view name, std::string fallback) {
  const Value* value = options.find(name);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  return text ? *text : std::move(fallback);
}

double number_option(const Params& options, std::string_view name, double fallback) {
  const Value* value = options.find(name);
  return value ? to_number(*value).value_or(fallback) : fallback;
}

Duration duration_option(const Params& options, std::string_view name, Duration fallback) {
  return parse_duration(text_option(options, name)).value_or(fallback);
}

bool flag_option(const Params& options, std::string_view name) {
  const Value* value = options.find(name);
  const auto* flag = value ? std::get_if<bool>(value) : nullptr;
  return flag && *flag;
}

std::vector<std::string> list_option(const Params& options, std::string_view name) {
  std::vector<std::string> texts;
  const auto list = parse_json(text_option(options, name), 0, [](const JsonFault&) {});
  if (list)
    for (const auto& item : list->items) texts.push_back(item.text);
  return texts;
}

}  // namespace tune
