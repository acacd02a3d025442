# Ctrl-C, kill, two owners, commands from elsewhere.

$ cat > config.json <<'END'
> {
>   "name": "slow",
>   "command": ["bash", "-c", "echo \"::tune {\\\"loss\\\": $TUNE_P_X}\"; [ -e fast ] || sleep 60", "-", "${x}"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 2},
>   "shutdown": {"grace": "20s"},
>   "stop": {"trials": 4}
> }
> END

$ cat > running <<'END'
> until tune status slow -o json 2>/dev/null | grep -q '"running":2'; do sleep 0.05; done
> END

$ tune sweep config.json > out 2> err & pid=$!; . ./running; kill -INT $pid; wait $pid; echo "code $?"; tail -2 err; cat out
code 130
 interrupted: everything so far is kept. Go on with
          tune sweep config.json
tune: experiment=slow end=interrupted trials=<any> complete=0 <any> exit=130

$ tune trials --columns number,state,cause -o csv | head -3
number,state,cause
0,queued,shutdown
1,queued,shutdown

$ tune sweep config.json > out 2> err & pid=$!; . ./running; kill -TERM $pid; wait $pid; echo "code $?"
code 143

$ sed -i 's/"bash", "-c", "/"bash", "-c", "trap : TERM; while [ ! -e fast ]; do sleep 0.1; done; /' config.json

$ tune sweep config.json > out 2> err & pid=$!; . ./running; kill -INT $pid; sleep 0.3; kill -INT $pid; wait $pid; echo "code $?"; tune status | head -1
code 130
 slow  interrupted  <any>  0/4 trials

$ tune sweep config.json > out 2> err & pid=$!; . ./running
> tune sweep config.json -q; echo "second: $?"
> tune status slow --wait --timeout 200ms > /dev/null; echo "wait: $?"
> tune enqueue slow -p x=0.25; tune cancel slow/0; tune note slow/1 "from outside"; tune set slow stop.trials=5
> tune pause slow; tune resume slow
> tune pause slow/1; echo "refused: $?"
> kill -KILL $pid; wait $pid 2>/dev/null; tune status | tail -1
error: another tune owns this experiment: pid <any> on <any>
  = help: <any>
second: 5
wait: 8
slow: queued
slow/0: cancelled
slow: set
slow: held back until `tune resume`
slow: goes on
error: <any>
...
refused: 5
...
   nobody runs it: tune resume slow

$ touch fast; tune resume slow -q
tune: experiment=slow end=finished trials=5 complete=4 stopped=0 failed=0 infeasible=0 cancelled=1 <any> exit=0

$ tune status --wait | head -1
 slow  finished  <any>  5/5 trials

$ tune fsck --complete
slow: <any> everything holds

$ rm fast; sed 's/"slow"/"lasting"/' config.json > lasting.json

$ tune sweep lasting.json > out 2> err & pid=$!; until tune status lasting -o json 2>/dev/null | grep -q '"running":2'; do sleep 0.05; done
> kill -HUP $pid; sleep 0.3; touch fast; wait $pid; echo "code $?"; tail -1 tune.db.d/lasting/tune.log
code 0
tune: experiment=lasting end=finished trials=4 complete=4 <any> exit=0

$ rm fast; sed 's/"slow"/"drained"/' config.json > drained.json

$ tune sweep drained.json --on-interrupt drain > out 2> err & pid=$!; until tune status drained -o json 2>/dev/null | grep -q '"running":2'; do sleep 0.05; done
> kill -INT $pid; sleep 0.3; touch fast; wait $pid; echo "code $?"; cat out
code 130
tune: experiment=drained end=interrupted trials=<any> complete=2 <any> exit=130
