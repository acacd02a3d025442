// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>

namespace tune {

enum class Reduction { sum, min, max };

/// The caller's numbers, read and written in place. A vector of such numbers becomes one by itself.
using Numbers = std::variant<std::span<double>, std::span<float>, std::span<std::int64_t>>;

/// A rank went, did not answer, or called something else than the others. what() is one line for people. The communicator is of no use
/// afterwards: every further call throws the same. Let it end the program, whose trial then goes on from its checkpoint.
struct CommunicatorError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What the ranks of one trial, its workers, say to one another. Data-parallel code is the same with one rank and with many:
///
///     add_gradient(batch, ranks.rank(), ranks.size(), gradient);   // Of every size()-th example, from the rank()-th on.
///     ranks.all_reduce(gradient);                                  // Of the whole batch, with the same bits on every rank.
///
/// All ranks make the same calls in the same order, with as many numbers of the same type; where one does not, all of them throw. A call
/// returns when this rank has its result. It waits for the others, so the slowest sets the pace; when a rank goes, those
/// that wait for it throw at once. Of one rank every call returns at once and changes nothing.
///
/// Threads: one at a time for each object.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;  ///< From 0.
  virtual int size() const = 0;  ///< At least 1.

  /// Each number becomes the sum (or the least, or the greatest) of all ranks' numbers at its place. The order of additions follows from
  /// the number of ranks and of numbers alone: the result has the same bits on every rank and in every run. Integers wrap around.
  /// The least or greatest of numbers with a NaN among them is any of them.
  virtual void all_reduce(Numbers, Reduction = Reduction::sum) = 0;
  /// Each number becomes that of rank `from`.
  virtual void broadcast(Numbers, int from = 0) = 0;
  /// Nobody returns before everybody has called.
  virtual void barrier() = 0;

  /// The text of rank `from`; that of the other ranks is not looked at.
  std::string broadcast_text(std::string text, int from = 0);

 protected:
  /// Throws if there is no such rank.
  void check_rank(int from) const;
};

/// The communicator of a trial of one rank.
class SingleRank final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce(Numbers, Reduction) override {}
  void broadcast(Numbers, int from) override { check_rank(from); }
  void barrier() override {}
};

}  // namespace tune
