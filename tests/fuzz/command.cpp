// SPDX-License-Identifier: Apache-2.0
// Lines as a command's elements, filled in with awkward values: no value ever becomes more than one argument.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/command.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const tune::Space space = [] {
    tune::Dimension number, text;
    number.name = "lr";
    number.max = 1;
    text.name = "opt.name";
    text.kind = tune::Dimension::Kind::choice;
    text.values = {std::string{"a b"}, std::string{"-rf '$(x)' \"\n;*"}};
    return std::move(*tune::Space::make({number, text}));
  }();
  const std::string all{reinterpret_cast<const char*>(bytes), size};
  std::vector<std::string> argv(1);
  for (const char c : all) {
    if (c == '\n') {
      argv.emplace_back();
    } else {
      argv.back() += c;
    }
  }
  const auto parsed = tune::Command::parse(argv, space);
  if (parsed.has_value() != tune::Command::check(argv, space).empty()) std::abort();
  if (!parsed) return 0;
  const tune::Params params{{"lr", 0.5}, {"opt.name", std::string{"-rf '$(x)' \"\n;*"}}};
  const tune::Command::Attempt attempt{.params = params, .id = "a/1", .number = 1, .attempt = 1, .folder = "/f", .params_file = "/p",
                                       .checkpoint = "", .cpus = 1, .gpus = {}, .seed = 7};
  const auto expanded = parsed->expand(attempt);
  if (!expanded) return 0;
  // ${args:space} gives two arguments a parameter; everything else at most one each.
  if (expanded->size() > argv.size() * 4) std::abort();
  return 0;
}
