# Charts on the terminal and as SVG.

$ cat > config.json <<'END'
> {
>   "name": "drawn",
>   "command": ["awk", "-v", "x=${x}", "BEGIN { if (x > 9) exit 1; print \"::tune {\\\"step\\\": 1, \\\"loss\\\": \" x + 1 \"}\"; print \"::tune {\\\"step\\\": 2, \\\"loss\\\": \" x \"}\" }"],
>   "params": {"x": {"type": "grid", "values": [4, 1, 10, 2]}, "c": ["a<b"]},
>   "objective": {"metric": "loss", "goal": "minimize"},
>   "executor": {"parallel": 1}
> }
> END

$ tune plot
error: there is no store <any>
...
[4]

$ tune sweep config.json -q > out; tune plot --width 40 --height 10
 drawn: loss of each trial
 loss  • complete  ─ best so far
 4┤<any>
  │<any>
...
                  trial
 not shown: 1 failed

$ tune plot drawn --kind curves --top 2 --width 40 --height 8
 drawn: loss of the best 2 trials
 loss  ─ trial 3
...
                   step

$ tune plot --kind slice --out slice.svg && grep -c '<circle' slice.svg
wrote slice.svg
8

$ tune plot --kind parallel --out parallel.svg -q && grep -o 'a&lt;b\|<b' parallel.svg | sort | uniq -c | tr -s ' '
 1 a&lt;b

$ tune plot --kind parallel
error: parallel coordinates are too fine for a terminal
  = help: --out parallel.svg, or --kind slice
[2]

$ tune plot --kind slice --param y
error: `y` is no parameter that varies
  = help: these do: x, c
[2]

$ tune plot --kind curves --metric acc
error: no report has `acc`
  = help: they have loss
[2]

$ tune plot --kind pie; tune plot --out plot.png
error: `--kind` is history, curves, slice or parallel, not `pie`
error: `--out` is the name of an SVG file
  = help: --out plot.svg
[2]
