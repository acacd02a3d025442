// SPDX-License-Identifier: Apache-2.0
// An MPI program that is tuned: the heat of a plate whose edges are held at given temperatures, by successive over-relaxation. How many
// sweeps over the grid it takes depends on the factor omega alone; theory has the best one at 2 / (1 + sin(pi / (N + 1))).
// usage: mpirun -np 2 ./relaxation OMEGA     Rank 0 reports on standard output, so no connection to tune has to survive the launcher.
#include <mpi.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kSide = 63, kMostSweeps = 1500;

/// The rows of one rank, with a row of its neighbour, or of the edge, on either side.
class Slab {
 public:
  Slab(int rank, int size) : rank_(rank), size_(size), first_(kSide * rank / size), rows_(kSide * (rank + 1) / size - first_), heat_((rows_ + 2) * kWide) {
    if (rank == 0)
      for (int x = 0; x < kWide; ++x) at(0, x) = 1;  // One edge is hot, three are cold.
  }

  /// Relaxes the fields of one colour, which depend on the other colour only; returns the sum of squared changes.
  double relax(int colour, double omega) {
    double squares = 0;
    for (int y = 1; y <= rows_; ++y)
      for (int x = 1 + (first_ + y + colour) % 2; x <= kSide; x += 2) {
        const double change = omega * ((at(y - 1, x) + at(y + 1, x) + at(y, x - 1) + at(y, x + 1)) / 4 - at(y, x));
        at(y, x) += change;
        squares += change * change;
      }
    return squares;
  }

  /// Gives the rows at the border to the neighbours and takes theirs.
  void exchange() {
    const int above = rank_ > 0 ? rank_ - 1 : MPI_PROC_NULL, below = rank_ + 1 < size_ ? rank_ + 1 : MPI_PROC_NULL;
    MPI_Sendrecv(&at(1, 0), kWide, MPI_DOUBLE, above, 0, &at(rows_ + 1, 0), kWide, MPI_DOUBLE, below, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(&at(rows_, 0), kWide, MPI_DOUBLE, below, 0, &at(0, 0), kWide, MPI_DOUBLE, above, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }

 private:
  static constexpr int kWide = kSide + 2;
  double& at(int y, int x) { return heat_[static_cast<std::size_t>(y * kWide + x)]; }

  int rank_, size_, first_, rows_;
  std::vector<double> heat_;
};

/// Sweeps until the plate is settled; kMostSweeps if it never is.
int sweeps(double omega, int rank, int size) {
  Slab slab(rank, size);
  for (int sweep = 1; sweep < kMostSweeps; ++sweep) {
    double squares = 0;
    for (const int colour : {0, 1}) {
      squares += slab.relax(colour, omega);
      slab.exchange();
    }
    MPI_Allreduce(MPI_IN_PLACE, &squares, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    if (!(std::sqrt(squares) > 1e-6)) return std::isfinite(squares) ? sweep : kMostSweeps;
  }
  return kMostSweeps;
}

}  // namespace

int main(int count, char** arguments) {
  MPI_Init(&count, &arguments);
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (count != 2) {
    if (rank == 0) std::fprintf(stderr, "usage: relaxation OMEGA\n");
    MPI_Finalize();
    return 2;
  }
  const int needed = sweeps(std::atof(arguments[1]), rank, size);
  if (rank == 0) std::printf("::tune {\"sweeps\": %d, \"ranks\": %d}\n", needed, size);
  MPI_Finalize();
}
