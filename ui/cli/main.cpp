// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "ui/cli/verbs.hpp"

int main(int argc, char** argv) { return tune::command_line(std::vector<std::string>(argv + (argc > 0), argv + argc)); }
