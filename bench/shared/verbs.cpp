// SPDX-License-Identifier: Apache-2.0
#include "bench/shared/verbs.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace po = boost::program_options;

namespace tune::bench {
namespace {

int carry_out(const std::string& program, const Verb& verb, int argc, char** argv) {
  auto options = verb.options;
  options.add_options()("help", "this");
  try {
    po::positional_options_description positional;
    if (verb.words) positional.add(verb.words, -1);
    po::variables_map given;
    po::store(po::command_line_parser(argc - 1, argv + 1).options(options).positional(positional).run(), given);
    if (given.count("help")) return std::cout << verb.help << '\n' << options, 0;
    po::notify(given);
    return verb.act(given);
  } catch (const po::error& e) {
    return complain({Error::Code::invalid, e.what(), program + " " + verb.name + " --help"});
  }
}

}  // namespace

int carry_out(const std::string& program, const std::vector<Verb>& verbs, int argc, char** argv) {
  const std::string asked = argc > 1 ? argv[1] : "";
  const auto verb = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& v) { return v.name == asked; });
  if (verb != verbs.end()) return carry_out(program, *verb, argc, argv);
  std::printf("%s VERB --help\n", program.c_str());
  for (const auto& v : verbs) std::printf("  %-8s %s\n", v.name.c_str(), v.help.c_str());
  return asked.empty() || asked == "--help" ? 0 : 2;
}

int complain(const Error& e) {
  std::fprintf(stderr, "error: %s\n", e.message.c_str());
  if (!e.hint.empty()) std::fprintf(stderr, "  = help: %s\n", e.hint.c_str());
  return e.code == Error::Code::invalid ? 2 : 1;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace tune::bench
