# Reading out: text and pages, to a file or to standard output.

$ cat > digits.json <<'JSON'
> {"command": ["sh", "-c", "echo \"</script><script>alert(1)</script>\"; echo \"::tune {\\\"loss\\\": $TUNE_P_X}\""],
>  "params": {"x": {"type": "ordinal", "values": [1, 2, 3]}}, "search": {"type": "grid"},
>  "objective": {"metric": "loss", "goal": "minimize"}, "env": {"API_TOKEN": "canary"},
>  "tags": ["</script><b>tag"], "stop": {"trials": 3}}
> JSON
$ tune sweep digits.json -q
tune: experiment=digits end=finished trials=3 complete=3 stopped=0 failed=0 infeasible=0 cancelled=0 best=1 trial=0 exit=0

# A page is a file of its own, with nothing of what users wrote in clear.

$ tune export digits --format html 2>&1 | sed 's/: .*B$/: SIZE/'
wrote digits.html: SIZE
$ grep -c 'alert(1)\|<b>tag\|canary' digits.html
0
[1]
$ python3 - <<'END_OF_PROGRAM'
> import base64, gzip, json, re
> page = open("digits.html").read()
> of = lambda kind: [gzip.decompress(base64.b64decode(t)) for t in re.findall(f'<script type="application/x-tune-{kind}">([^<]*)</script>', page)]
> contents, chapters = json.loads(of("contents")[0]), of("chapter")
> def answer(name):
>     chapter, begin, length = contents["answers"]["/api/v1/experiments/digits" + name]
>     return chapters[chapter][begin:begin + length]
> print(contents["experiments"])
> print(json.loads(answer(""))["best"], json.loads(answer(""))["tags"])
> print(json.loads(answer("/trials/2/log?attempt=1&stream=stdout"))["text"].splitlines()[0])
> print(b"canary" in b"".join(chapters), page.count("<script") == page.count("</script>"), sorted(contents["answers"])[-1])
> END_OF_PROGRAM
[{'name': 'digits', 'trials': 3, 'details': 3, 'logs': 3, 'every_event': True, 'best': [0, 1, 2]}]
{'trial': 0, 'value': 1, 'params': {'x': 1}} ['</script><b>tag']
</script><script>alert(1)</script>
False True /api/v1/server

# Whole or not at all: what stood there stays where the new one cannot be made.

$ echo before > kept.html
$ (ulimit -f 200; trap '' XFSZ; tune export digits --format html --out kept.html)
error: cannot write `kept.html`: File too large
[6]
$ cat kept.html; ls -A | grep -c kept
before
1
$ tune export digits --format html --out - | cmp -n 300 - digits.html
$ tune export digits --columns number,value --out digits.csv -q; cat digits.csv | tr -d '\r'
number,value
0,1
1,2
2,3

# What makes no sense together is said.

$ tune export digits --format html --where 'x > 1'
error: `--where` is for csv and ndjson: a page holds all trials
  = help: filter them in the page
[2]
$ tune export digits --details 3
error: `--details` is for html
  = help: --format html
[2]
$ tune export digits --format pdf
error: `--format` is csv, ndjson, journal, config or html, not `pdf`
[2]
$ tune export digitz --format html 2>&1 | sed "s:/.*/tune.db:tune.db:"; ls | grep -c digitz
error: tune.db has no experiment digitz
  = help: did you mean digits?
0
[1]
