// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/ids.hpp"

namespace tune {

/// What one trial needs. `gpus` below 1 is a share of one device; above 1 it is a whole number of devices.
struct Resources {
  double cpus = 1;
  double gpus = 0;
  std::int64_t memory_bytes = 0;  ///< 0: not limited, not counted.
  std::map<std::string, double> custom;
  bool operator==(const Resources&) const = default;
};

/// A trial may be several programs that work together: its ranks. They are placed all or none.
struct Gang {
  int ranks = 1;        ///< Each needs what the trial's Resources say.
  bool spread = false;  ///< Over as many workers as there are, not over as few as will do.
  bool across = false;  ///< Also over workers of different groups: they may not reach one another.
  bool operator==(const Gang&) const = default;
};

/// One accelerator of a worker. `index` is what CUDA_VISIBLE_DEVICES wants; `uuid` names the card across restarts.
struct Device {
  int index = 0;
  std::string uuid;
  bool operator==(const Device&) const = default;
};

/// What a worker has.
struct Offer {
  double cpus = 1;
  std::int64_t memory_bytes = 0;  ///< 0: unknown; a trial that asks for memory is then not refused.
  std::vector<Device> devices;
  std::map<std::string, double> custom;
  bool operator==(const Offer&) const = default;
};

/// A place that an attempt holds on a worker.
struct Seat {
  WorkerId worker;
  double cpus = 0;
  std::int64_t memory_bytes = 0;
  std::vector<int> devices;   ///< Indices into the worker's devices.
  double device_share = 1;    ///< Of each device held; below 1 only with one device.
  std::map<std::string, double> custom;
  bool operator==(const Seat&) const = default;
};

}  // namespace tune
