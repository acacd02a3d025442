# Is one experiment better than another?

$ cat > config.json <<'END'
> {
>   "name": "near",
>   "command": ["awk", "-v", "x=${x}", "BEGIN { printf \"::tune {\\\"loss\\\": %.17g}\\n\", x }"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "search": {"type": "random"},
>   "stop": {"trials": 12}
> }
> END
$ for s in 1 2 3 4; do tune sweep config.json -q --name near-$s --seed $s; tune tag near-$s near; done > out
$ for s in 1 2 3 4; do tune sweep config.json -q --name far-$s --seed $s --set params.x.min=0.5; tune tag far-$s far; done > out

$ tune compare tag:near tag:far
LOSS <any> A <any> B <any> A - B
best after 3 <any>
best after 6 <any>
best after 12 <any>
trials to reach <any>
time to reach <any>

a (tag:near) is better than b (tag:far): rank-sum p = 0.0285714 over 4 and 4 experiments

$ tune compare far-1 far-2 far-3 far-4 -- near-1 near-2 near-3 near-4 | tail -1
a (far-1 far-2 far-3 far-4) is worse than b (near-1 near-2 near-3 near-4): rank-sum p = 0.0285714 over 4 and 4 experiments

$ tune compare near-1 near-2
one experiment a side: the intervals resample its trials and know nothing of other seeds; several a side are better evidence: tune compare A1 A2 … -- B1 B2 …
...

a (near-1) is not distinguishable from b (near-2)

$ tune compare tag:near tag:far --json | python3 -c '
> import json, sys
> c = json.loads(sys.stdin.read())
> print(c["metric"], c["goal"], c["a"], c["trials"], [b["after"] for b in c["best"]], c["verdict"], c["superiority"], sorted(c["reach"]))'
loss minimize ['near-1', 'near-2', 'near-3', 'near-4'] 12 [3, 6, 12] better 1 ['a_seconds', 'a_trials', 'b_seconds', 'b_trials', 'value']

$ tune sweep config.json -q --name other --set objective.goal=maximize > out; tune compare near-1 other
error: `other` maximizes `loss`, the first one minimizes `loss`
  = help: only experiments with the same objective can be compared; --objective chooses among several
[2]

$ tune compare near-1
error: `tune compare` takes two experiments, or two groups with `--` between them
  = help: tune compare A B; tune compare A1 A2 -- B1 B2; tune compare tag:x tag:y
[2]

$ tune compare near-1 near-1
error: `near-1` stands on both sides
[2]

$ tune compare near-1 neer
error: <any>neer<any>
...
[4]

$ tune compare tag:none near-1
error: no experiment has the tag `none`
  = help: tune ls
[4]
