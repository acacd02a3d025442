// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/resources.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What a trial finds in its environment besides what it inherits. docs/trial-protocol.md lists the variables.
struct TrialVariables {
  TrialId trial;
  int attempt = 1;
  std::uint64_t seed = 0;
  const Params* params = nullptr;
  Seat seat;
  std::string trial_folder, checkpoint_folder, params_file, checkpoint;  ///< checkpoint empty: not set.
  std::int64_t until_step = kNoStep;
  std::string socket, url, authority, socket_token, token;  ///< url and authority empty: not set.
  std::string instance, instances_file;  ///< Empty: not set.
  const std::map<std::string, std::string>* inputs = nullptr;  ///< Where they stand, by name.
};

/// What a trial was granted, as TUNE_RESOURCES says it.
std::string resources_json(const Seat&);

/// Makes the environments of an experiment's trials. The inherited part is made once. CUDA_VISIBLE_DEVICES is set where the
/// experiment asks for GPUs; an experiment that does not is left with what we were started with, rather than sent to the CPU.
class Environment {
 public:
  /// Inherits as spec.env_inherit, env_pass and env say. `devices`: see Offer.
  Environment(const Spec&, const std::vector<Device>& devices);
  std::vector<std::string> of(const TrialVariables&) const;
  /// A value of the inherited part; nullptr if it is not there.
  const char* find(const std::string& name) const;

 private:
  const Spec& spec_;
  std::vector<Device> devices_;
  std::vector<std::string> base_;
};

/// What this machine offers: CPUs that we may run on (affinity, cgroup quota), memory (cgroup limit), accelerators. With
/// `parallel` it offers exactly that many places for trials of this size. Accelerators are those of CUDA_VISIBLE_DEVICES
/// if it is set, else of /proc/driver/nvidia; TUNE_FAKE_GPUS=n pretends there are n (for tests).
Offer offer_of_this_machine(const Spec&);

/// The labels that any machine bears by itself: "os=linux", "arch=x86_64", "host=NAME".
std::vector<std::string> labels_of_this_machine();
/// This machine bears the labels that the experiment requires, and has its inputs. Error::invalid says what it lacks; nobody else is asked.
Result<Done> suits_this_machine(const Spec&);

}  // namespace tune
