# Whatever names, values and logs hold, nothing but our own text reaches a terminal.

$ python3 - <<'END'
> import json
> poison = "\x1b[31mred\x07\u202eevil\nnext\r\u009b2J"
> config = {
>     "name": "poison",
>     "command": ["python3", "trial.py", "${x}"],
>     "params": {"x": {"type": "choice", "values": [poison, "=1+1"]}},
>     "objective": {"metric": "loss", "goal": "minimize"},
>     "executor": {"type": "process", "parallel": 1},
>     "stop": {"trials": 2},
> }
> json.dump(config, open("config.json", "w"))
> open("trial.py", "w").write('''import sys, json
> print("::tune " + json.dumps({"loss": len(sys.argv[1]), "m" + sys.argv[1]: 1}))
> print(sys.argv[1]); print(sys.argv[1], file=sys.stderr)
> sys.exit(3 if sys.argv[1].startswith("=") else 0)
> ''')
> END

$ python3 $TESTS/on_terminal.py tune sweep config.json > shown; tune tag poison $'\x1b[5mtag' -q; tune note poison/0 $'a\x1b[2Jb\nc' -q

$ for command in "ls" "status" "trials" "show 0" "show 1" "best" "best -o args" "best -o env" "best -o json" "trials --json" "trials -o csv" "export" "export --format journal" "diff 0 1" "logs 0" "logs --failed" "explain 0" "explain 1"; do
>   python3 $TESTS/on_terminal.py --color never tune $command >> shown
> done

$ python3 - <<'END'
> import re
> text = open("shown", "rb").read().decode()
> ours = re.sub(r"\x1b\[(\d*[AJm]|\?25[lh])|\r(?=\n)|\r(?=\x1b\[)", "", text)
> print("foreign:", sorted({hex(ord(c)) for c in ours if (ord(c) < 32 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2066"}))
> print("red" in text, "evil" in text)
> END
foreign: []
True True

$ tune export --columns x | grep -c "'=1+1"
1
