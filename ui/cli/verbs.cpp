// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/verbs.hpp"

#include <algorithm>

#include "ui/cli/completion.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {
namespace {

constexpr Flag kGlobal[] = {
    {"dir", "DIR", "go to DIR first", 'C'},
    {"store", "PATH", "the store; default $TUNE_STORE, else ./tune.db"},
    {"output", "FORM", "table, json or csv (some verbs have more)", 'o'},
    {"json", "", "one JSON object a line"},
    {"color", "WHEN", "auto, always or never; auto honours NO_COLOR and CLICOLOR_FORCE"},
    {"progress", "FORM", "auto, bar, plain or none"},
    {"quiet", "", "results and errors only", 'q'},
    {"verbose", "", "tell more", 'v'},
    {"yes", "", "do not ask"},
    {"no-input", "", "never ask; what would need an answer is not done"},
    {"help", "", "this text", 'h'},
    {"version", "", "the version"},
};

// Of every verb that listens: listening.hpp.
constexpr Flag kViewers = {"viewers", "", "print a second address, for those who may look and change nothing"};
constexpr Flag kTls = {"tls", "", "encrypt it, by an authority of the store's own: then it may listen beyond this machine"};
constexpr Flag kTlsCert = {"tls-cert", "FILE", "or by this certificate (PEM)"};
constexpr Flag kTlsKey = {"tls-key", "FILE", "and its key"};
constexpr Flag kHost = {"host", "NAME", "another name or address by which it is reached", 0, true};

constexpr Flag kSweep[] = {
    {"trials", "N", "how many trials in all (stop.trials)", 'n'},
    {"time", "D", "how long in all: 90s, 1h30m (stop.time)", 't'},
    {"parallel", "N", "trials at once (executor.parallel)", 'j'},
    {"seed", "S", "seed of every random choice"},
    {"name", "X", "name of the experiment"},
    {"set", "KEY=VALUE", "any setting: --set params.lr.max=0.1", 0, true},
    {"resume", "[WHEN]", "auto (default), or never: begin anew under another name"},
    {"takeover", "", "take the experiment from the process that owns it"},
    {"dry-run", "[N]", "show N trials (3) that would run; run and record nothing"},
    {"print-cmd", "", "print the command of each trial as it starts"},
    {"ui", "[ADDR]", "serve the dashboard beside it: 127.0.0.1:7740, or the next free port"},
    kViewers,
    {"metrics-addr", "ADDR", "serve Prometheus metrics: 127.0.0.1:9464"},
    {"metrics-public", "", "serve them without the token, on this machine"},
    kTls, kTlsCert, kTlsKey, kHost,
    {"on-interrupt", "HOW", "Ctrl-C: stop (default), drain or kill"},
    {"on-hup", "HOW", "lost terminal: detach (default) or stop"},
    {"require-target", "", "exit 7 unless stop.target was reached"},
    {"fail-fast", "N", "end after N failed trials (stop.max_failures)"},
    {"allow-network-store", "", "accept a store on a network file system"},
};
constexpr Flag kCheck[] = {{"strict", "", "exit 1 on warnings"},
                           {"format", "FORM", "text, json, sarif or github"},
                           {"effective", "", "print the whole config with every default"},
                           {"set", "KEY=VALUE", "any setting, as for sweep", 0, true}};
constexpr Flag kInit[] = {{"from", "COMMAND", "guess the parameters from a command line"},
                          {"force", "", "overwrite files that are there"}};
constexpr Flag kLs[] = {{"all", "", "archived ones too"}, {"tag", "TAG", "those with this tag"}};
constexpr Flag kStatus[] = {{"watch", "", "again every two seconds until it ends"},
                            {"wait", "", "return when it ends"},
                            {"timeout", "D", "give up waiting after D: exit 8"}};
constexpr Flag kTrials[] = {{"where", "EXPR", "loss < 0.1 and lr > 1e-4"},
                            {"sort", "NAME", "a column, parameter or metric; -NAME: greatest first"},
                            {"top", "N", "the first N"},
                            {"columns", "A,B", "number, state, value, a parameter, a metric …"},
                            {"state", "S,S", "complete, stopped, failed, running …"}};
constexpr Flag kBest[] = {{"run", "", "run the command again with these parameters"},
                          {"confirm", "K", "run the K leading trials again with fresh seeds: mean, error, optimism"},
                          {"objective", "NAME", "of several objectives: the best by this one, not the whole front"},
                          {"reference", "V,V", "of several objectives: up to where the hypervolume is measured"}};
constexpr Flag kImportance[] = {{"method", "NAME", "ped-anova (default) or fanova"},
                                {"objective", "NAME", "of several objectives; the first if not given"}};
constexpr Flag kPlot[] = {{"kind", "KIND", "history (default), curves, slice or parallel"},
                          {"out", "FILE", "an SVG file instead of the terminal"},
                          {"objective", "NAME", "of several objectives; the first if not given"},
                          {"metric", "NAME", "curves: another metric than the objective"},
                          {"param", "NAME", "slice, parallel: only this parameter"},
                          {"top", "N", "curves: of the best N trials (10)"},
                          {"x", "WHAT", "history: trial (default) or time"},
                          {"log", "", "a logarithmic scale for values"},
                          {"width", "N", "columns; default: the terminal's"},
                          {"height", "N", "lines of a chart (20)"}};
constexpr Flag kGc[] = {{"dry-run", "", "say what would go; delete nothing"}};
constexpr Flag kCompare[] = {{"objective", "NAME", "of several objectives; the first if not given"}};
constexpr Flag kSimulate[] = {{"from", "SOURCE", "an experiment of the store, a table (.json), or curve"},
                              {"workers", "N", "workers, each with one slot (executor.parallel, else 8)"},
                              {"compare", "A,B", "schedulers: fifo,asha,asha:eta=4:mode=stop", 0, true},
                              {"seeds", "K", "runs of each, of which the medians are shown (10)"},
                              {"with", "KEY=NUMBER", "an option of the simulator: --with crash=0.05", 0, true},
                              {"set", "KEY=VALUE", "any setting, as for sweep", 0, true}};
constexpr Flag kForecast[] = {{"trial-cost", "D", "of a config: what a trial takes on average, 5m"},
                              {"step-seconds", "S", "or what a step takes"},
                              {"from", "SOURCE", "or an experiment or table that measured it"},
                              {"steps", "N", "steps of a trial that nobody ends (max_step, or as measured)"},
                              {"workers", "N", "trials at a time"},
                              {"cost-per-slot-hour", "X", "adds a line with the cost"},
                              {"futures", "K", "simulated futures (64)"},
                              {"set", "KEY=VALUE", "any setting of the config", 0, true}};
constexpr Flag kLineage[] = {{"config", "", "as a config that follows the same schedule: scheduler replay"}};
constexpr Flag kCreate[] = {{"name", "X", "name of the experiment"},
                            {"set", "KEY=VALUE", "any setting: --set params.lr.max=0.1", 0, true},
                            {"allow-network-store", "", "accept a store on a network file system"}};
constexpr Flag kAsk[] = {{"lease", "D", "take back trials that were given out longer than D ago"},
                         {"serve", "", "requests on stdin, answers on stdout, one JSON object a line"},
                         {"timeout", "D", "how long to wait for another owner (30s)"}};
constexpr Flag kTell[] = {{"state", "S", "complete (default), failed, infeasible, cancelled, or lost: to be asked again"},
                          {"text", "TEXT", "what happened, for people"},
                          {"timeout", "D", "how long to wait for another owner (30s)"}};
constexpr Flag kReport[] = {{"timeout", "D", "how long to wait for another owner (30s)"}};
constexpr Flag kKurobako[] = {{"search", "NAME", "the sampler (auto)"},
                              {"scheduler", "NAME", "the scheduler (fifo): others look at a trial step by step"},
                              {"set", "KEY=VALUE", "any other setting: --set search.startup=20", 0, true}};
constexpr Flag kLogs[] = {{"follow", "", "go on as it is written", 'f'},
                          {"attempt", "N", "another than the newest"},
                          {"stderr", "", "what it wrote to standard error"},
                          {"failed", "", "the end of each failure, by cause"},
                          {"tail", "N", "the last N lines"}};
constexpr Flag kDiff[] = {{"only-changed", "", "leave out what is equal"}};
constexpr Flag kWhy[] = {{"reason", "TEXT", "is recorded with it"}};
constexpr Flag kEnqueue[] = {{"param", "NAME=VALUE", "a parameter; all but constants are needed", 'p', true},
                             {"priority", "N", "those with more go first: 1 unless given, 0 for what the search proposes"},
                             {"reason", "TEXT", "is recorded with it"}};
constexpr Flag kPriority[] = {{"to", "N", "the new priority: 0 is that of what the search proposes"}, {"reason", "TEXT", "is recorded with it"}};
constexpr Flag kNote[] = {{"star", "", "mark it"}, {"unstar", "", "take the mark away"}};
constexpr Flag kTag[] = {{"drop", "TAG", "take a tag away", 0, true}};
constexpr Flag kExport[] = {{"format", "FORM", "csv, ndjson (the trials), journal (every fact), config, or html (one page for a browser)"},
                            {"out", "FILE", "write there and not to stdout (-); of html it is NAME.html"},
                            {"where", "EXPR", "only these trials"},
                            {"columns", "A,B", "only these columns"},
                            {"details", "N", "html: trials with details, curves and logs: the best and the newest (500)"}};
constexpr Flag kReplay[] = {{"verify", "", "decide everything again and compare"}};
constexpr Flag kFsck[] = {{"rebuild", "", "make the tables anew from the journal"},
                          {"complete", "", "every trial must be in a final state"},
                          {"ledger", "FILE", "one line NAME/NUMBER ATTEMPT SEQ a report that was acknowledged"}};
constexpr Flag kUi[] = {{"addr", "ADDR", "127.0.0.1:7740; the next free port up to 7749 if it is not given"},
                        kTls, kTlsCert, kTlsKey, kHost,
                        {"read-only", "", "show only, change nothing"},
                        kViewers,
                        {"open", "", "open it in the browser of this desktop"},
                        {"print-routes", "", "list what the server answers, and end"}};
constexpr Flag kServe[] = {{"addr", "ADDR", "127.0.0.1:7740; the next free port up to 7749 if it is not given"},
                           kTls, kTlsCert, kTlsKey, kHost,
                           {"at-once", "N", "experiments that run at once (as many as there are CPUs); the others wait"},
                           kViewers,
                           {"metrics-public", "", "serve /metrics without the token, on this machine"}};
constexpr Flag kAgent[] = {{"join", "FILE", "what the coordinator wrote for it: `tune join-token`"},
                           {"slots", "AMOUNTS", "what it offers: cpu=8,gpu=1,memory=32GiB; all that is found if not given"},
                           {"name", "NAME", "how it is shown; this machine's name"},
                           {"label", "LABEL", "NAME or NAME=VALUE: what it is or has, for `requires`; besides os, arch and host", 0, true},
                           {"idle", "D", "go after so long without a trial; it stays if not given"},
                           {"patience", "D", "go when the coordinator was away for so long, and no trial is left; it looks for it for ever if not given"},
                           {"time", "D", "it may run for so long: its trials save and leave before"},
                           {"margin", "D", "how long before (1m)"},
                           {"folder", "DIR", "for what its trials write where it does not see the coordinator's disk"},
                           {"cache", "SIZE", "so much of what was brought for trials stays when no experiment uses it (20GiB)"},
                           {"own-disk", "", "keep its files in --folder though it sees the coordinator's disk"}};
constexpr Flag kJoinToken[] = {{"out", "FILE", "write it there, readable for you alone; stdout if not given"},
                               {"uses", "N", "so many agents may join by it (1)"},
                               {"valid", "D", "for so long (1d)"},
                               {"group", "NAME", "what they are together: trials of several ranks stay in one group"},
                               {"address", "ADDR", "what they dial; where the store's pool listened last if not given"}};
constexpr Flag kRanks[] = {{"plan", "JSON", "which ranks, of how many, where: executors/process/ranks.hpp"},
                           {"as-rank", "", "be one of them: how torchrun, mpirun and srun start each"}};
constexpr Flag kDoctor[] = {{"protocol", "", "play trials with a program and say what it supports"}};

constexpr Verb kVerbs[] = {
    {"sweep",
     "run an experiment to its end; the same command again resumes it",
     "CONFIG [-- ARGS]",
     kSweep,
     {"tune sweep config.json", "tune sweep config.json --trials 200 --parallel 4 --set params.lr.max=0.1"},
     sweep_verb,
     true},
    {"check",
     "say everything that is wrong with a config",
     "CONFIG",
     kCheck,
     {"tune check config.json", "tune check config.json --effective"},
     check_verb},
    {"explain",
     "an error code, a setting, or why a trial was proposed, stopped, promoted",
     "CODE|FIELD|TRIAL",
     {},
     {"tune explain E021", "tune explain digits/42"},
     explain_verb},
    {"init",
     "write a commented config and an example program",
     "[TEMPLATE]",
     kInit,
     {"tune init python", "tune init --from \"./train --lr 0.1 --width 64\""},
     init_verb},
    {"ls", "experiments and how they stand", "", kLs, {"tune ls", "tune ls -o json"}, ls_verb},
    {"status",
     "how an experiment stands",
     "[EXPERIMENT]",
     kStatus,
     {"tune status --watch", "tune status digits --wait --timeout 1h"},
     status_verb},
    {"trials",
     "trials as a table",
     "[EXPERIMENT]",
     kTrials,
     {"tune trials --sort value --top 10", "tune trials digits --where 'loss < 0.1 and lr > 1e-4' -o csv"},
     trials_verb},
    {"show", "everything about one trial", "TRIAL", {}, {"tune show 42", "tune show digits/42 -o json"}, show_verb},
    {"best",
     "the best trial; with several objectives those that no other beats",
     "[EXPERIMENT]",
     kBest,
     {"./prog $(tune best -o args)", "tune best digits --run"},
     best_verb},
    {"rungs",
     "what became of the trials at each rung",
     "[EXPERIMENT]",
     {},
     {"tune rungs digits", "tune rungs digits --json"},
     rungs_verb},
    {"importance",
     "which parameters matter",
     "[EXPERIMENT]",
     kImportance,
     {"tune importance digits", "tune importance digits --method fanova --objective seconds --json"},
     importance_verb},
    {"plot",
     "charts of an experiment, on the terminal or as SVG",
     "[EXPERIMENT]",
     kPlot,
     {"tune plot digits", "tune plot digits --kind slice --out slice.svg"},
     plot_verb},
    {"compare",
     "is one experiment, or one group of them, better than another?",
     "EXPERIMENT… [--] EXPERIMENT…",
     kCompare,
     {"tune compare digits digits-2", "tune compare tpe-1 tpe-2 tpe-3 -- sobol-1 sobol-2 sobol-3"},
     compare_verb,
     true},
    {"simulate",
     "try a config in virtual time on what was measured before",
     "CONFIG --from EXPERIMENT|TABLE",
     kSimulate,
     {"tune simulate config.json --from digits --workers 64", "tune simulate config.json --from table.json --compare fifo,asha"},
     simulate_verb},
    {"forecast",
     "when it ends and what it costs, with 10, 50 and 90 %",
     "CONFIG|[EXPERIMENT]",
     kForecast,
     {"tune forecast config.json --trial-cost 5m --workers 16", "tune forecast digits --cost-per-slot-hour 2.5"},
     forecast_verb},
    {"lineage",
     "from whose checkpoints a trial comes, with which parameters",
     "TRIAL",
     kLineage,
     {"tune lineage 7", "tune lineage digits/7 --config > again.json && tune sweep again.json"},
     lineage_verb},
    {"ui",
     "the dashboard of a store, live or over, in a browser on this machine",
     "[STORE]",
     kUi,
     {"tune ui", "tune ui old.db --read-only --addr 127.0.0.1:7750"},
     ui_verb},
    {"serve",
     "stay, run the experiments that are submitted over HTTP, show them all",
     "[STORE]",
     kServe,
     {"tune serve", "tune serve lab.db --addr 127.0.0.1:7750 --at-once 4"},
     serve_verb},
    {"agent",
     "run trials for a coordinator, here or elsewhere",
     "--join FILE",
     kAgent,
     {"tune agent --join join.json", "tune agent --join join.json --slots cpu=8,gpu=1 --idle 10m"},
     agent_verb},
    {"join-token",
     "let agents into the pool of a store",
     "",
     kJoinToken,
     {"tune join-token --out join.json", "tune join-token --uses 16 --valid 1h --out join.json"},
     join_token_verb},
    {"workers",
     "who runs an experiment's trials; ask one to take no more, or to go",
     "[EXPERIMENT] | drain|cordon|uncordon WORKER [EXPERIMENT]",
     {},
     {"tune workers digits", "tune workers drain 3"},
     workers_verb},
    {"logs", "what a trial printed", "[TRIAL]", kLogs, {"tune logs 42 -f", "tune logs --failed"}, logs_verb},
    {"diff",
     "trials side by side",
     "TRIAL TRIAL…",
     kDiff,
     {"tune diff 3 42", "tune diff 3 42 57 --only-changed"},
     diff_verb},
    {"stop",
     "no new trials; let the running ones finish (or end one trial well)",
     "EXPERIMENT|TRIAL…",
     kWhy,
     {"tune stop digits", "tune stop digits/42 --reason \"diverges\""},
     stop_verb},
    {"cancel",
     "end trials now",
     "EXPERIMENT|TRIAL…",
     kWhy,
     {"tune cancel digits/42", "tune cancel digits --yes"},
     cancel_verb},
    {"pause",
     "begin nothing new (or checkpoint one trial and hold it)",
     "EXPERIMENT|TRIAL…",
     kWhy,
     {"tune pause digits", "tune pause digits/42"},
     pause_verb},
    {"resume",
     "undo a pause; an experiment that nobody runs is run here",
     "EXPERIMENT|TRIAL…",
     kWhy,
     {"tune resume digits", "tune resume digits/42"},
     resume_verb},
    {"enqueue",
     "have these parameters tried",
     "EXPERIMENT",
     kEnqueue,
     {"tune enqueue digits -p lr=0.01 -p width=64", "tune enqueue digits -p lr=0.01 --priority 5"},
     enqueue_verb},
    {"create",
     "store an experiment without running it; its config may lack a command",
     "CONFIG",
     kCreate,
     {"tune create space.json", "tune create space.json --name second --set stop.trials=50"},
     create_verb},
    {"ask",
     "parameters of a new trial, for those who run it themselves",
     "[EXPERIMENT]",
     kAsk,
     {"id=$(tune ask digits -o id)", "eval \"$(tune ask digits -o env --lease 10m)\""},
     ask_verb},
    {"tell",
     "how a trial that was asked for ended",
     "TRIAL [METRIC=VALUE…] [step=N]",
     kTell,
     {"tune tell digits/7 loss=0.3", "tune tell digits/7 --state failed --text \"out of memory\""},
     tell_verb},
    {"report",
     "a value on the way: of a trial that was asked for, or from inside a trial",
     "[TRIAL] step=N METRIC=VALUE…",
     kReport,
     {"tune report digits/7 step=3 loss=0.4", "[ \"$(tune report step=3 loss=0.4)\" = continue ] || exit 0"},
     report_verb},
    {"retry",
     "run failed or cancelled trials again",
     "TRIAL…",
     kWhy,
     {"tune retry 12", "tune retry digits/12 digits/13"},
     retry_verb},
    {"priority",
     "let queued trials go earlier, or later",
     "TRIAL…",
     kPriority,
     {"tune priority digits/12 --to 5", "tune priority 12 13 --to -1"},
     priority_verb},
    {"set",
     "change a setting of an experiment, running or not",
     "EXPERIMENT KEY=VALUE…",
     {},
     {"tune set digits stop.trials=500", "tune set digits params.lr.max=0.2 executor.parallel=8"},
     set_verb},
    {"tag",
     "tag an experiment or a trial",
     "EXPERIMENT|TRIAL TAG…",
     kTag,
     {"tune tag digits/42 keep", "tune tag digits --drop old"},
     tag_verb},
    {"note",
     "write a note on an experiment or a trial",
     "EXPERIMENT|TRIAL [TEXT]",
     kNote,
     {"tune note digits/42 \"lr too high\"", "tune note digits/42 --star"},
     note_verb},
    {"archive",
     "leave an experiment out of `tune ls` and of the page's list",
     "EXPERIMENT…",
     kWhy,
     {"tune archive digits", "tune archive digits mnist --reason \"superseded\""},
     archive_verb},
    {"unarchive", "list it again", "EXPERIMENT…", kWhy, {"tune unarchive digits", "tune ls --all"}, unarchive_verb},
    {"rm", "delete an experiment and its files", "EXPERIMENT", {}, {"tune rm digits", "tune rm digits --yes"}, rm_verb},
    {"gc", "delete checkpoints that no experiment refers to", "", kGc, {"tune gc --dry-run", "tune gc"}, gc_verb},
    {"export",
     "trials or the journal as text, or the dashboard as one file",
     "[EXPERIMENT…]",
     kExport,
     {"tune export digits > digits.csv", "tune export digits --format html"},
     export_verb},
    {"replay",
     "fold the journal; with --verify decide everything again",
     "[EXPERIMENT]",
     kReplay,
     {"tune replay digits", "tune replay digits --verify"},
     replay_verb},
    {"fsck", "hold a store to its invariants", "[EXPERIMENT]", kFsck, {"tune fsck", "tune fsck --rebuild"}, fsck_verb},
    {"backup",
     "copy a store safely, also while it is written",
     "FILE",
     {},
     {"tune backup copy.db", "tune --store old.db backup copy.db"},
     backup_verb},
    {"salvage",
     "copy out what is readable of a damaged store",
     "FILE",
     {},
     {"tune salvage rescued.db", "tune --store broken.db salvage rescued.db"},
     salvage_verb},
    {"doctor",
     "what tune finds on this machine, and what a program supports",
     "[CONFIG | -- CMD…]",
     kDoctor,
     {"tune doctor", "tune doctor --protocol -- python3 train.py"},
     doctor_verb,
     true},
    {"kurobako",
     "speak the solver protocol of kurobako, a benchmark for optimizers",
     "solver",
     kKurobako,
     {"kurobako solver command tune kurobako solver", "kurobako solver command -- tune kurobako solver --search tpe"},
     kurobako_verb},
    {"ranks",
     "stand for the ranks of one attempt on this machine: how tune starts trials of several ranks",
     "--plan JSON -- PROGRAM ARG…",
     kRanks,
     {"tune ranks --plan \"$PLAN\" -- python3 train.py", "torchrun … --no_python tune ranks --as-rank --plan \"$PLAN\" -- python3 train.py"},
     ranks_verb,
     true,
     true},
    {"completion",
     "teach a shell these verbs",
     "bash|zsh|fish",
     {},
     {"tune completion bash > ~/.local/share/bash-completion/completions/tune", "tune completion fish | source"},
     completion_verb},
};

}  // namespace

std::span<const Verb> verbs() { return kVerbs; }
std::span<const Flag> global_flags() { return kGlobal; }

const Verb* find_verb(std::string_view name) {
  const auto found = std::find_if(std::begin(kVerbs), std::end(kVerbs), [&](const Verb& v) { return v.name == name; });
  return found == std::end(kVerbs) ? nullptr : found;
}

int completion_verb(Invocation& call) {
  if (call.words().size() != 1) return call.fail(usage_error("which shell?", "tune completion bash"));
  const auto options = [](std::span<const Flag> flags) {
    std::vector<CompletedOption> out;
    for (const auto& flag : flags) {
      const bool value = !flag.value.empty() && flag.value.front() != '[';
      out.push_back({"--" + std::string(flag.name), std::string(flag.help), value});
    }
    return out;
  };
  std::vector<CompletedVerb> all;
  for (const auto& verb : kVerbs) {
    if (verb.hidden) continue;
    using Operand = CompletedVerb::Operand;
    const bool file = verb.usage.starts_with("CONFIG") || verb.usage.starts_with("FILE") || verb.usage == "[STORE]";
    const bool experiment = verb.usage.find("EXPERIMENT") != std::string_view::npos;
    all.push_back({std::string(verb.name), std::string(verb.help), options(verb.flags),
                   file         ? Operand::file
                   : experiment ? Operand::experiment
                                : Operand::none});
  }
  const auto text = completion(call.words()[0], all, options(kGlobal));
  if (!text) return call.fail(text.error());
  call.print(*text);
  return kOk;
}

}  // namespace tune
