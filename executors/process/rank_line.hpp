// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executors/descriptor.hpp"
#include "executors/process/ranks.hpp"

/// The line between a machine's launcher and a rank there that torchrun, mpirun or srun started: it gives the rank its place
/// (the plan of that machine; to rank 0 also the descriptors to print and report to), passes signals on and tells how the rank
/// ended. When one end is gone, the other knows. A socket without a file, of messages: only processes of our user are heard.
///
///     rank to launcher: "rank 3", then "exit 0" or "signal 9"        launcher to rank: the plan, then "signal 15", …
namespace tune::detail {

/// How a rank ended: with an exit code, or by a signal. Rank -1: not a rank but the program that starts them.
struct RankEnd {
  int rank = -1;
  bool signalled = false;
  int number = 0;
  bool well() const { return !signalled && number == 0; }
};
/// `status` as waitpid() gives it.
RankEnd rank_end(int rank, int status);

/// "exit 3", "signal 9", and back; nullopt: it is neither.
std::string to_text(const RankEnd&);
std::optional<RankEnd> read_rank_end(int rank, std::string_view text);
/// The number after a word and a blank.
std::optional<int> number_after(std::string_view word, std::string_view text);

/// Empty with errno if there is one already.
Descriptor listen_for_ranks(const RanksPlan&);
/// Empty: nobody is there, or a stranger.
Descriptor accept_rank(int listener);
/// Waits so long for the launcher of that machine to be there. Empty: it is not.
Descriptor reach_launcher(const RanksPlan&, int node, std::chrono::seconds patience);
/// Process at the other end.
pid_t peer_of(int line);

/// False: the other end is gone, or does not listen.
bool send(int line, std::string_view message, std::initializer_list<int> descriptors = {});
/// Waits for a message. nullopt: the other end is gone. With MSG_DONTWAIT in `flags` an empty one says that there is none yet.
std::optional<std::string> receive(int line, int flags, std::vector<Descriptor>* descriptors = nullptr);

}  // namespace tune::detail
