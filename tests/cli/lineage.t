# From whose checkpoints a trial comes, and its schedule again.

$ cat > config.json <<'END'
> {
>   "name": "toy",
>   "command": ["simulated", "${args}"],
>   "params": {"h0": {"type": "uniform", "min": 0, "max": 1}, "h1": {"type": "uniform", "min": 0, "max": 1}},
>   "objective": {"metric": "Q", "goal": "maximize"},
>   "search": {"type": "random"},
>   "scheduler": {"type": "pbt", "population": 4, "interval": 10, "max_step": 100},
>   "executor": {"type": "simulator", "from": "pbt", "workers": 4},
>   "checkpoint": {}
> }
> END

$ tune check config.json --effective | grep -E '"(trials|every)"'
    "trials": 4
    "every": 10

$ tune sweep config.json -q > out; tune best toy -o json
{"experiment":"toy","trial":2,"metric":"Q","value":1.1673490259131742,<any>}

$ tune lineage toy/2
FROM_STEP  TO_STEP  TRIAL  DONOR  PARAMS
        0       30      1      -  h0=0.896812 h1=0.945334
       30      100      2      1  h0=1 h1=0.972255

$ tune explain toy/2 | grep -A1 'takes over'
<any>takes over from trial 1 at step 30: h0=1 h1=0.972255
           because rank 4 of 4 at step 30: goes on from step 30 of trial 1, rank 1, with h0 <any> -> 1, h1 <any> (pbt)

$ tune lineage toy/2 --config > again.json; tune sweep again.json -q > out; tune best toy-lineage-2 -o json
{"experiment":"toy-lineage-2","trial":0,"metric":"Q","value":1.1673490259131742,<any>}

$ tune replay toy --verify; tune replay toy-lineage-2 --verify
toy: <any>, 0 mismatches
toy-lineage-2: <any>, 0 mismatches

$ tune lineage
error: of which trial?
  = help: tune lineage 7
[2]
