# What a person meets first.

$ tune --version
tune <any>

$ tune
tune finds good settings for any program.
...
[2]

$ tune --help | head -5
tune finds good settings for any program.

usage: tune VERB …

  sweep      run an experiment to its end; the same command again resumes it

$ tune help best | grep -A3 examples
examples:
  ./prog $(tune best -o args)
  tune best digits --run

$ for verb in $(tune --help | awk '/^  [a-z]+ /{print $1}'); do
>   [ "$verb" = tune ] && continue
>   n=$(tune "$verb" --help | sed -n '/^examples:/,$p' | grep -c '^  ')
>   [ "$n" = 2 ] || echo "$verb has $n examples"
> done

$ tune swep
error: `swep` is no verb of tune
  = help: did you mean `tune sweep`?
[2]

$ tune trials --tpo 3
error: `tune trials` has no option `--tpo`
  = help: did you mean `--top`?
[2]

$ tune trials --top
error: <any>
  = help: tune trials --help
[2]

$ tune sweep
error: `tune sweep` takes one config file
  = help: tune sweep config.json; `tune init` writes one
[2]

$ tune sweep nowhere.json
error: cannot read `nowhere.json`: No such file or directory
  = help: tune init writes a config
[2]

$ tune completion bash | bash -n && echo fine
fine

$ tune --version >&-
error: cannot write the results: Bad file descriptor
[1]
