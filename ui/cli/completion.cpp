// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/completion.hpp"

#include "tuner/value.hpp"

namespace tune {
namespace {

using Verbs = std::span<const CompletedVerb>;
using Options = std::span<const CompletedOption>;
using Operand = CompletedVerb::Operand;

constexpr std::string_view kExperiments = "tune ls -o names 2>/dev/null";

/// In single quotes, as all three shells read them.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string names(Options options) {
  std::string out;
  for (const auto& option : options) out += (out.empty() ? "" : " ") + option.name;
  return out;
}

std::string names(Verbs verbs) {
  std::string out;
  for (const auto& verb : verbs) out += (out.empty() ? "" : " ") + verb.name;
  return out;
}

std::string bash(Verbs verbs, Options common) {
  std::string out = "# bash completion for tune\n_tune() {\n"
                    "  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb= options= operand=none i\n"
                    "  for ((i = 1; i < COMP_CWORD; ++i)); do\n    case ${COMP_WORDS[i]} in\n";
  for (const auto& verb : verbs) {
    const char* const operand = verb.operand == Operand::file ? "file" : verb.operand == Operand::experiment ? "experiment" : "none";
    out += "      " + verb.name + ") verb=" + verb.name + " options=" + quoted(names(verb.options)) + " operand=" + operand + "; break ;;\n";
  }
  out += "    esac\n  done\n  COMPREPLY=()\n";
  std::string valued;
  const auto add_valued = [&](Options options) {
    for (const auto& option : options)
      if (option.takes_value && ("|" + valued + "|").find("|" + option.name + "|") == std::string::npos)
        valued += (valued.empty() ? "" : "|") + option.name;
  };
  add_valued(common);
  for (const auto& verb : verbs) add_valued(verb.options);
  if (!valued.empty()) out += "  case $previous in\n    " + valued + ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n  esac\n";
  out += "  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W \"$options " + names(common) + "\" -- \"$word\"))\n"
         "  elif [[ -z $verb ]]; then\n    COMPREPLY=($(compgen -W " + quoted(names(verbs)) + " -- \"$word\"))\n"
         "  elif [[ $operand == experiment ]]; then\n    COMPREPLY=($(compgen -W \"$(" + std::string{kExperiments} + ")\" -- \"$word\"))\n"
         "  elif [[ $operand == file ]]; then\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\n"
         "complete -o filenames -F _tune tune\n";
  return out;
}

std::string zsh_options(Options options) {
  std::string out;
  for (const auto& option : options) {
    std::string text = option.name + (option.takes_value ? "=" : "") + "[";
    for (const char c : option.help) text += c == '[' || c == ']' || c == ':' || c == '\\' ? std::string{'\\', c} : std::string{c};
    out += " \\\n        " + quoted(text + "]" + (option.takes_value ? ":value:_files" : ""));
  }
  return out;
}

std::string zsh(Verbs verbs, Options common) {
  std::string out = "#compdef tune\n_tune_experiments() {\n  local -a experiments=(${(f)\"$(" + std::string{kExperiments} +
                    ")\"})\n  compadd -a experiments\n}\n_tune() {\n  local -a verbs=(\n";
  for (const auto& verb : verbs) out += "    " + quoted(verb.name + ":" + verb.help) + "\n";
  out += "  )\n  local context state state_descr line\n  typeset -A opt_args\n  _arguments -C" + zsh_options(common) +
         " \\\n        '1:verb:->verb' '*::operand:->operand'\n"
         "  case $state in\n    verb) _describe verb verbs ;;\n    operand)\n      case $line[1] in\n";
  for (const auto& verb : verbs) {
    const char* const operand =
        verb.operand == Operand::file ? " '*:file:_files'" : verb.operand == Operand::experiment ? " '*:experiment:_tune_experiments'" : "";
    out += "      " + verb.name + ") _arguments" + zsh_options(common) + zsh_options(verb.options) + operand + " ;;\n";
  }
  out += "      esac ;;\n  esac\n}\n"
         // Sourced, it registers itself; found by autoload in $fpath, it is the function itself.
         "if [[ $funcstack[1] == _tune ]]; then _tune \"$@\"; else compdef _tune tune; fi\n";
  return out;
}

std::string fish(Verbs verbs, Options common) {
  std::string out = "# fish completion for tune\ncomplete -c tune -f\n";
  const auto add = [&](const std::string& when, Options options) {
    for (const auto& option : options) {
      const bool is_long = option.name.starts_with("--");
      out += "complete -c tune" + when + (is_long ? " -l " + option.name.substr(2) : " -s " + option.name.substr(1)) +
             (option.takes_value ? " -r" : "") + " -d " + quoted(option.help) + "\n";
    }
  };
  add("", common);
  for (const auto& verb : verbs) {
    const std::string when = " -n '__fish_seen_subcommand_from " + verb.name + "'";
    out += "complete -c tune -n __fish_use_subcommand -a " + verb.name + " -d " + quoted(verb.help) + "\n";
    add(when, verb.options);
    if (verb.operand == Operand::file) out += "complete -c tune" + when + " -F\n";
    if (verb.operand == Operand::experiment) out += "complete -c tune" + when + " -a '(" + std::string{kExperiments} + ")'\n";
  }
  return out;
}

}  // namespace

Result<std::string> completion(std::string_view shell, Verbs verbs, Options common) {
  if (shell == "bash") return bash(verbs, common);
  if (shell == "zsh") return zsh(verbs, common);
  if (shell == "fish") return fish(verbs, common);
  return Error{Error::Code::invalid, "no completion for '" + printable(shell) + "'", "there is one for bash, zsh and fish"};
}

}  // namespace tune
