// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/program_options.hpp>
#include <string>
#include <vector>

#include "tuner/result.hpp"

/// What the programs below bench/ that measure search tools have in common.
namespace tune::bench {

/// One thing that a program does: PROGRAM VERB --OPTION…
struct Verb {
  std::string name, help;
  boost::program_options::options_description options;
  int (*act)(const boost::program_options::variables_map&);  ///< Its exit code.
  const char* words = nullptr;  ///< The option that takes the words which follow no option; none: they are refused.
};

/// Does what the command line asks for; without a verb, or with one that is not there, it lists them. The exit code.
int carry_out(const std::string& program, const std::vector<Verb>&, int argc, char** argv);

/// Tells the error on stderr. The exit code: 2 if the command line is to blame, else 1.
int complain(const Error&);

/// "a,b" is a and b; of nothing nothing.
std::vector<std::string> split(const std::string& text);

}  // namespace tune::bench
