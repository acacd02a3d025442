# The solver protocol of kurobako. The messages are written by hand from the definitions in
# optuna/kurobako: kurobako_core/src/epi/solver/message.rs, domain.rs, trial.rs, problem.rs.

$ cat > exchange <<'END'
> {"type":"CREATE_SOLVER_CAST","solver_id":0,"random_seed":18446744073709551615,"problem":{"name":"mixed","attrs":{},"params_domain":[{"name":"x","range":{"type":"CONTINUOUS","low":-5.0,"high":10.0},"distribution":"UNIFORM"},{"name":"lr","range":{"type":"CONTINUOUS","low":1e-05,"high":0.1},"distribution":"LOG_UNIFORM"},{"name":"n","range":{"type":"DISCRETE","low":2,"high":4},"distribution":"UNIFORM"},{"name":"one","range":{"type":"DISCRETE","low":7,"high":8},"distribution":"UNIFORM"},{"name":"act","range":{"type":"CATEGORICAL","choices":["relu","tanh","relu6"]},"distribution":"UNIFORM"}],"values_domain":[{"name":"loss","range":{"type":"CONTINUOUS","low":0.0},"distribution":"UNIFORM"}],"steps":1}}
> {"type":"CREATE_SOLVER_CAST","solver_id":1,"random_seed":3,"problem":{"name":"two","params_domain":[{"name":"b","range":{"type":"CATEGORICAL","choices":["false","true"]},"distribution":"UNIFORM"}],"values_domain":[{"name":"a","range":{"type":"CONTINUOUS"},"distribution":"UNIFORM"},{"name":"b","range":{"type":"CONTINUOUS"},"distribution":"UNIFORM"}],"steps":[1,3,9]}}
> {"type":"ASK_CALL","solver_id":0,"next_trial_id":0}
> {"type":"ASK_CALL","solver_id":1,"next_trial_id":40}
> {"type":"ASK_CALL","solver_id":0,"next_trial_id":1}
> {"type":"TELL_CALL","solver_id":0,"trial":{"id":1,"values":[0.25],"current_step":1}}
> {"type":"TELL_CALL","solver_id":0,"trial":{"id":0,"values":[],"current_step":0}}
> {"type":"TELL_CALL","solver_id":1,"trial":{"id":40,"values":[1.0,null],"current_step":9}}
> {"type":"TELL_CALL","solver_id":0,"trial":{"id":9,"values":[1.0],"current_step":1}}
> {"type":"DROP_SOLVER_CAST","solver_id":0}
> {"type":"ASK_CALL","solver_id":0,"next_trial_id":2}
> nonsense
> {"type":"CREATE_SOLVER_CAST","solver_id":2,"random_seed":3,"problem":{"name":"conditional","params_domain":[{"name":"b","range":{"type":"DISCRETE","low":0,"high":3},"distribution":"UNIFORM","constraint":{"lua_script":"a > 1"}}],"values_domain":[{"name":"a","range":{"type":"CONTINUOUS"},"distribution":"UNIFORM"}],"steps":1}}
> {"type":"ASK_CALL","solver_id":2,"next_trial_id":0}
> END
$ tune kurobako solver --search random < exchange
{"type":"SOLVER_SPEC_CAST","spec":{"name":"tune-random","attrs":{"version":"<any>"},"capabilities":["UNIFORM_CONTINUOUS","UNIFORM_DISCRETE","LOG_UNIFORM_CONTINUOUS","LOG_UNIFORM_DISCRETE","CATEGORICAL","MULTI_OBJECTIVE","CONCURRENT"]}}
\{"type":"ASK_REPLY","trial":\{"id":0,"params":\[-?[0-9.e-]+,[0-9.e-]+,[23],7,[012]\],"next_step":1\},"next_trial_id":1\} (re)
\{"type":"ASK_REPLY","trial":\{"id":40,"params":\[[01]\],"next_step":9\},"next_trial_id":41\} (re)
{"type":"ASK_REPLY","trial":{"id":1,<any>},"next_trial_id":2}
{"type":"TELL_REPLY"}
{"type":"TELL_REPLY"}
{"type":"TELL_REPLY"}
{"type":"ERROR_REPLY","kind":"INVALID_INPUT","message":"no such trial was asked for"}
{"type":"ERROR_REPLY","kind":"INVALID_INPUT","message":"there is no solver 0"}
{"type":"ERROR_REPLY","kind":"INVALID_INPUT","message":"no message: <any>"}
{"type":"ERROR_REPLY","kind":"INCAPABLE","message":"the domain is conditional: `b` has a constraint in Lua"}

# With a scheduler that looks at steps: on, on, and a stopped trial comes back once with no next step.
$ cat > play.py <<'END'
> import json, subprocess
> p = subprocess.Popen(["tune", "kurobako", "solver", "--search", "random", "--scheduler", "asha", "--set", "scheduler.mode=stop"],
>                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
> def say(m): p.stdin.write(json.dumps(m) + "\n"); p.stdin.flush()
> def hear(): return json.loads(p.stdout.readline())
> hear()
> say({"type": "CREATE_SOLVER_CAST", "solver_id": 5, "random_seed": 1, "problem": {"name": "curve", "steps": 9,
>   "params_domain": [{"name": "x", "range": {"type": "CONTINUOUS", "low": 0.0, "high": 1.0}, "distribution": "UNIFORM"}],
>   "values_domain": [{"name": "y", "range": {"type": "CONTINUOUS"}, "distribution": "UNIFORM"}]}})
> next_id, steps, pruned, at = 0, 0, set(), {}
> for _ in range(120):
>     say({"type": "ASK_CALL", "solver_id": 5, "next_trial_id": next_id})
>     reply = hear()
>     trial, next_id = reply["trial"], reply["next_trial_id"]
>     if trial["next_step"] is None:
>         pruned.add(trial["id"]); continue
>     assert trial["next_step"] == at.get(trial["id"], 0) + 1 and trial["id"] not in pruned
>     at[trial["id"]] = trial["next_step"]
>     say({"type": "TELL_CALL", "solver_id": 5, "trial": {"id": trial["id"], "values": [trial["params"][0] / trial["next_step"]], "current_step": trial["next_step"]}})
>     assert hear() == {"type": "TELL_REPLY"}
> print(0 < len(pruned) < next_id, max(at.values()))
> END
$ python3 play.py
True 9

# Two values, three asks: the best again rather than an end that the protocol does not have.
$ (sed -n 2p exchange; for i in 0 1 2; do echo '{"type":"ASK_CALL","solver_id":1,"next_trial_id":'$i'}'; echo '{"type":"TELL_CALL","solver_id":1,"trial":{"id":'$i',"values":['$i',1.0],"current_step":9}}'; done) | tune kurobako solver --search grid | grep -c ASK_REPLY
3

$ tune kurobako solver --search gridd
error: <any>
...
[2]

$ tune kurobako
error: `tune kurobako` is a solver
  = help: kurobako solver command tune kurobako solver
[2]
