# What goes where, and in which form.

$ cat > config.json <<'END'
> {
>   "name": "out",
>   "command": ["awk", "-v", "x=${x}", "BEGIN { printf \"::tune {\\\"loss\\\": %.17g}\\n\", x }"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"type": "process", "parallel": 1},
>   "stop": {"trials": 3}
> }
> END

$ tune sweep config.json > all 2>&1; grep -c $'\x1b\|\r' all; tail -1 all | cut -d' ' -f1-4
0
tune: experiment=out end=finished trials=3

$ tune sweep config.json --trials 5 --json 2>err | python3 -c '
> import json, sys
> events = [json.loads(line) for line in sys.stdin]
> assert all(e["v"] == 1 and "seq" in e and "ts" in e for e in events)
> assert [e["seq"] for e in events] == sorted(e["seq"] for e in events)
> print(sorted({e["event"] for e in events}), events[-1]["exit_code"])'; cat err
['attempt.ended', <any>'experiment.ended', 'experiment.finishing', <any>'trial.finished', 'trial.proposed', 'trial.started'] 0

$ tune sweep config.json -q
tune: experiment=out end=finished trials=5 <any>

$ tune sweep config.json --trials 6 --metrics-addr 127.0.0.1:0 --print-cmd 2>&1 | grep -c '^ metrics on http://127.0.0.1:\|^ [$] awk -v x='
2

$ tune --color always ls | grep -c $'\x1b'
2

$ NO_COLOR=1 CLICOLOR_FORCE=1 tune ls | grep -c $'\x1b'
0
[1]

$ CLICOLOR_FORCE=1 tune ls | grep -c $'\x1b'
2

$ tune --color mauve ls
error: `--color` is auto, always or never, not `mauve`
[2]

$ tune trials --json | python3 -c 'import json,sys; print([json.loads(l)["number"] for l in sys.stdin])'
[0, 1, 2, 3, 4, 5]

$ tune sweep config.json --name closed >&-; tune ls -o names
...
closed
out

$ tune sweep config.json --name piped --trials 40 2>&1 | true; tune status piped -o json | cut -d, -f1,2
{"experiment":"piped","state":"finished"
