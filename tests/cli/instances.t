# Trials on several instances: a run of the program for each, and a race.

$ cat > solve.sh <<'END'
> echo "$1 $2 $TUNE_SEED" >> runs
> echo "::tune {\"loss\": $(( $2 * 100 + TUNE_SEED % 50 ))}"
> END
$ cat > config.json <<'END'
> {
>   "name": "race", "seed": 3,
>   "instances": ["a", "b", "c", "d", "e", "f", "g", "h"],
>   "command": ["bash", "solve.sh", "${instance}", "${x}"],
>   "params": {"x": {"type": "int", "min": 0, "max": 3}},
>   "objective": {"metric": "loss"},
>   "search": {"type": "grid"},
>   "scheduler": {"type": "racing"},
>   "executor": {"type": "process", "parallel": 1}
> }
> END
$ tune check --effective config.json | grep -A5 '"objective"'
  "objective": {
    "metric": "loss",
    "goal": "minimize",
    "reduce": "mean_last_k",
    "k": 8
  },
$ tune sweep config.json -q
tune: experiment=race end=finished trials=4 complete=1 stopped=3 <any> trial=0 exit=0

# The first has been on all eight, the others on five, in the same order and with the same seeds.
$ tune trials race --columns number,state,last_step
NUMBER  STATE     LAST_STEP
     0  complete          8
     1  stopped           5
     2  stopped           5
     3  stopped           5
$ for x in 0 1 2 3; do awk -v x=$x '$2 == x { print $1, $3 }' runs | head -5 | md5sum; done | sort -u | wc -l
1
$ awk '$2 == 0 { print $1 }' runs | sort | tr -d '\n'; awk '{ print $3 }' runs | sort -u | wc -l
abcdefgh8
$ tune explain race/2 | grep 'because [io]'
           because instance 2 of 8 (tune)
           because instance 3 of 8 (tune)
           because instance 4 of 8 (tune)
           because instance 5 of 8 (tune)
           because on 5 instances its mean is <any>, that of trial 0 <any>: p 0.03125 < 0.06079 at look 1 (racing)
...
$ tune replay race --verify
race: <any> 0 mismatches

# Without ${instance} the program goes through the list itself.
$ cat > all.sh <<'END'
> step=0
> for name in $(tr -d '[]"' < "$TUNE_INSTANCES" | tr ',' ' '); do
>   step=$((step + 1)); echo "::tune {\"step\": $step, \"loss\": $step}"
> done
> echo "$TUNE_SEED" >> seeds
> END
$ tune sweep config.json --set name=whole --set 'command=["bash", "all.sh"]' --set scheduler.type=fifo -q
tune: experiment=whole <any> complete=4 <any> best=4.5 <any>
$ sort -u seeds | wc -l
1

# A program that says nothing of an instance, or fails on it.
$ tune sweep config.json --set name=silent --set 'command=["true", "${instance}"]' --set scheduler.type=fifo -q
tune: experiment=silent <any> failed=4 <any>
[3]
$ tune explain silent/0 | grep 'because no'
           because no-metric on instance 1, `<any>`: it ended without reporting `loss` (tune)
$ tune check config.json --set 'instances=["a", "a"]'
error[E025]: the instance `a` is listed twice
...
[2]
