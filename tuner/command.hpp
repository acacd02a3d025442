// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/space.hpp"
#include "tuner/spec.hpp"
#include "tuner/value.hpp"

namespace tune {

/// A `command` of a config: an argv with placeholders. One element gives one argument and no shell ever sees it, so
/// values need no quoting. Immutable once parsed; threads may share it.
///
///   ${name}            the parameter's value; nothing where the parameter is inactive
///   ${name?PREFIX}     PREFIX and the value as one argument, dropped whole where the parameter is inactive or empty
///   ${args}            an argument --name=value for every active parameter, by name
///   ${args:space}      two arguments each: --name value
///   ${args:override}   name=value each
///   ${params_file}     path of the JSON file with typed values
///   ${checkpoint}      path of the checkpoint to restore; empty on a fresh start. ${checkpoint?PREFIX} works too
///   ${trial.id} ${trial.number} ${trial.dir} ${trial.attempt} ${seed} ${resources.cpu} ${resources.gpu_ids}
///   ${instance}        the problem instance that this attempt is for (tuner/instances.hpp)
///   ${inputs.NAME}     where that input stands on the machine that runs the trial
///   $$                 a dollar sign; a $ before anything else but { stands for itself, so "$TUNE_P_LR" needs no
///   escape
///
/// Those that can give several arguments or none (`?`, ${args}) fill an element alone. A parameter that is called like
/// a built-in hides it.
class Command {
 public:
  /// What is wrong with a template, and where: bytes [begin, end) of argv[element].
  struct Fault {
    enum class Kind { unknown, malformed, not_alone, nul, empty, later };
    Kind kind = Kind::malformed;
    std::size_t element = 0, begin = 0, end = 0;
    std::string message, hint;
  };

  /// Everything that an attempt fills in.
  struct Attempt {
    const Params& params;
    std::string id;  ///< NAME/NUMBER
    std::int64_t number = 0;
    int attempt = 1;
    std::string folder, params_file;
    std::string checkpoint;  ///< Empty: fresh start.
    double cpus = 1;
    std::vector<int> gpus;
    std::uint64_t seed = 0;
    std::string instance = {};
    std::map<std::string, std::string> inputs = {};  ///< Where they stand.
  };

  using Inputs = std::map<std::string, InputSpec>;

  Command() = default;
  /// All faults of the template; empty: parse() will succeed.
  static std::vector<Fault> check(const std::vector<std::string>& argv, const Space&, const Inputs& = {});
  /// Error::invalid with the first fault. The names of the space and of the inputs say what ${name} means.
  static Result<Command> parse(const std::vector<std::string>& argv, const Space&, const Inputs& = {});

  /// The argv. Error::invalid when a value holds a NUL, which no argument can carry. Linear in its length.
  Result<std::vector<std::string>> expand(const Attempt&) const;

  /// Parameters named by ${name}, each once, sorted.
  std::vector<std::string> parameters() const;
  /// ${args} in some form or ${params_file}: every parameter reaches the program.
  bool passes_all() const;

 private:
  struct Piece {
    enum class Kind : std::uint8_t {
      text,
      parameter,
      checkpoint,
      params_file,
      trial_id,
      trial_number,
      trial_folder,
      trial_attempt,
      cpus,
      gpus,
      seed,
      instance,
      input,
      args,
      args_space,
      args_override
    };
    Kind kind = Kind::text;
    std::string text;                   ///< Of text; name of a parameter or an input.
    std::optional<std::string> prefix;  ///< ${…?PREFIX}
  };
  using Element = std::vector<Piece>;
  struct Parser;
  static std::string value(const Piece&, const Attempt&);

  std::vector<Element> elements_;
};

/// Typed JSON, dots in names as nested objects: {"lr":0.1,"opt":{"momentum":0.9}}. What TUNE_PARAMS points at.
std::string params_json(const Params&);

/// TUNE_P_<NAME>: upper case, every byte that is no letter or digit becomes `_`.
std::string environment_name(std::string_view parameter);
/// Where inputs stand on the machine of the config: where it says.
std::map<std::string, std::string> paths_of(const Command::Inputs&);

/// TUNE_INPUT_<NAME>, made likewise.
std::string input_variable(std::string_view input);

}  // namespace tune
