# The last trial gets the core of the one that has ended, and goes on from its checkpoint.

$ cat > train.sh <<'END'
> step=$(cat "$TUNE_CHECKPOINT/step" 2>/dev/null || echo 0)
> echo "$2 from $step on $1" >> starts
> # The first is over soon; the second goes on until it has grown.
> until { [ "$2" = 0 ] && [ "$step" -ge 3 ]; } || { [ "$2" = 1 ] && [ "$1" = 2 ]; }; do
>   step=$((step + 1))
>   printf '{"step":%d,"loss":%d,"sync":true}\n' "$step" "$2" >&"$TUNE_FD"
>   read -r answer <&"$TUNE_FD"
>   case $answer in
>     *'"pause"'*)
>       mkdir "$TUNE_CHECKPOINT_DIR/at"; echo "$step" > "$TUNE_CHECKPOINT_DIR/at/step"
>       printf '{"checkpoint":"at","step":%d}\n' "$step" >&"$TUNE_FD"; exit 0 ;;
>     *'"stop"'*) exit 0 ;;
>   esac
>   sleep 0.02
> done
> printf '{"step":%d,"loss":%d}\n' "$((step + 1))" "$2" >&"$TUNE_FD"
> END
$ cat > config.json <<'END'
> {
>   "name": "grows", "command": ["bash", "train.sh", "${resources.cpu}", "${x}"],
>   "params": {"x": {"type": "int", "min": 0, "max": 1}}, "objective": {"metric": "loss"},
>   "search": {"type": "grid"}, "checkpoint": {}, "executor": {"type": "process", "parallel": 2},
>   "scheduler": {"type": "fifo", "grow": {"max": {"cpu": 2}}}
> }
> END
$ tune sweep config.json -q
tune: experiment=grows end=finished trials=2 complete=2 <any> exit=0
$ sort starts
0 from 0 on 1
1 from 0 on 1
1 from <any> on 2
$ tune explain grows/1 | grep -A1 'gets 2'
<any>  gets 2 cpu
           because nothing new starts, and there is room: from 1 cpu to 2 cpu (fifo)
$ tune replay grows --verify
grows: <any> 0 mismatches
$ tune check config.json --set 'checkpoint=null' 2>&1 | head -1
error<any>
