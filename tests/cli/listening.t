# An address that others could reach is refused before anything starts, also where nobody would read a warning.

$ cat > config.json <<'END'
> {
>   "name": "alone",
>   "command": ["sh", "-c", "touch started; printf '{\"loss\":1}\\n' >&\"$TUNE_FD\""],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss"},
>   "executor": {"type": "process", "parallel": 1},
>   "stop": {"trials": 1}
> }
> END

$ tune sweep config.json -q --ui=0.0.0.0:0
error: 0.0.0.0:0 could be reached from other machines; tune serves this one only
<any>
[2]

$ tune sweep config.json -q --metrics-addr '[::]:0' 2>&1 | head -1
error: [::]:0 could be reached from other machines; tune serves this one only

$ tune sweep config.json --json --ui=127.0.0.1:0 --metrics-addr 192.0.2.1:9464 2> err
[2]

$ tune sweep config.json -q --set 'metrics.address="0.0.0.0:0"' 2>&1 | head -1
error: 0.0.0.0:0 could be reached from other machines; tune serves this one only

$ tune sweep config.json -q --ui=nowhere 2>&1 | head -1
error: 'nowhere' is not an address to listen on

$ ls
config.json
err

# A port that is taken need not end a sweep.
$ tune sweep config.json --ui=127.0.0.1:0 --metrics-addr 127.0.0.1:0 2> err; grep -c ' on http://127.0.0.1:' err
<any>
2

$ ls
config.json
err
started
tune.db
tune.db.d
