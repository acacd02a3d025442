# check, explain and init: before the first trial.

$ tune init python && tune check config.json -q > /dev/null && echo fine
wrote config.json
wrote <any>
...
fine

$ tune init python
error: `config.json` is there already
  = help: tune init --force overwrites it
[5]

$ tune init pyhton --force
error: <any>
  = help: <any>
[4]

$ mkdir guess && cd guess && tune init --from './train --lr 0.1 --width 64' -q && tune sweep config.json --dry-run=1 -q -o csv | cut -d, -f1,2
number,source
0,point

$ tune explain E021 | head -1
E021: max is not greater than min

$ tune explain scheduler.asha.eta | head -1
scheduler.asha.eta: <any>

$ tune explain shceduler.asha
error: <any>
...
[4]

$ echo '{"objective": {"metric": "loss", "goal": "minimise"},}' > bad.json; tune check bad.json > /dev/null 2>&1
[2]

$ tune check bad.json --format json | python3 -c 'import json,sys; print(all({"code", "line", "column"} <= set(d) for d in json.load(sys.stdin)))'
True

$ tune doctor -o json | python3 -c 'import json,sys; print([d["subject"] for d in json.load(sys.stdin)])'
['machine', 'cgroup', 'descriptors', 'processes', 'file system', 'store', 'clock']

$ tune doctor --protocol -q -- bash -c 'echo "::tune {\"step\":1,\"loss\":1}"'
yes <any>reports <any>
...
