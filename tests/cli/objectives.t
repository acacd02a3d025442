# Several objectives: the best are those that no other beats.

$ cat > config.json <<'END'
> {
>   "name": "trade",
>   "command": ["awk", "-v", "x=${x}", "BEGIN { printf \"::tune {\\\"loss\\\": %g, \\\"speed\\\": %g}\\n\", x, x < 0.5 ? x : 0.25 }"],
>   "params": {"x": {"type": "grid", "values": [0.1, 0.2, 0.4, 0.6, 0.8]}},
>   "objectives": [{"metric": "loss", "goal": "minimize"}, {"metric": "speed", "goal": "maximize"}],
>   "search": {"type": "grid"}, "executor": {"type": "process", "parallel": 1}
> }
> END

$ tune sweep config.json -q
tune: experiment=trade end=finished trials=5 complete=5 stopped=0 failed=0 infeasible=0 cancelled=0 best=0.1 trial=0 exit=0 front=3

$ tune best
trade: 3 trials, none of which beats another in everything, hypervolume 0.1718 up to 0.88 loss   0.09 speed
TRIAL  LOSS  SPEED    X
    0   0.1    0.1  0.1
    1   0.2    0.2  0.2
    2   0.4    0.4  0.4

$ tune best -q --reference 1,0 -o json
{"experiment":"trade","objectives":[{"metric":"loss","goal":"minimize"},{"metric":"speed","goal":"maximize"}],"front":[{"trial":0,"values":{"loss":0.1,"speed":0.1},"params":{"x":0.1}},{"trial":1,"values":{"loss":0.2,"speed":0.2},"params":{"x":0.2}},{"trial":2,"values":{"loss":0.4,"speed":0.4},"params":{"x":0.4}}],"hypervolume":0.29<any>,"reference":{"loss":1,"speed":0}}

$ tune best -q -o csv
trial,loss,speed,x
0,0.1,0.1,0.1
1,0.2,0.2,0.2
2,0.4,0.4,0.4

$ tune best -o args
error: `trade` has 3 best trials, none of which beats another
  = help: --objective loss takes the best by that one; tune best trade shows all
[2]

$ tune best --objective speed -o args
--x=0.4

$ tune best --objective loss
trade/0  0.1 loss   0.1 speed  <any>
  x  0.1

$ tune best --reference 1,2,
error: `--reference 1,2,` is not one number for each of loss,speed
  = help: such as --reference 1,100
[2]

$ tune best --objective loss -o env
TUNE_P_X=0.1

$ tune status
 trade  finished  5 trials
   complete 5
   best 3 trials, none of which beats another (tune best)
<any>

$ tune status -o json
{"experiment":"trade",<any>"front":[0,1,2],<any>}

$ tune ls -o csv | cut -d, -f1-7,10
experiment,state,trials,finished,failed,best,best_trial,front
trade,finished,5,5,0,,,3

$ tune ls | awk '{ print $NF }'
FRONT
3

$ tune show 1 | head -1
trade/1  complete  0.2 loss   0.2 speed  one of 3 best

$ tune show 3 -o json | grep -o '"best":.*"params"'
"best":false,"value":0.6,"values":{"loss":0.6,"speed":0.25},"params"

# Two targets are one trial's; a standing front ends it too.

$ tune sweep config.json --name there --set stop.target.loss=0.3 --set stop.target.speed=0.15 --require-target -q
tune: experiment=there end=finished trials=2 <any> front=2

$ tune sweep config.json --name nowhere --set stop.target.loss=0.1 --set stop.target.speed=0.4 --require-target -q
tune: experiment=nowhere <any> exit=7 front=3
[7]

$ tune sweep config.json --name still --set stop.plateau.trials=1 -q
tune: experiment=still end=finished trials=4 <any> front=3

$ tune sweep config.json --name wrong --set stop.target=0.3
error[E013]: with several objectives `target` says which it is for
  --> --set:1:1
   |
 1 | stop.target=0.3
   | ~~~~~~~~~~~~~~~
   = help: "target": {"loss": 0.3}
   = more: tune explain E013
[2]

# Replicates are no configurations of their own.

$ tune sweep config.json --name thrice --set replicates.count=2 -q
tune: experiment=thrice end=finished trials=10 <any> front=3

$ tune best thrice -q -o csv | tail -n +2 | wc -l
3
