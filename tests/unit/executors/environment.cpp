// SPDX-License-Identifier: Apache-2.0
#include "executors/process/environment.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

using namespace tune;

namespace {
// A variable of this process, put back when the test ends.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    value ? ::setenv(name, value, 1) : ::unsetenv(name);
  }
  ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

std::optional<std::string> find(const std::vector<std::string>& env, const std::string& name) {
  for (const auto& entry : env)
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  return std::nullopt;
}
std::vector<std::string> of(const Spec& spec, std::vector<int> devices) {
  const Params params{{"opt.lr", 0.1}, {"on", true}};
  TrialVariables v;
  v.trial = {7};
  v.params = &params;
  v.seat.devices = std::move(devices);
  v.until_step = 27;
  return Environment(spec, offer_of_this_machine(spec).devices).of(v);
}
}  // namespace

TEST_CASE("a trial finds its parameters and what it is in its environment", "[environment]") {
  Spec spec;
  spec.name = "mnist";
  const auto env = of(spec, {});
  CHECK(find(env, "TUNE_P_OPT_LR") == "0.1");
  CHECK(find(env, "TUNE_P_ON") == "true");
  CHECK(find(env, "TUNE_TRIAL_ID") == "mnist/7");
  CHECK(find(env, "TUNE_UNTIL_STEP") == "27");
  CHECK_FALSE(find(env, "TUNE_CHECKPOINT"));
}

TEST_CASE("a trial finds the certificate of the server that it may report to", "[environment]") {
  const Spec spec;
  const Params params;
  TrialVariables v;
  v.params = &params;
  v.socket = "/s", v.authority = "/store.d/ca.pem";
  const Environment environment(spec, {});
  CHECK_FALSE(find(environment.of(v), "TUNE_CA"));  // There is none.
  v.url = "https://127.0.0.1:7740/reports";
  CHECK(find(environment.of(v), "TUNE_URL") == v.url);
  CHECK(find(environment.of(v), "TUNE_CA") == v.authority);
}

TEST_CASE("granted devices are named as our own CUDA_VISIBLE_DEVICES named them", "[environment]") {
  const Variable fake("TUNE_FAKE_GPUS", nullptr), visible("CUDA_VISIBLE_DEVICES", "4,GPU-aa");
  Spec spec;
  spec.resources.gpus = 1;
  CHECK(offer_of_this_machine(spec).devices.size() == 2);
  CHECK(find(of(spec, {0}), "CUDA_VISIBLE_DEVICES") == "4");
  CHECK(find(of(spec, {1, 0}), "CUDA_VISIBLE_DEVICES") == "GPU-aa,4");
  spec.resources.gpus = 0;
  CHECK(find(of(spec, {}), "CUDA_VISIBLE_DEVICES") == "4,GPU-aa");
}

TEST_CASE("pretended devices are offered by number", "[environment]") {
  const Variable fake("TUNE_FAKE_GPUS", "3");
  Spec spec;
  spec.resources.gpus = 1;
  CHECK(offer_of_this_machine(spec).devices.size() == 3);
  CHECK(find(of(spec, {2}), "CUDA_VISIBLE_DEVICES") == "2");
}

TEST_CASE("what is inherited is what the config says, and nothing of a tune above us", "[environment]") {
  const Variable mine("MY_SETTING", "1"), other("OTHER", "2"), outer("TUNE_TRIAL_NUMBER", "99"), rank("RANK", "3");
  Spec spec;
  spec.env = {{"OTHER", std::nullopt}, {"ADDED", "x=y"}};
  CHECK(find(of(spec, {}), "MY_SETTING") == "1");
  CHECK_FALSE(find(of(spec, {}), "OTHER"));
  CHECK(find(of(spec, {}), "ADDED") == "x=y");
  CHECK(find(of(spec, {}), "TUNE_TRIAL_NUMBER") == "7");
  CHECK_FALSE(find(of(spec, {}), "RANK"));  // We may be one of several ourselves.
  spec.env_inherit = Spec::Inherit::list;
  CHECK_FALSE(find(of(spec, {}), "MY_SETTING"));
  CHECK(find(of(spec, {}), "PATH"));
  spec.env_pass = {"MY_SETTING"};
  CHECK(find(of(spec, {}), "MY_SETTING") == "1");
  spec.env_inherit = Spec::Inherit::none;
  CHECK_FALSE(find(of(spec, {}), "PATH"));
}

TEST_CASE("parallel offers exactly that many places", "[environment]") {
  Spec spec;
  spec.parallel = 3;
  spec.resources.cpus = 0.5;
  CHECK(offer_of_this_machine(spec).cpus == 1.5);
}
