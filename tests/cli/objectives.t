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
