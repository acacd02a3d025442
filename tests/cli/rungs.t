# What became of the trials at each rung.

$ cat > train.sh <<'END'
> for step in 1 2 3 4 5 6 7 8 9; do
>   printf '{"step":%d,"loss":%s,"sync":true}\n' "$step" "$(awk -v x="$1" -v s="$step" 'BEGIN { print (x - 3) ^ 2 + 1 / s }')" >&"$TUNE_FD"
>   read -r answer <&"$TUNE_FD"
>   if [[ $answer == *'"stop"'* ]]; then exit 0; fi
> done
> END
$ cat > config.json <<'END'
> {
>   "name": "halved",
>   "command": ["bash", "train.sh", "${x}"],
>   "params": {"x": {"type": "int", "min": 0, "max": 8}},
>   "objective": {"metric": "loss"},
>   "order": {"mode": "logical", "slots": 1},
>   "search": {"type": "grid"},
>   "scheduler": {"type": "asha", "max_step": 9}
> }
> END

$ tune sweep config.json -q -j 1 > out; tune rungs
BRACKET  RUNG  STEP  RECORDED  WENT_ON  PAUSED  STOPPED  COMPLETE       CUT      BEST
      0     0     1         9        4       0        5         0         2         1
      0     1     3         4        4       0        0         0  0.333333  0.333333
      0     2     9         4        0       0        0         4         -  0.111111

$ tune rungs halved --json | head -1
{"bracket":0,"rung":0,"step":1,"recorded":9,<any>}

$ tune explain halved/0 | grep 'rung 0'
<any>at rung 0 of bracket 0, step 1, it had 10, rank 1 of 1, and the cut was 10
           because rung 0 at step 1: rank 1 of 1, the best one goes on (asha)

$ grep -v scheduler config.json | sed 's/"grid"},/"grid"}/' > plain.json; tune sweep plain.json -q -j 1 --name plain > out; tune rungs plain
error: `plain` has no rungs: its scheduler is fifo
  = help: asha and hyperband have rungs
[4]

$ tune sweep config.json -q -j 1 --set scheduler.min_step=20 --set scheduler.max_step=60 --name early > out; tune rungs early
error: no trial of `early` has come to a rung: the furthest report is of step 9, and no rung is below step 20
  = help: trials are judged only if they report while they run, with a step that grows
[4]
