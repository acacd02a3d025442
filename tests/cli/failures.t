# Things that go wrong: the message, the next step, the exit code.

$ tune ls
error: <any>
...
[4]

$ tune resume quick 2>/dev/null; ls

$ cat > bad.json <<'END'
> {
>   "command": ["./prog", "--lr=${lr}"],
>   "params": {"lr": {"type": "loguniform", "min": 0.1, "max": 0.001}},
>   "objective": {"metric": "loss", "goal": "minimize"}, "sheduler": {"type": "fifo"}
> }
> END

$ tune sweep bad.json 2>&1 | grep -c 'bad.json:[34]:'; tune sweep bad.json 2>/dev/null
2
[2]

$ cat > config.json <<'END'
> {
>   "name": "fails",
>   "command": ["bash", "-c", "echo hello; echo 'it broke' >&2; exit 3", "-", "${x}"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 1},
>   "stop": {"trials": 3}
> }
> END

$ tune sweep config.json 2>&1
...
 ✗ trial 0    exit code 3 after <any>
   │ it broke
...
tune: experiment=fails end=finished trials=3 complete=0 stopped=0 failed=3 infeasible=0 cancelled=0 best=- trial=- exit=3
[3]

$ tune logs --failed
exit code 3  3 trials: 0 1 2
  │ it broke

$ tune logs 1; tune logs 1 --stderr
hello
it broke

$ tune best
error: no trial of `fails` has succeeded
  = help: tune logs fails --failed
[4]

$ tune show 7
error: experiment `fails` has no trial 7
  = help: they go from 0 to 2
[4]

$ tune trials nothing
error: <any>nothing<any>
...
[4]

$ tune retry fails
error: `fails` is an experiment; which trial?
  = help: tune trials fails
[2]

$ tune resume fails/0
error: <any>
...
[5]

$ cat > target.json <<'END'
> {
>   "name": "target",
>   "command": ["bash", "-c", "echo '::tune {\"loss\": 1}'", "-", "${x}"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 1},
>   "stop": {"trials": 2, "target": 0.5}
> }
> END

$ tune sweep target.json --require-target -q
tune: experiment=target <any> best=1 <any> exit=7
[7]

$ [ "$(id -u)" = 0 ] && { echo skipped: root may write anywhere; exit 6; }; mkdir locked; chmod 500 locked; tune -C locked sweep ../target.json
...
[6]

$ printf 'this is no database, but it is longer than a header of one would be: 0123456789012345678901234567890123456789' > foreign.db; tune --store foreign.db ls; echo $?; tune --store foreign.db sweep target.json -q; echo $?
error: <any>
...
1
error: <any>
...
1

$ cat > silent.json <<'END'
> {
>   "name": "silent",
>   "command": ["echo", "the loss is 0.5", "${x}"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 1},
>   "stop": {"trials": 2}
> }
> END

$ tune sweep silent.json 2>&1
...
 ✗ trial 0    ended without reporting the objective
   │ the loss is 0.5 <any>
   = help: have it print a line such as  ::tune {"loss": 0.5} <any>
...
tune: experiment=silent <any> failed=2 <any> exit=3
[3]

$ tune logs silent --failed | head -1
ended without reporting the objective  2 trials: 0 1
