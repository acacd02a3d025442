// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The command line's one table: what verbs there are, what each takes, and the function that serves it.
/// Adding a verb is a function and a line in verbs.cpp.
namespace tune {

class Invocation;

/// An option of a verb. `value` names what it takes ("N", "PATH"); empty: a switch. "[N]": the value may be left out.
struct Flag {
  std::string_view name;
  std::string_view value;
  std::string_view help;
  char letter = 0;
  bool repeated = false;
};

struct Verb {
  std::string_view name;
  std::string_view help;   ///< One line.
  std::string_view usage;  ///< What follows the verb: "CONFIG [-- args]".
  std::span<const Flag> flags;
  std::string_view examples[2];
  /// Returns the exit code.
  int (*serve)(Invocation&);
  bool takes_rest = false;  ///< Everything after `--` belongs to somebody else.
  bool hidden = false;      ///< tune's own use: not among the verbs that help lists and shells complete.
};

/// In the order in which help lists them.
std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);
/// Options that every verb takes.
std::span<const Flag> global_flags();

/// Everything of `tune …` from arguments to exit code (command_line.cpp). `arguments` without the program's name.
int command_line(std::vector<std::string> arguments);

// One function a verb; the file is named after the verb or its family.
int sweep_verb(Invocation&);    // sweep.cpp
int check_verb(Invocation&);    // check.cpp
int init_verb(Invocation&);     // init.cpp
int explain_verb(Invocation&);  // explain.cpp
int ls_verb(Invocation&);       // ls.cpp
int status_verb(Invocation&);   // status.cpp
int trials_verb(Invocation&);   // trials.cpp
int show_verb(Invocation&);     // show.cpp
int diff_verb(Invocation&);     // diff.cpp
int best_verb(Invocation&);     // best.cpp
int importance_verb(Invocation&);  // importance.cpp
int compare_verb(Invocation&);     // compare.cpp
int simulate_verb(Invocation&);    // simulate.cpp
int plot_verb(Invocation&);        // plot.cpp
int rungs_verb(Invocation&);       // rungs.cpp
int forecast_verb(Invocation&);    // forecast.cpp
int lineage_verb(Invocation&);     // lineage.cpp
int logs_verb(Invocation&);     // logs.cpp
int stop_verb(Invocation&);     // steer.cpp
int cancel_verb(Invocation&);
int pause_verb(Invocation&);
int resume_verb(Invocation&);
int enqueue_verb(Invocation&);
int retry_verb(Invocation&);
int create_verb(Invocation&);  // ask.cpp: trials that somebody else runs
int ask_verb(Invocation&);
int tell_verb(Invocation&);
int report_verb(Invocation&);
int set_verb(Invocation&);
int archive_verb(Invocation&);
int unarchive_verb(Invocation&);
int priority_verb(Invocation&);
int tag_verb(Invocation&);
int note_verb(Invocation&);
int rm_verb(Invocation&);  // keep.cpp: what is done to a store
int gc_verb(Invocation&);  // gc.cpp
int export_verb(Invocation&);
int replay_verb(Invocation&);
int fsck_verb(Invocation&);
int backup_verb(Invocation&);
int salvage_verb(Invocation&);
int doctor_verb(Invocation&);      // doctor.cpp
int kurobako_verb(Invocation&);    // kurobako.cpp
int ui_verb(Invocation&);          // ui.cpp
int serve_verb(Invocation&);       // serve.cpp
int agent_verb(Invocation&);       // agent.cpp
int join_token_verb(Invocation&);
int workers_verb(Invocation&);     // workers.cpp
int ranks_verb(Invocation&);       // ranks.cpp
int completion_verb(Invocation&);  // verbs.cpp

}  // namespace tune
