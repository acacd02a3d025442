# Which parameters matter.

$ cat > config.json <<'END'
> {
>   "name": "known",
>   "command": ["awk", "-v", "x=${x}", "-v", "y=${y}", "BEGIN { printf \"::tune {\\\"loss\\\": %.17g, \\\"size\\\": %g}\\n\", (x - 0.3)^2 + 0.01 * y, y }"],
>   "params": {"x": {"type": "uniform", "min": 0, "max": 1}, "y": {"type": "uniform", "min": 0, "max": 1},
>              "c": ["a", "b"], "k": {"type": "int", "min": 1, "max": 5, "when": {"c": "a"}}, "fixed": 3},
>   "objectives": [{"metric": "loss", "goal": "minimize"}, {"metric": "size", "goal": "maximize"}],
>   "search": {"type": "random"},
>   "stop": {"trials": 60}
> }
> END

$ tune importance
error: there is no store <any>
...
[4]

$ tune sweep config.json -q --trials 1 > out; tune importance
error: `known` has 1 trial that importance could be told from
  = help: it takes at least 2, and about 100 for a good answer
[4]

$ tune sweep config.json -q > out; tune importance
what decides whether a trial is among the best tenth by `loss` (PED-ANOVA, 60 trials); importances sum to 1
PARAMETER  IMPORTANCE  SPREAD
x               0.<any>  0.<any>  ████████████████████
...

$ tune importance known --objective size --json -q | head -1
{"parameter":"y","importance":0.9<any>,"spread":<any>}

$ tune importance --method fanova -o csv
share of the variance of `loss` that each parameter explains alone (fANOVA, 60 trials); together: 0.<any>
parameter,importance,spread
x,0.9<any>
...

$ tune importance --method shapley
error: `--method` is ped-anova or fanova, not `shapley`
[2]

$ tune importance --objective lass
error: `lass` is no objective of `known`
  = help: did you mean `loss`?
[2]

$ tune importance known extra
error: `tune importance` takes one experiment
...
[2]
