# What would it have taken? Experiments in virtual time.

$ cat > rows.csv <<'END'
> config_id,lr,depth
> 0,0.001,2
> 1,0.01,2
> 2,0.1,4
> END
$ gzip rows.csv
$ for id in 0 1 2; do for epoch in 1 2 3 4; do
>   echo "$id,$epoch,$((epoch * (id + 1) * 600)),0.$((epoch + id))"
> done; done | (echo config_id,epoch,seconds,accuracy; cat) | gzip > lines.csv.gz
$ cat > table.json <<'END'
> {"format": "tune-bench-1", "kind": "curves",
>  "space": [{"name": "lr", "type": "float", "low": 0.001, "high": 0.1, "log": true}, {"name": "depth", "type": "int", "low": 1, "high": 4}],
>  "metrics": [{"name": "accuracy", "direction": "maximize", "primary": true}],
>  "cost": {"column": "seconds", "kind": "measured"},
>  "files": {"configs": {"file": "rows.csv.gz"}, "curves": {"file": "lines.csv.gz"}}}
> END

# The space and the objective may be the table's.
$ echo '{"search": {"type": "random"}, "stop": {"trials": 12}}' > config.json
$ tune simulate config.json --from table.json --workers 3 --seeds 3 --compare fifo,asha:max_step=4:mode=stop
table.json: 3 seeds, medians; 3 workers; the best 10 % of the recorded trials end at 0.6, the best 1 % at 0.6
SCHEDULER                   TIME  SLOT_HOURS  TRIALS  BEST  TO_TOP_10%  TO_TOP_1%   USE
fifo                       6h00m     15.3333      12   0.6       2h00m      2h00m  92 %
asha:max_step=4:mode=stop  3h20m     7.83333      12   0.6       2h00m      2h00m  87 %
$ tune simulate config.json --from table.json --workers 3 --json -q > first; tune simulate config.json --from table.json --workers 3 --json -q | diff first - && echo the same again
the same again
$ head -1 first
{"scheduler":"fifo","time":<any>,"slot_hours":<any>,"trials":12,"best":0.6,"to_top_10%":<any>,"to_top_1%":<any>,"use":<any>}
$ tune simulate config.json --from table.json --workers 3 --seeds 3 --compare auto,auto:max_step=4 --json -q | cut -d, -f1-2
{"scheduler":"auto","time":21600
{"scheduler":"auto:max_step=4","time":12000
$ tune simulate config.json --from table.json --set 'params={"lr":{"type":"loguniform","min":0.005,"max":1},"width":{"type":"int","min":1,"max":9}}' --seeds 1
make no difference, because either the config or `table.json` lacks them: width, depth
1 recorded trials lie outside the space of the config and are left out
...

# An experiment of the store: seconds as they were, what was cut short goes on as the others did.
$ cat > real.json <<'END'
> {"name": "real", "command": ["bash", "-c", "for s in 1 2 3; do echo \"::tune {\\\"step\\\": $s, \\\"loss\\\": 0.$((4 - s))}\"; sleep 0.05; done"],
>  "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss"},
>  "search": {"type": "random"}, "stop": {"trials": 4}, "executor": {"type": "process", "parallel": 2}}
> END
$ tune sweep real.json -q > out
$ cp tune.db before.db; tune simulate config.json --from real --workers 4 --compare fifo --json -q
{"scheduler":"fifo","time":<any>,"slot_hours":<any>,"trials":12,"best":0.1,<any>
$ tune ls --json | wc -l; ls
1
before.db
...

# What is wrong is said.
$ tune simulate config.json
error: what are trials taken from?
  = help: --from EXPERIMENT of the store, --from TABLE.json, or --from curve
[2]
$ tune simulate config.json --from reel
error: <any>
...
[4]
$ tune simulate config.json --from none.json
error: there is no file none.json
[4]
$ tune simulate config.json --from table.json --compare fifo,nope
error: there is no scheduler `nope`
  = help: there are <any>fifo<any>
[2]
$ tune simulate config.json --from table.json --compare asha:zeta=3
error: `zeta=3` sets no option of asha
...
[2]
$ tune simulate config.json --from table.json --with crash=often
error: `--with` takes KEY=NUMBER, not `crash=often`
...
[2]
$ echo '{}' > endless.json; tune simulate endless.json --from table.json -q
error: nothing in the config says when the experiment is over
...
[2]

# What will it take? Before it is begun, from what a trial costs.
$ tune forecast config.json
error[E005]: the config needs `objective`
...
[2]
$ cat > plan.json <<'END'
> {"name": "plan", "command": ["bash", "-c", "for s in 1 2 3; do echo \"::tune {\\\"step\\\": $s, \\\"loss\\\": 0.$RANDOM}\"; sleep 0.5; done"],
>  "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss"},
>  "search": {"type": "random"}, "stop": {"trials": 40}, "executor": {"type": "process", "parallel": 2}}
> END
$ tune forecast plan.json
error: nothing tells how long a trial takes: none has reported yet
  = help: for a config: --trial-cost 5m, --step-seconds 20, or --from an experiment or table that measured it
[2]
$ tune forecast plan.json --trial-cost 5m --workers 8 --cost-per-slot-hour 2
64 futures on 8 slots, by 300 seconds a step
WHAT <any> 10% <any> 50% <any> 90%
time in all <any>
slot-hours <any>
cost <any>
trials <any> 40 <any> 40 <any> 40
failed <any> 0 <any> 0 <any> 0
$ tune forecast plan.json --step-seconds 20 --set 'scheduler={"type":"asha","max_step":9}' --set 'checkpoint={}' -q --json | grep step
{"what":"trials at step 1","10%":40,"50%":40,"90%":40}
{"what":"trials at step 3","10%":<any>}
...
$ tune forecast config.json --from table.json --workers 2 -q
WHAT <any>
time in all <any>
...
$ tune forecast plan.json --trial-cost soon
error: `--trial-cost` is a duration such as 90s or 1h30m, not `soon`
[2]
$ tune forecast plan.json --cost-per-slot-hour -1 --trial-cost 1m
error: `--cost-per-slot-hour` is a number above 0, not `-1`
[2]

# And while it runs, from what its trials took.
$ tune sweep plan.json -q > out & until tune status plan 2>/dev/null | grep -q "complete [1-3][0-9]"; do sleep 0.1; done
> tune status plan; tune status plan --json | grep -o '"forecast":{"left_seconds":.*"slot_hours"'; tune forecast plan; wait
...
   ends in <any> (<any> to <any>), <any> slot-hours in all (<any> to <any>)
...
"forecast":{"left_seconds":[<any>,<any>,<any>],"slot_hours"
plan: 64 futures on 2 slots, by the pace of <any> trials
WHAT <any>
time left <any>
time in all <any>
slot-hours <any>
trials <any> 40 <any> 40 <any> 40
failed <any>
$ tune forecast plan
`plan` has ended: tune status plan
$ tune forecast plan --trial-cost 5m
error: `--trial-cost` goes with a config; an experiment tells by what it measured
[2]
$ tune forecast real/1
error: `real/1` is a trial; this is about an experiment
[2]
