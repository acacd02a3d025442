// SPDX-License-Identifier: Apache-2.0
#include "tuner/command.hpp"

#include <algorithm>
#include <array>

#include "tuner/json.hpp"
#include "tuner/nearest.hpp"

namespace tune {

struct Command::Parser {
  const std::vector<std::string>& argv;
  const Space& space;
  const Inputs& inputs;
  std::vector<Element> elements{};
  std::vector<Fault> faults{};

  using Kind = Piece::Kind;
  static constexpr std::string_view kInputs = "inputs.";
  static constexpr std::array<std::pair<std::string_view, Kind>, 12> kBuiltIn{{{"args", Kind::args},
                                                                               {"params_file", Kind::params_file},
                                                                               {"checkpoint", Kind::checkpoint},
                                                                               {"seed", Kind::seed},
                                                                               {"instance", Kind::instance},
                                                                               {"trial.id", Kind::trial_id},
                                                                               {"trial.number", Kind::trial_number},
                                                                               {"trial.dir", Kind::trial_folder},
                                                                               {"trial.attempt", Kind::trial_attempt},
                                                                               {"resources.cpu", Kind::cpus},
                                                                               {"resources.gpu_ids", Kind::gpus},
                                                                               {"args:space", Kind::args_space}}};

  void parse() {
    for (std::size_t i = 0; i < argv.size(); ++i) element(i);
    if (argv.empty() || argv.front().empty())
      faults.push_back({Fault::Kind::empty, 0, 0, 0, "the command begins with the program to start", ""});
  }

  void element(std::size_t index) {
    const std::string& in = argv[index];
    Element out;
    std::string text;
    const auto flush = [&] {
      if (!text.empty()) out.push_back({Kind::text, std::move(text), std::nullopt});
      text.clear();
    };
    const auto fault = [&](Fault::Kind kind, std::size_t begin, std::size_t end, std::string message,
                           std::string hint) {
      faults.push_back({kind, index, begin, end, std::move(message), std::move(hint)});
    };

    if (const auto nul = in.find('\0'); nul != std::string::npos)
      fault(Fault::Kind::nul, nul, nul + 1, "an argument cannot hold a NUL character", "");
    for (std::size_t at = 0; at < in.size();) {
      if (in[at] != '$' || at + 1 == in.size() || (in[at + 1] != '{' && in[at + 1] != '$')) {
        text += in[at++];
      } else if (in[at + 1] == '$') {
        text += '$';
        at += 2;
      } else {
        const auto end = in.find('}', at);
        if (end == std::string::npos) {
          fault(Fault::Kind::malformed, at, in.size(), "this placeholder has no `}`", "write `$$` for a dollar sign");
          break;
        }
        flush();
        auto piece = placeholder(std::string_view{in}.substr(at + 2, end - at - 2),
                                 [&](Fault::Kind kind, std::string message, std::string hint) {
                                   fault(kind, at, end + 1, std::move(message), std::move(hint));
                                 });
        if (piece && fills_element(*piece) && (at > 0 || end + 1 < in.size()))
          fault(Fault::Kind::not_alone, at, end + 1,
                "`" + printable(in.substr(at, end + 1 - at)) +
                    "` stands for several arguments or none, so it must be an element of its own",
                piece->prefix ? "text before the value goes behind the `?`: \"${name?--name=}\"" : "");
        if (piece) out.push_back(std::move(*piece));
        at = end + 1;
      }
    }
    flush();
    elements.push_back(std::move(out));
  }

  static bool fills_element(const Piece& p) {
    return p.prefix || p.kind == Kind::args || p.kind == Kind::args_space || p.kind == Kind::args_override;
  }

  template <class Fail>
  std::optional<Piece> placeholder(std::string_view inside, Fail fail) {
    const auto question = inside.find('?');
    const auto name = inside.substr(0, question);
    std::optional<std::string> prefix;
    if (question != std::string_view::npos) prefix = std::string{inside.substr(question + 1)};

    if (space.find(name)) return Piece{Kind::parameter, std::string{name}, std::move(prefix)};
    const auto* found = std::find_if(kBuiltIn.begin(), kBuiltIn.end(), [&](const auto& b) { return b.first == name; });
    if (found != kBuiltIn.end() || name == "args:override") {
      const Kind kind = found != kBuiltIn.end() ? found->second : Kind::args_override;
      if (prefix && kind != Kind::checkpoint)
        return fail(Fault::Kind::malformed, "`?` is for parameters and for `checkpoint`", ""), std::nullopt;
      return Piece{kind, "", std::move(prefix)};
    }
    if (name.starts_with(kInputs) && inputs.contains(std::string{name.substr(kInputs.size())}))
      return Piece{Kind::input, std::string{name.substr(kInputs.size())}, std::nullopt};
    if (name == "rank")
      return fail(Fault::Kind::later, "`${" + printable(name) + "}` is not served by this version", "each rank finds its number in $RANK"), std::nullopt;

    std::vector<std::string> known{"args:override"};
    for (const auto& d : space.dimensions()) known.push_back(d.name);
    for (const auto& [built_in, kind] : kBuiltIn) known.emplace_back(built_in);
    for (const auto& [input, where] : inputs) known.push_back(std::string{kInputs} + input);
    const auto near = nearest(name, known);
    fail(Fault::Kind::unknown, "`${" + printable(name) + "}` is neither a parameter nor built in",
         near.empty() ? "write `$$` for a dollar sign" : "did you mean `${" + printable(near) + "}`?");
    return std::nullopt;
  }
};

std::vector<Command::Fault> Command::check(const std::vector<std::string>& argv, const Space& space, const Inputs& inputs) {
  Parser parser{argv, space, inputs};
  parser.parse();
  return std::move(parser.faults);
}

Result<Command> Command::parse(const std::vector<std::string>& argv, const Space& space, const Inputs& inputs) {
  Parser parser{argv, space, inputs};
  parser.parse();
  if (!parser.faults.empty())
    return Error{Error::Code::invalid, "command: " + parser.faults.front().message, parser.faults.front().hint};
  Command out;
  out.elements_ = std::move(parser.elements);
  return out;
}

std::string Command::value(const Piece& piece, const Attempt& attempt) {
  using Kind = Piece::Kind;
  switch (piece.kind) {
    case Kind::text:
      return piece.text;
    case Kind::parameter: {
      const Value* v = attempt.params.find(piece.text);
      return v ? to_text(*v) : std::string{};
    }
    case Kind::checkpoint:
      return attempt.checkpoint;
    case Kind::params_file:
      return attempt.params_file;
    case Kind::trial_id:
      return attempt.id;
    case Kind::trial_number:
      return std::to_string(attempt.number);
    case Kind::trial_folder:
      return attempt.folder;
    case Kind::trial_attempt:
      return std::to_string(attempt.attempt);
    case Kind::cpus:
      return to_text(attempt.cpus);
    case Kind::seed:
      return std::to_string(attempt.seed);
    case Kind::instance:
      return attempt.instance;
    case Kind::input: {
      const auto found = attempt.inputs.find(piece.text);
      return found == attempt.inputs.end() ? std::string{} : found->second;
    }
    case Kind::gpus: {
      std::string out;
      for (const int g : attempt.gpus) out += (out.empty() ? "" : ",") + std::to_string(g);
      return out;
    }
    default:
      return {};
  }
}

Result<std::vector<std::string>> Command::expand(const Attempt& attempt) const {
  using Kind = Piece::Kind;
  std::vector<std::string> out;
  for (const auto& element : elements_) {
    const Kind first = element.empty() ? Kind::text : element.front().kind;
    if (first == Kind::args || first == Kind::args_space || first == Kind::args_override) {
      for (const auto& [name, v] : attempt.params) {
        if (first == Kind::args) out.push_back("--" + name + "=" + to_text(v));
        if (first == Kind::args_override) out.push_back(name + "=" + to_text(v));
        if (first == Kind::args_space) out.push_back("--" + name), out.push_back(to_text(v));
      }
    } else if (!element.empty() && element.front().prefix) {
      const auto v = value(element.front(), attempt);
      if (!v.empty()) out.push_back(*element.front().prefix + v);
    } else {
      std::string argument;
      for (const auto& piece : element) argument += value(piece, attempt);
      out.push_back(std::move(argument));
    }
  }
  for (const auto& argument : out)
    if (argument.find('\0') != std::string::npos)
      return Error{Error::Code::invalid, "the argument " + printable(argument) + " holds a NUL character", ""};
  return out;
}

std::vector<std::string> Command::parameters() const {
  std::vector<std::string> out;
  for (const auto& element : elements_)
    for (const auto& piece : element)
      if (piece.kind == Piece::Kind::parameter) out.push_back(piece.text);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool Command::passes_all() const {
  using Kind = Piece::Kind;
  for (const auto& element : elements_)
    for (const auto& piece : element)
      if (piece.kind == Kind::params_file || piece.kind == Kind::args || piece.kind == Kind::args_space ||
          piece.kind == Kind::args_override)
        return true;
  return false;
}

namespace {

using Entry = const Params::Entry*;

// Names are sorted, so those that share a prefix up to a dot stand together.
void write(JsonWriter& json, Entry begin, Entry end, std::size_t depth) {
  json.begin_object();
  while (begin != end) {
    const std::string_view rest = std::string_view{begin->first}.substr(depth);
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) {
      json.key(rest);
      json.raw(to_json(begin->second));
      ++begin;
      continue;
    }
    const std::string_view group = std::string_view{begin->first}.substr(0, depth + dot + 1);
    const Entry after = std::find_if(begin, end, [&](const auto& e) { return !e.first.starts_with(group); });
    json.key(rest.substr(0, dot));
    write(json, begin, after, depth + dot + 1);
    begin = after;
  }
  json.end_object();
}

}  // namespace

std::string params_json(const Params& params) {
  std::string out;
  JsonWriter json{out};
  const Entry begin = params.empty() ? nullptr : &*params.begin();
  write(json, begin, begin + params.size(), 0);
  return out;
}

namespace {

std::string variable(std::string out, std::string_view name) {
  for (const char c : name) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return out;
}

}  // namespace

std::map<std::string, std::string> paths_of(const Command::Inputs& inputs) {
  std::map<std::string, std::string> paths;
  for (const auto& [name, input] : inputs) paths[name] = input.path;
  return paths;
}

std::string environment_name(std::string_view parameter) { return variable("TUNE_P_", parameter); }
std::string input_variable(std::string_view input) { return variable("TUNE_INPUT_", input); }

}  // namespace tune
