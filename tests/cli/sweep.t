# The main path: run, look, go on, reuse.

$ cat > config.json <<'END'
> {
>   "name": "quick", "tags": ["small"],
>   "command": ["awk", "-v", "x=${x}", "BEGIN { printf \"::tune {\\\"loss\\\": %.17g}\\n\", (x - 1) ^ 2 }"],
>   "params": {"x": {"type": "uniform", "min": -2, "max": 2}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 2},
>   "stop": {"trials": 6},
>   "points": [{"x": 1.0}]
> }
> END

$ tune sweep config.json --dry-run=2 -o csv -q
number,source,params,command
0,point,"{""x"":1}",<any>
1,sampler,<any>

$ ls
config.json

$ tune sweep config.json 2>/dev/null
tune: experiment=quick end=finished trials=6 complete=6 stopped=0 failed=0 infeasible=0 cancelled=0 best=0 trial=0 exit=0

$ tune sweep config.json 2>&1 >/dev/null | head -1
 quick: finished already, 6 trials; more: --trials N, or begin anew with --resume=never

$ tune sweep config.json --trials 8 2>&1 | sed -n '1,2p;$p'
 quick: resumed, 6 of 8 trials are done, best 0 (trial 0)
   changed stop.trials: 6 -> 8
tune: experiment=quick end=finished trials=8 complete=8 stopped=0 failed=0 infeasible=0 cancelled=0 best=0 trial=0 exit=0

$ tune ls -o csv
experiment,state,trials,finished,failed,best,best_trial,created,tags,front
quick,finished,8,8,0,0,0,<any>,small,

$ tune ls -o names --tag small; tune ls -o names --tag large
quick

$ tune trials --sort value --top 1 --columns number,state,value,x -o csv
number,state,value,x
0,complete,0,1

$ tune trials --where 'x < ' 2>&1 | head -1
error: <any>

$ tune trials --where 'loss < 0 or x > 100' -o json
[]

$ tune trials --state done
error: `done` is no state of a trial
  = help: queued, leased, running, paused, complete, stopped, failed, infeasible or cancelled
[2]

$ tune best
quick/0  0 loss  ▅
  x  1

$ tune best -o args
--x=1

$ tune best -o env
TUNE_P_X=1

$ tune best -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["params"]["x"])'
1

$ tune best --run 2>/dev/null
::tune {"loss": 0}

$ tune explain 0
quick/0  <any>
...
<any>taken from the config's `points`: x=1
...
<any>attempt 1 launched on worker 0 with 1 cpu, up to its end
...
<any>complete with 0 loss at step 1
           because <any>

$ tune show quick/0 -o json | python3 -c 'import json,sys; d = json.load(sys.stdin); print(d["state"], d["curve"], len(d["attempts"]))'
complete [0] 1

$ tune diff 0 1 --only-changed -o csv | cut -d, -f1
what
value
params.x
metrics.loss
argv

$ tune export --columns number,value --where 'number = 0' | tr -d '\r'
number,value
0,0

$ tune export --format journal | python3 -c 'import json,sys; print([json.loads(l)["seq"] for l in sys.stdin][:3])'
[1, 2, 3]

$ tune fsck && tune replay --verify
quick: <any> records, 8 trials, everything holds
quick: <any> records folded, <any> decisions made again, 0 mismatches

$ tune fsck --rebuild --complete -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["ok"])'
True

$ tune backup copy.db && tune --store copy.db ls -o names
copied tune.db to copy.db
quick

$ tune tag quick/0 keep && tune note quick/0 "the best" && tune show 0 | grep -c keep
1

$ tune trials quick --where 'tag = keep and note ~ BEST' --columns number,tags -o csv && tune trials quick --where 'tag != keep' -o csv | wc -l
number,tags
0,"[""keep""]"
8

$ tune archive quick && tune ls -o names && tune ls --all -o names && tune unarchive quick && tune ls -o names
quick: left out by `tune ls`; nothing of it is deleted
quick
quick: listed again
quick

$ tune archive quick/0
error: `tune archive` takes experiments, not trials
[2]

$ tune priority 7
error: which priority?
  = help: tune priority 7 --to 5
[2]

$ tune priority 7 --to high
error: `--to` is a whole number, not `high`
[2]

$ tune priority quick/99 --to 1
error: <any>
...
[4]

$ tune set quick stop.trials=9 && tune resume quick 2>/dev/null
quick: set; nobody runs it now: tune resume quick
tune: experiment=quick end=finished trials=9 complete=9 stopped=0 failed=0 infeasible=0 cancelled=0 best=0 trial=0 exit=0

$ tune retry 3 -q && tune enqueue quick -p x=0.5 -q && tune priority 9 --to 7 && tune priority quick/9 quick/3 --to -1 --reason later
quick/9: priority 7
quick/9: priority -1
quick/3: priority -1

$ tune explain 9 | grep priority
<any>priority<any>
<any>priority<any>

$ tune resume quick 2>/dev/null
tune: experiment=quick end=finished trials=10 complete=10 stopped=0 failed=0 infeasible=0 cancelled=0 best=0 trial=0 exit=0

$ tune enqueue quick -p x=0.5 --priority high
<any>
[2]

$ tune sweep config.json --set params.x.max=1 2>&1
error: <any>E040<any>
  = help: <any>
[5]

$ tune sweep config.json --resume=never --trials 2 -q
tune: experiment=quick-2 <any> trials=2 <any>

$ tune status 2>&1 | head -1
error: <any>

$ mkdir -p tune.db.d/checkpoints/.saving-1-1 && echo 123456789 > tune.db.d/checkpoints/.saving-1-1/model && tune gc --dry-run
would delete 1 that no experiment refers to, 10 B

$ tune gc && tune gc && ls tune.db.d/checkpoints
deleted 1 that no experiment refers to, 10 B
nothing to delete

$ tune rm quick-2 --yes -q

$ tune rm quick
Delete `quick` with 10 trials and their files? Nobody is there to answer: say --yes.
[1]

$ tune rm quick --yes && tune ls -o names && ls tune.db.d
quick: deleted
...
