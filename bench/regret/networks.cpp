// SPDX-License-Identifier: Apache-2.0
// Surrogate networks of tune-bench-1: residual blocks with gates; the task file describes the evaluation.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>

#include "bench/regret/benchmark_files.hpp"
#include "bench/regret/benchmark_folder.hpp"

namespace tune::regret {
namespace {

using nlohmann::json;

struct Tensor {
  std::span<const float> data;
  std::size_t rows = 0, columns = 1;
  std::span<const float> row(std::size_t r) const { return data.subspan(r * columns, columns); }
};

// Eight sums side by side, so that the compiler may use vectors without being allowed to reorder.
float dot(std::span<const float> a, const float* b) {
  float sums[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8)
    for (std::size_t k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  for (; i < a.size(); ++i) sums[0] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

using Vector = std::vector<float>;

Vector affine(const Tensor& weight, const Tensor& bias, const Vector& x) {
  if (x.size() != weight.columns) throw std::invalid_argument("a network whose sizes do not fit");
  Vector out(weight.rows);
  for (std::size_t r = 0; r < out.size(); ++r) out[r] = dot(weight.row(r), x.data()) + bias.data[r];
  return out;
}

Vector scaled(const Tensor& scale, const Tensor& shift, Vector x) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] * scale.data[i] + shift.data[i];
  return x;
}

struct Step {
  std::string operation;
  double constant = 0;
};
using Transform = std::vector<Step>;

Transform to_transform(const json& list) {
  Transform out;
  for (const auto& s : list) out.push_back({s.at(0), s.size() > 1 ? s.at(1).get<double>() : 0});
  return out;
}

double apply(const Transform& transform, double v) {
  for (const auto& [operation, c] : transform) {
    if (operation == "add") v += c;
    else if (operation == "sub") v -= c;
    else if (operation == "mul") v *= c;
    else if (operation == "div") v /= c;
    else if (operation == "neg") v = -v;
    else if (operation == "log") v = std::log(v);
    else if (operation == "exp") v = std::exp(v);
    else throw std::invalid_argument("unknown operation " + operation);
  }
  return v;
}

class Network {
 public:
  Network(json task, const std::string& bytes);

  /// What goes in, by name; what is not there is inactive.
  using Input = std::map<std::string, Value, std::less<>>;
  /// One output.
  double evaluate(const Input&, std::size_t output) const;
  std::size_t output(std::string_view name) const {
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (outputs_[i].name == name) return i;
    throw std::invalid_argument("a network without output " + std::string{name});
  }
  const json& task() const { return task_; }
  const std::vector<std::string>& instances() const { return categorical_[0].rows; }
  const std::string& instance_name() const { return categorical_[0].input; }

 private:
  struct Categorical {
    std::string input;
    std::vector<std::string> rows;
    Tensor embedding;
  };
  struct Numeric {
    std::string name;
    Transform transform;
  };
  struct Block {
    Tensor scale, shift, weight0, bias0, weight1, bias1;
  };
  Tensor tensor(const std::string& name) const;

  json task_;
  std::vector<float> weights_;
  std::vector<Categorical> categorical_;
  std::vector<Numeric> numeric_, outputs_;
  std::vector<Block> blocks_;
  Tensor first_weight_, first_bias_, last_scale_, last_shift_, head_weight_, head_bias_;
};

Tensor Network::tensor(const std::string& name) const {
  const auto& t = task_.at("tensors").at(name);
  const auto& shape = t.at("shape");
  Tensor out;
  out.rows = shape.at(0);
  if (shape.size() > 1) out.columns = shape.at(1);
  const std::size_t offset = t.at("offset");
  if (offset + out.rows * out.columns > weights_.size()) throw std::invalid_argument("tensor " + name + " is cut short");
  out.data = std::span{weights_}.subspan(offset, out.rows * out.columns);
  return out;
}

Network::Network(json task, const std::string& bytes) : task_(std::move(task)), weights_(bytes.size() / sizeof(float)) {
  std::memcpy(weights_.data(), bytes.data(), weights_.size() * sizeof(float));  // Little-endian, as we are.
  for (const auto& c : task_.at("categorical_inputs"))
    categorical_.push_back({c.at("input"), c.at("rows"), tensor(c.at("tensor"))});
  for (const auto& n : task_.at("numeric_inputs")) numeric_.push_back({n.at("name"), to_transform(n.at("transform"))});
  for (const auto& o : task_.at("outputs")) outputs_.push_back({o.at("name"), to_transform(o.at("transform"))});
  for (int b = 0; b < task_.at("blocks").get<int>(); ++b) {
    const std::string name = "block" + std::to_string(b) + ".";
    blocks_.push_back({tensor(name + "scale"), tensor(name + "shift"), tensor(name + "linear0.weight"),
                       tensor(name + "linear0.bias"), tensor(name + "linear1.weight"), tensor(name + "linear1.bias")});
  }
  first_weight_ = tensor("first.weight"), first_bias_ = tensor("first.bias");
  last_scale_ = tensor("last.scale"), last_shift_ = tensor("last.shift");
  head_weight_ = tensor("head.weight"), head_bias_ = tensor("head.bias");
}

double Network::evaluate(const Input& input, std::size_t output) const {
  Vector x;
  for (const auto& c : categorical_) {
    const auto given = input.find(c.input);
    const std::string name = given == input.end() ? "#na#" : to_text(given->second);
    const auto row = std::find(c.rows.begin(), c.rows.end(), name);
    if (row == c.rows.end()) throw std::invalid_argument(c.input + " has no row " + name);
    const auto embedding = c.embedding.row(static_cast<std::size_t>(row - c.rows.begin()));
    x.insert(x.end(), embedding.begin(), embedding.end());
  }
  for (const auto& n : numeric_) {
    const auto given = input.find(n.name);
    const double v = given == input.end() ? 0 : to_number(given->second).value();
    x.push_back(static_cast<float>(apply(n.transform, v)));
  }
  Vector h = affine(first_weight_, first_bias_, x);
  for (const auto& b : blocks_) {
    Vector z = affine(b.weight0, b.bias0, scaled(b.scale, b.shift, h));
    const std::size_t half = z.size() / 2;
    for (std::size_t i = 0; i < half; ++i) z[i] *= std::max(z[half + i], 0.0f);
    z.resize(half);
    const Vector more = affine(b.weight1, b.bias1, z);
    for (std::size_t i = 0; i < h.size(); ++i) h[i] += more[i];
  }
  h = scaled(last_scale_, last_shift_, std::move(h));
  for (float& v : h) v = std::max(v, 0.0f);
  const double y = static_cast<double>(dot(head_weight_.row(output), h.data())) +
                   static_cast<double>(head_bias_.data[output]);
  return apply(outputs_[output].transform, 1 / (1 + std::exp(-y)));
}

Result<std::shared_ptr<const Network>> load(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/surrogate_networks/";
  auto task = detail::read_json_file(path + name + ".json");
  if (!task) return task.error();
  try {
    const auto bytes = detail::read_gz(path + task->at("tensors_file").get<std::string>());
    if (!bytes) return bytes.error();
    return std::shared_ptr<const Network>(std::make_shared<Network>(std::move(*task), *bytes));  // By all its instances.
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, printable(name) + ": " + e.what(), ""};
  }
}

/// What is tuned, and the inputs that are not: full fidelity.
struct Goal {
  std::string output;
  Network::Input fixed;
};
Goal goal_of(const std::string& name) {
  if (name == "lcbench") return {"val_accuracy", {{"epoch", 52.0}}};
  if (name == "rbv2_xgboost") return {"acc", {{"trainsize", 1.0}, {"repl", 10.0}}};
  throw std::invalid_argument("no goal is known for it");
}

}  // namespace

Result<std::vector<Problem>> read_network(const std::string& folder, const std::string& name,
                                          const std::vector<std::size_t>& instances) {
  const auto network = load(folder, name);
  if (!network) return network.error();
  try {
    const Goal goal = goal_of(name);
    const std::size_t output = (*network)->output(goal.output);
    std::vector<Problem> out;
    for (std::size_t i = 0; i < (*network)->instances().size(); ++i) {
      if (!instances.empty() && std::find(instances.begin(), instances.end(), i) == instances.end()) continue;
      const std::string& instance = (*network)->instances()[i];
      Problem p;
      p.set = "networks", p.name = name + "/" + instance, p.floor_share = 1e-3;
      p.space = detail::to_space((*network)->task().at("space"));
      Network::Input input = goal.fixed;
      input[(*network)->instance_name()] = instance;
      p.evaluate = [network = *network, input, output](const Params& params) {
        auto all = input;
        for (const auto& [key, value] : params) all[key] = value;
        return std::optional{-network->evaluate(all, output)};  // Accuracy: larger is better.
      };
      out.push_back(std::move(p));
    }
    return out;
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, printable(name) + ": " + e.what(), ""};
  }
}

Result<double> check_network(const std::string& folder, const std::string& name,
                             const std::vector<std::string>& leave_out) {
  const auto network = load(folder, name);
  if (!network) return network.error();
  try {
    double worst = 0;
    for (const auto& check : (*network)->task().at("check")) {
      Network::Input input;
      for (const auto& [key, value] : check.at("input").items())
        if (!value.is_null()) input[key] = detail::to_value(value);
      for (const auto& [key, wanted] : check.at("output").items()) {
        if (std::find(leave_out.begin(), leave_out.end(), key) != leave_out.end()) continue;
        const double got = (*network)->evaluate(input, (*network)->output(key));
        worst = std::max(worst, std::fabs(got - wanted.get<double>()) / std::max(1.0, std::fabs(wanted.get<double>())));
      }
    }
    return worst;
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, printable(name) + ": " + e.what(), ""};
  }
}

Result<std::vector<Problem>> benchmark_set(const std::string& folder, std::string_view set) {
  std::vector<Problem> out;
  if (set == "tables") {
    for (const char* id :
         {"fcnet/parkinsons_telemonitoring", "fcnet/protein_structure", "hpobench_mlp/australian", "hpobench_mlp/car",
          "hpobench_mlp/credit_g", "hpobench_mlp/segment", "nasbench201/cifar10", "nasbench201/imagenet",
          "gpu_kernels/convolution_a100", "gpu_kernels/convolution_a4000", "gpu_kernels/convolution_w6600",
          "gpu_kernels/dedispersion_a4000", "gpu_kernels/dedispersion_mi250x", "gpu_kernels/dedispersion_w7800",
          "gpu_kernels/gemm_rtx_2080_ti", "gpu_kernels/pnpoly_rtx_2080_ti", "software_configs/llvm",
          "software_configs/x264", "software_configs/dune", "software_configs/vp9"}) {
      auto table = read_table(folder, id);
      if (!table) return table.error();
      out.push_back(std::move(*table));
    }
  } else if (set == "networks") {
    auto lcbench = read_network(folder, "lcbench");
    if (!lcbench) return lcbench.error();
    auto xgboost = read_network(folder, "rbv2_xgboost", {0, 8, 15, 22, 30, 37, 45, 52});
    if (!xgboost) return xgboost.error();
    out = std::move(*lcbench);
    for (auto& p : *xgboost) out.push_back(std::move(p));
  }
  return out;
}

}  // namespace tune::regret
