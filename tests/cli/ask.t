# Trials that somebody else runs.

$ cat > space.json <<'END'
> {
>   "params": {"lr": {"type": "loguniform", "min": 1e-4, "max": 1}, "opt": ["sgd", "adam"]},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "search": {"type": "random"},
>   "stop": {"trials": 5}
> }
> END

$ tune create space.json
space: created; tune ask space

$ tune status
 space  asked <any> 0/5 trials
   driven from outside: tune ask space

$ tune create space.json
error: there is an experiment `space` already
  = help: tune ask space, or create another with --name
[5]

$ tune resume space
error: `space` has no command to run: its trials are asked for
  = help: tune ask space
[2]

$ tune ask
space/0
  lr   <any>
  opt  <any>

$ id=$(tune ask space -o id) && echo $id && tune tell $id loss=0.5
space/1
complete

$ tune ask -o json
{"id":"space/2","trial":2,"attempt":1,"params":{"lr":<any>,"opt":"<any>"},"why":"drawn at random"}

$ eval "$(tune ask -o env)"; echo $TUNE_TRIAL_ID ${TUNE_P_LR:+set}; tune tell space 2 --state lost; tune ask space -o args
space/3 set
queued
trial space/2
--lr=<any> --opt=<any>

$ tune report space/2 step=1 loss=0.4; tune tell space/2 --json
continue
{"id":"space/2","state":"complete"}

$ tune ask -o id -q; tune ask
space/4
error: nothing to do for now: all 5 trials are given out
[5]

$ tune tell 3 --state failed --text 'no more room'; tune tell 0 loss=nan; tune tell 4 loss=0.1 step=7; tune ask
failed
failed
complete
error: `space` is over: all 5 trials are done
  = help: tune best space
[4]

$ tune best -o json; tune ls -o csv | tail -1 | cut -d, -f1-5
{"experiment":"space","trial":4,"metric":"loss","value":0.1,<any>
space,finished,5,5,2

$ tune replay --verify; tune fsck
space: <any> decisions made again, 0 mismatches
space: <any> everything holds

$ tune tell 4 loss=0.2
error: trial 4 is complete already
[5]

$ tune tell 9 loss=0.2
error: experiment `space` has no trial 9
  = help: they go from 0 to 4
[4]

$ tune tell loss=0.2
error: which trial?
  = help: tune tell digits/7 loss=0.3
[2]

$ tune tell 4 loss=low
error: `loss=low` is no value
  = help: loss=0.3; nan, inf and -inf are values too
[2]

$ tune tell 4 --state done
error: `--state` is complete, failed, infeasible, cancelled or lost, not `done`
[2]

# Many at once: nobody is refused, nobody gets what another got.
$ tune create space.json --name many --set stop.trials=12 -q
$ for i in 1 2 3 4 5 6; do (id=$(tune ask many -o id) && tune tell $id loss=0.$i > /dev/null && tune ask many -o id) & done | sort -u | wc -l; wait
6

$ tune replay many --verify
many: <any> 0 mismatches

# One process, JSON lines.
$ tune create space.json --name lines -q; printf '%s\n' '{"ask":{}}' '{"report":0,"step":1,"metrics":{"loss":0.5}}' '{"id":1,"tell":0,"metrics":{"loss":"inf","time":3}}' '{"best":{}}' '{"tell":7}' 'what' '{"ask":{"lease":"soon"}}' | tune ask lines --serve
{"trial":0,"attempt":1,"params":{<any>},"why":"drawn at random"}
{"order":"continue"}
{"id":1,"told":0,"state":"complete"}
{"best":null}
{"error":"there is no trial 7","hint":"they go from 0 to 0"}
{"error":"no JSON: <any>"}
{"error":"`lease` is a duration","hint":"\"lease\":\"10m\""}

# From inside a trial; a child of it may have lost the descriptor.
$ cat > within.json <<'END'
> {"name": "within", "command": ["bash", "-c", "for s in 1 2 3; do tune report step=$s loss=${x} || exit 1; done; exec {TUNE_FD}>&-; tune report step=4 loss=0.5"],
>  "params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss", "goal": "minimize"},
>  "executor": {"type": "process", "parallel": 1}, "stop": {"trials": 2}}
> END
$ tune sweep within.json -q > out; tune logs within/1; tune trials within --columns number,state,last_step,value -o csv
continue
continue
continue
continue
number,state,last_step,value
0,complete,4,0.5
1,complete,4,0.5

$ tune report step=1 loss=0.5
continue

$ tune report loss
error: <any>
...
[2]
