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
error: 0.0.0.0:0 could be reached from other machines, and whoever is in between could read the token
<any>
[2]

$ tune sweep config.json -q --metrics-addr '[::]:0' 2>&1 | head -1
error: [::]:0 could be reached from other machines, and whoever is in between could read the token

$ tune sweep config.json --json --ui=127.0.0.1:0 --metrics-addr 192.0.2.1:9464 2> err
[2]

$ tune sweep config.json -q --set 'metrics.address="0.0.0.0:0"' 2>&1 | head -1
error: 0.0.0.0:0 could be reached from other machines, and whoever is in between could read the token

$ tune sweep config.json -q --ui=nowhere 2>&1 | head -1
error: 'nowhere' is not an address to listen on

$ tune sweep config.json -q --tls 2>&1 | head -1
error: there is nothing to encrypt

$ tune sweep config.json -q --ui --host gpu1.lab 2>&1 | head -1
error: `--host` is a name for a certificate, and there is none

$ tune sweep config.json -q --ui --tls --host '*.lab' 2>&1 | head -1
error: `*.lab` is not a machine's name or address

$ tune sweep config.json -q --ui --tls-cert none.pem 2>&1 | head -1
error: `--tls-cert` and `--tls-key` need each other

$ tune sweep config.json -q --ui --tls --tls-cert none.pem --tls-key none.pem 2>&1 | head -1
error: `--tls` makes a certificate, `--tls-cert` brings one: it is one or the other

$ tune sweep config.json -q --ui --tls-cert none.pem --tls-key none.pem 2>&1 | head -1
error: cannot use none.pem as a certificate: No such file or directory

$ tune sweep config.json -q --metrics-addr 0.0.0.0:0 --tls --metrics-public 2>&1 | head -1
error: metrics without the token are for this machine only, and 0.0.0.0:0 is for others

$ tune sweep config.json -q --viewers 2>&1 | head -1
error: there is nothing for viewers to look at

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
