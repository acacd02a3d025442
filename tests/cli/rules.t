# Stop rules beside a scheduler, and what they say.

$ cat > train.sh <<'END'
> for step in 1 2 3 4 5 6 7 8 9; do
>   printf '{"step":%d,"loss":%s,"heat":%s,"sync":true}\n' "$step" "$(awk -v x="$1" -v s="$step" 'BEGIN { print x + 1 / s }')" "$(($1 * step))" >&"$TUNE_FD"
>   read -r answer <&"$TUNE_FD"
>   if [[ $answer == *'"stop"'* ]]; then exit 0; fi
> done
> END
$ cat > config.json <<'END'
> {
>   "name": "ruled",
>   "command": ["bash", "train.sh", "${x}"],
>   "params": {"x": {"type": "int", "min": 0, "max": 4}},
>   "objective": {"metric": "loss"},
>   "order": {"mode": "logical", "slots": 1},
>   "search": {"type": "grid"},
>   "scheduler": {
>     "type": "asha", "min_step": 3, "max_step": 9,
>     "rules": [
>       {"type": "threshold", "metric": "heat", "max": 10},
>       {"type": "patience", "steps": 3, "min_delta": 0.2}
>     ]
>   }
> }
> END

$ tune check config.json | grep -A2 '^scheduler'
scheduler   asha brackets=1 eta=3 max_step=9 min_step=3 mode=stop
rule        threshold after_step=0 max=10 metric=heat
rule        patience min_delta=0.2 steps=3

$ tune sweep config.json -q -j 1 > out; tune trials --columns number,x,state,last_step -o csv
number,x,state,last_step
0,0,stopped,7
1,1,stopped,3
2,2,stopped,3
3,3,stopped,3
4,4,stopped,3

$ tune explain ruled/0 | grep 'because rule' | head -1
           because rule patience: at step 7 it is not better by more than 0.2 than the 0.25 of step 4 (patience)

# At the same step as its rung, and asked first.
$ tune explain ruled/4 | grep 'because rule' | head -1
           because rule threshold: at step 3 `heat` is 12, above 10 (threshold)

$ tune explain ruled/3 | grep 'because r' | head -1
           because rung 0 at step 3: rank 4 of 4, the best one goes on (asha)

$ tune check config.json --set 'scheduler.rules=[{"type": "asha"}]'
error[E069]: "asha" is no rule, for it does more than stop trials
...
   = help: there are median, percentile, patience, threshold, curve, racing
   = more: tune explain E069
[2]
