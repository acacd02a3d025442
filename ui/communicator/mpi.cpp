// SPDX-License-Identifier: Apache-2.0
#include "ui/communicator/mpi.hpp"

#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

namespace tune::detail {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 28;  // Numbers in one call of MPI, which counts in int.

MPI_Datatype type_of(double) { return MPI_DOUBLE; }
MPI_Datatype type_of(float) { return MPI_FLOAT; }
MPI_Datatype type_of(std::int64_t) { return MPI_INT64_T; }

void check(int code) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw CommunicatorError(std::string(text, static_cast<std::size_t>(length)));
}

template <class Visit>
void in_parts(Numbers numbers, Visit visit) {
  std::visit(
      [&](auto span) {
        for (std::size_t at = 0; at < span.size(); at += kMost) {
          const std::size_t count = std::min(kMost, span.size() - at);
          visit(span.data() + at, static_cast<int>(count), type_of(span[at]));
        }
      },
      numbers);
}

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int running = 0;
    MPI_Initialized(&running);
    if ((ours_ = !running)) MPI_Init(nullptr, nullptr);
    check(MPI_Comm_dup(MPI_COMM_WORLD, &world_));  // Not mixed up with what else the program says over MPI.
    check(MPI_Comm_set_errhandler(world_, MPI_ERRORS_RETURN));
    MPI_Comm_rank(world_, &rank_);
    MPI_Comm_size(world_, &size_);
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  ~MpiCommunicator() override {
    if (std::uncaught_exceptions() > exceptions_) MPI_Abort(MPI_COMM_WORLD, 1);
    MPI_Comm_free(&world_);
    if (ours_) MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  // Not MPI_Allreduce, which may add in another order on each rank.
  void all_reduce(Numbers numbers, Reduction reduction) override {
    const MPI_Op how = reduction == Reduction::sum ? MPI_SUM : reduction == Reduction::min ? MPI_MIN : MPI_MAX;
    in_parts(numbers, [&](void* first, int count, MPI_Datatype type) {
      check(MPI_Reduce(rank_ == 0 ? MPI_IN_PLACE : first, first, count, type, how, 0, world_));
      check(MPI_Bcast(first, count, type, 0, world_));
    });
  }
  void broadcast(Numbers numbers, int from) override {
    check_rank(from);
    in_parts(numbers, [&](void* first, int count, MPI_Datatype type) { check(MPI_Bcast(first, count, type, from, world_)); });
  }
  void barrier() override { check(MPI_Barrier(world_)); }

 private:
  MPI_Comm world_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, exceptions_ = std::uncaught_exceptions();
  bool ours_ = false;
};

}  // namespace

bool started_by_mpi() {
  return std::getenv("OMPI_COMM_WORLD_SIZE") || std::getenv("PMI_RANK") || std::getenv("PMIX_RANK");
}

std::unique_ptr<Communicator> mpi_communicator() { return std::make_unique<MpiCommunicator>(); }

}  // namespace tune::detail
