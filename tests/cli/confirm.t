# A lucky best is found out by running the leaders again; replicates do it along the way; earlier experiments teach.

$ cat > config.json <<'END'
> {
>   "name": "lucky",
>   "command": ["awk", "-v", "x=${x}", "-v", "n=${trial.number}", "BEGIN { print \"::tune {\\\"loss\\\": \" (n == 0 ? 0 : x == 1 ? 5 : x) \"}\" }"],
>   "params": {"x": {"type": "int", "min": 1, "max": 9}},
>   "objective": {"metric": "loss"},
>   "search": {"type": "random"},
>   "stop": {"trials": 3},
>   "points": [{"x": 1}, {"x": 2}, {"x": 3}]
> }
> END

$ tune sweep config.json -q
tune: experiment=lucky end=finished trials=3 complete=3 stopped=0 failed=0 infeasible=0 cancelled=0 best=0 trial=0 exit=0

$ tune best lucky --confirm 2 -q -o csv
trial,seen,mean,error,seeds,failed,optimism
1,2,2,0,5,0,0
0,0,5,0,3,0,5

$ tune best lucky -o args
--x=2

$ tune best lucky --confirm 2 --json
{"experiment":"lucky","metric":"loss","best":1,"candidates":[{"trial":1,"seen":2,"mean":2,"standard_error":0,"optimism":0,"failed":0,"values":[2,2,2,2,2]},{"trial":0,"seen":0,"mean":5,"standard_error":0,"optimism":5,"failed":0,"values":[5,5,5]}]}

$ tune trials lucky --columns number,value -o csv | wc -l
12

$ tune explain lucky/3 | sed -n '2,3p'
     +0ms  confirms trial 0 with another seed: x=1
           because seed 1 of 3 to confirm trial 0 (tune)

$ tune replay lucky --verify
lucky: <any> 0 mismatches

$ tune sweep config.json --trials 4 -q
tune: experiment=lucky end=finished trials=12 <any>

$ tune sweep config.json --name three --parallel 1 --set 'replicates={"count": 3}' --trials 9 -q
tune: experiment=three end=finished trials=9 complete=9 stopped=0 failed=0 infeasible=0 cancelled=0 best=2 trial=3 exit=0

$ tune explain three/0 | grep -A1 'with 3.33'
<any>complete with 3.33333 loss at step 1
           because mean of 3 trials: 0, 5, 5 (tune)

$ tune sweep config.json --name taught --set 'warm_start=["three"]' --set 'points=[]' --trials 1 -q
tune: experiment=taught end=finished trials=1 complete=1 <any>

$ tune explain taught/0 | sed -n '2,3p'
     +0ms  taken from another experiment: x=2
           because the best of `three`, which this experiment learns from (tune)

$ tune replay taught --verify
taught: <any> 0 mismatches

$ tune check config.json --set search.type=gp --set 'stop.improvement={"min": 0.1}' | grep ends
ends after  3 trials or three unlikely improvements in a row

$ tune check config.json --set 'stop.improvement={"min": 0.1}' 2>&1 | head -1
error[E067]: search "random" has no model that could say how likely an improvement is

$ tune check config.json --set search.type=cmaes --set 'params.c=["a", "b"]' --set 'points=[]' 2>&1 | head -1
error[E066]: search "cmaes" cannot serve this experiment: <any>
