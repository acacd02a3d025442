// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/init.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "tuner/json.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr std::string_view kCommandConfig = R"json({
  // Any program: its arguments come from ${…}, its result from what it prints.
  "command": ["./objective.sh", "${x}", "${y}"],
  "params": {
    "x": {"type": "uniform", "min": -5, "max": 5},
    "y": {"type": "uniform", "min": -5, "max": 5}
  },
  "objective": {"metric": "loss", "goal": "minimize"},
  // Programs that cannot be changed: read the number from their output instead.
  // "report": {"regex": {"loss": "loss = ([0-9.eE+-]+)"}},
  "stop": {"trials": 50}
}
)json";

constexpr std::string_view kCommandProgram = R"sh(#!/bin/sh
# Himmelblau's function. A line that begins with "::tune " reports to tune.
awk -v x="$1" -v y="$2" 'BEGIN { printf "::tune {\"loss\": %.9g}\n", (x*x+y-11)^2 + (x+y*y-7)^2 }'
)sh";

constexpr std::string_view kPythonConfig = R"json({
  // A Python program that reports after every step and is stopped early when others do better.
  "command": ["python3", "train.py"],
  "params": {
    "lr": {"type": "loguniform", "min": 1e-4, "max": 1},
    "optimizer": ["sgd", "momentum"],
    "beta": {"type": "uniform", "min": 0, "max": 0.99, "when": {"optimizer": "momentum"}}
  },
  "objective": {"metric": "loss", "goal": "minimize", "reduce": "last"},
  "scheduler": {"type": "asha", "mode": "stop", "min_step": 1, "max_step": 27, "eta": 3},
  "stop": {"trials": 40}
}
)json";

constexpr std::string_view kPythonProgram = R"py(#!/usr/bin/env python3
"""Gradient descent on a badly scaled bowl. Works by hand too: without tune it uses the defaults and prints."""
import json
import os
import socket

params = {"lr": 0.1, "optimizer": "sgd", "beta": 0.9}
if "TUNE_PARAMS" in os.environ:
    with open(os.environ["TUNE_PARAMS"]) as file:
        params = json.load(file)
line = socket.socket(fileno=int(os.environ["TUNE_FD"])).makefile("rw") if "TUNE_FD" in os.environ else None

x, y, vx, vy = 4.0, -3.0, 0.0, 0.0
beta = params.get("beta", 0.0)
for step in range(1, 28):
    vx, vy = beta * vx + 2 * x, beta * vy + 20 * y
    x, y = x - params["lr"] * vx, y - params["lr"] * vy
    loss = x * x + 10 * y * y
    if line is None:
        print(step, loss)
        continue
    print(json.dumps({"step": step, "loss": loss, "sync": True}), file=line, flush=True)
    answer = line.readline()
    if not answer or json.loads(answer).get("cmd") == "stop":
        break
)py";

constexpr std::string_view kCppConfig = R"json({
  // A C++ function in a plug-in: see bowl.cpp.
  "trainable": {"name": "bowl", "plugin": "libbowl.so"},
  "params": {
    "rate": {"type": "loguniform", "min": 1e-4, "max": 1},
    "width": {"type": "logint", "min": 4, "max": 256}
  },
  "objective": {"metric": "loss", "goal": "minimize"},
  "scheduler": {"type": "asha", "mode": "stop", "min_step": 1, "max_step": 27, "eta": 3},
  "stop": {"trials": 60}
}
)json";

constexpr std::string_view kCppProgram = R"cpp(// Build it with tune's headers: c++ -std=c++20 -shared -fPIC bowl.cpp -o
                                               // libbowl.so
#include <cmath>

#include "tuner/trainable.hpp"

                                               extern "C" void tune_plugin() {
                                                 tune::register_trainable("bowl", [](tune::Session& session) {
                                                   double x = 4;
                                                   const double rate = session.number("rate"),
                                                                width = static_cast<double>(session.integer("width"));
                                                   for (int step = 1; step <= 27; ++step) {
                                                     x -= rate * 2 * x * width / 16;
                                                     if (!session.report(step, {{"loss", x * x + std::log(width)}}))
                                                       return;  // Stopped: others do better.
                                                   }
                                                 });
                                               }
)cpp";

// --- guessing a space from a command line
// -----------------------------------------------------------------------------

// Splits as a POSIX shell does, without expanding anything.
Result<std::vector<std::string>> split(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  bool begun = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' || c == '\t' || c == '\n') {
      if (begun) out.push_back(std::move(word));
      word.clear(), begun = false;
    } else if (c == '\'' || c == '"') {
      const auto open = i++;
      for (; i < line.size() && line[i] != c; ++i) {
        if (c == '"' && line[i] == '\\' && i + 1 < line.size()) ++i;
        word += line[i];
      }
      if (i == line.size())
        return Error{Error::Code::invalid, "the quote at character " + std::to_string(open + 1) + " has no end", ""};
      begun = true;
    } else {
      if (c == '\\' && i + 1 < line.size()) ++i;
      word += line[i];
      begun = true;
    }
  }
  if (begun) out.push_back(std::move(word));
  return out;
}

std::optional<double> as_number(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size() && std::isfinite(value) ? std::optional{value}
                                                                                       : std::nullopt;
}

std::optional<std::int64_t> as_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  return ec == std::errc{} && end == text.data() + text.size() && value >= -most && value <= most ? std::optional{value}
                                                                                                  : std::nullopt;
}

bool mentions(std::string_view name, std::initializer_list<std::string_view> words) {
  std::string lower;
  for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::any_of(words.begin(), words.end(), [&](auto w) { return lower.find(w) != std::string::npos; });
}

struct Guess {
  std::string name, json, point;  // The parameter, its definition and the value it had.
};

std::string object(std::string_view type, std::string_view min, std::string_view max) {
  return "{\"type\": \"" + std::string{type} + "\", \"min\": " + std::string{min} + ", \"max\": " + std::string{max} +
         "}";
}

Guess guess_integer(std::string name, std::int64_t v) {
  const auto text = [](std::int64_t i) { return std::to_string(i); };
  if (v >= 8 && (v & (v - 1)) == 0) {
    return {std::move(name),
            "{\"type\": \"ordinal\", \"values\": [" + text(v / 4) + ", " + text(v / 2) + ", " + text(v) + ", " +
                text(2 * v) + ", " + text(4 * v) + "]}",
            text(v)};
  }
  if (v >= 20)
    return {std::move(name), object("logint", text(std::max<std::int64_t>(1, v / 10)), text(v * 10)), text(v)};
  if (v >= 1) return {std::move(name), object("int", "1", text(std::max<std::int64_t>(4, 3 * v))), text(v)};
  return {std::move(name), object("int", text(v - 5), text(v + 5)), text(v)};
}

Guess guess_number(std::string name, double v, std::string_view as_written) {
  const bool share = v >= 0 && v < 1;
  if (share && mentions(name, {"drop", "moment", "beta", "prob", "ratio", "fraction", "gamma", "subsample"}))
    return {std::move(name), object("uniform", "0", v < 0.9 ? "0.9" : "0.9999"), std::string{as_written}};
  const bool scale =
      v > 0 &&
      (v < 0.05 || mentions(name, {"lr", "rate", "decay", "lambda", "alpha", "eps", "reg", "temp", "l1", "l2"}));
  if (scale) return {std::move(name), object("loguniform", to_text(v / 100), to_text(v * 100)), to_text(v)};
  if (v > 0) return {std::move(name), object("uniform", "0", to_text(2 * v)), to_text(v)};
  return {std::move(name), object("uniform", to_text(v - 1), to_text(v + 1)), to_text(v)};
}

// Not everything that is a number wants tuning.
std::optional<Guess> guess(std::string name, std::string_view text) {
  if (mentions(name, {"seed", "epoch", "iter", "port", "worker", "thread", "device", "gpu", "rank", "step", "log",
                      "num_job", "version"}) &&
      !mentions(name, {"step_size", "stepsize", "logit", "log_"}))
    return std::nullopt;
  if (text == "true" || text == "false") return Guess{std::move(name), "{\"type\": \"bool\"}", std::string{text}};
  if (const auto i = as_integer(text)) return guess_integer(std::move(name), *i);
  if (const auto d = as_number(text)) return guess_number(std::move(name), *d, to_text(*d));
  return std::nullopt;
}

// "--learning-rate" to "learning-rate"; what no parameter may be called is spelt with _. Empty: no name in it.
std::string name_of(std::string_view flag) {
  while (flag.starts_with('-') || flag.starts_with('+')) flag.remove_prefix(1);
  std::string out;
  for (const char c : flag) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool other = (c >= '0' && c <= '9') || c == '-' || (c == '.' && !out.empty() && out.back() != '.');
    if (out.empty() && !letter) return "";
    out += letter || other ? c : '_';
  }
  while (out.ends_with('.')) out.pop_back();
  return out.size() <= 128 ? out : "";
}

std::string json_text(std::string_view text) {
  std::string out;
  JsonWriter{out}.value(text);
  return out;
}

// A dollar sign of the person's command is meant as one.
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '$' ? "$$" : std::string(1, c);
  return out;
}

struct Guesser {
  std::vector<std::string> argv;  // Elements of the command, as templates.
  std::vector<Guess> guesses;

  // True if `flag` with `text` became a parameter; `before` is what stands in front of the value.
  bool take(std::string_view flag, std::string_view text, std::string_view before) {
    auto name = name_of(flag);
    if (name.empty() || is_taken(name)) return false;
    auto found = guess(name, text);
    if (!found) return false;
    argv.push_back(literal(before) + "${" + name + "}");
    guesses.push_back(std::move(*found));
    return true;
  }

  // Equal in the environment or nested in one another would be refused.
  bool is_taken(std::string_view name) const {
    const auto folded = [](std::string_view s) {
      std::string out;
      for (const char c : s)
        out += (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : (c == '-' || c == '.') ? '_' : c;
      return out + "_";
    };
    return std::any_of(guesses.begin(), guesses.end(), [&](const Guess& g) {
      const auto a = folded(g.name), b = folded(name);
      return a.starts_with(b) || b.starts_with(a);
    });
  }

  void read(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::string& w = words[i];
      const auto equals = w.find('=');
      if (i > 0 && equals != std::string::npos && equals > 0 &&
          take(w.substr(0, equals), w.substr(equals + 1), w.substr(0, equals + 1)))
        continue;
      const bool flag = i > 0 && w.size() > 1 && w[0] == '-' && !as_number(w) && equals == std::string::npos;
      argv.push_back(literal(w));
      if (flag && i + 1 < words.size() && take(w, words[i + 1], "")) ++i;
    }
  }

  std::string config() const {
    std::string command, params, point;
    for (const auto& a : argv) command += (command.empty() ? "" : ", ") + json_text(a);
    for (const auto& g : guesses) {
      params += (params.empty() ? "" : ",\n") + std::string{"    "} + json_text(g.name) + ": " + g.json;
      point += (point.empty() ? "" : ", ") + json_text(g.name) + ": " + g.point;
    }
    return "{\n  // Guessed from the command line: look at the ranges, they are what matters most.\n  \"command\": [" +
           command + "],\n  \"params\": {\n" + params +
           "\n  },\n"
           "  // The name of the number that the program reports, and which way is better.\n"
           "  \"objective\": {\"metric\": \"loss\", \"goal\": \"minimize\"},\n"
           "  // How it is read from the output; a program may also print lines ::tune {\"loss\": 0.5}\n"
           "  \"report\": {\"regex\": {\"loss\": \"loss\\\\s*[:=]\\\\s*([-+0-9.eE]+)\"}},\n"
           "  // What you use now is tried first.\n"
           "  \"points\": [{" +
           point +
           "}],\n"
           "  \"stop\": {\"trials\": 50}\n}\n";
  }
};

}  // namespace

std::vector<InitTemplate> init_templates() {
  return {{"command", "any program, by its arguments and what it prints"},
          {"python", "a Python program that reports every step and is stopped early"},
          {"cpp", "a C++ function in a plug-in"}};
}

Result<std::vector<InitFile>> init_template(std::string_view name) {
  if (name == "command")
    return std::vector<InitFile>{{"config.json", std::string{kCommandConfig}},
                                 {"objective.sh", std::string{kCommandProgram}, true}};
  if (name == "python")
    return std::vector<InitFile>{{"config.json", std::string{kPythonConfig}},
                                 {"train.py", std::string{kPythonProgram}, true}};
  if (name == "cpp")
    return std::vector<InitFile>{{"config.json", std::string{kCppConfig}}, {"bowl.cpp", std::string{kCppProgram}}};
  std::string list;
  for (const auto& t : init_templates()) list += (list.empty() ? "" : ", ") + std::string{t.name};
  return Error{Error::Code::not_found, "there is no template `" + printable(name) + "`", "there are " + list};
}

Result<std::vector<InitFile>> init_from(std::string_view command_line) {
  auto words = split(command_line);
  if (!words) return words.error();
  Guesser guesser;
  guesser.read(*words);
  if (guesser.guesses.empty())
    return Error{Error::Code::invalid, "no number to tune was found in `" + printable(command_line) + "`",
                 "write it as you would start it: \"./prog --lr 0.1 --width=64\""};
  return std::vector<InitFile>{{"config.json", guesser.config()}};
}

}  // namespace tune
