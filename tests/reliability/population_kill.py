#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""R16: population based training with one checkpoint kept a member, an exploit every few milliseconds, and kill -9 at random.

No restore may fail, nothing that is referred to may be missing, and space must come back: what lies on the disk at the end is
what the journal says is kept, no more.

    tests/reliability/population_kill.py --tune build/dev/tune --probe build/dev/tests/tune_probe --kills 50 [--seed 1] [--keep]

The control, --sabotage, deletes a checkpoint that a member will go on from; it must be noticed.
"""
import argparse, json, os, pathlib, random, shutil, signal, subprocess, sys, tempfile, time


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tune", required=True)
    p.add_argument("--probe", required=True)
    p.add_argument("--kills", type=int, default=5)
    p.add_argument("--population", type=int, default=16)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", action="store_true")
    p.add_argument("--sabotage", action="store_true")
    args = p.parse_args()
    tune, probe = os.path.abspath(args.tune), os.path.abspath(args.probe)
    dice = random.Random(args.seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tune-r16-"))
    store, config = folder / "s.db", folder / "population.json"
    config.write_text(json.dumps({
        "name": "population", "seed": args.seed, "command": [probe, "member"],
        "params": {"rate": {"type": "loguniform", "min": 0.001, "max": 1}},
        "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"},
        "scheduler": {"type": "pbt", "population": args.population, "interval": 5, "max_step": 100 + 40 * args.kills},
        "checkpoint": {"keep": 1, "keep_best": False},
        "executor": {"type": "process", "parallel": 4}}))
    env = dict(os.environ, PROBE_STEPS=str(100 + 40 * args.kills))

    def run(*command):
        return subprocess.run([tune, "--store", str(store), *command], env=env, stdin=subprocess.DEVNULL, text=True, capture_output=True)

    def fail(what, done=None):
        print(f"FAIL {what}\nseed {args.seed}, files in {folder}")
        if done is not None:
            print(done.stdout[-2000:], done.stderr[-2000:])
        sys.exit(1)

    def facts():
        done = run("export", "population", "--format", "journal")
        if done.returncode != 0:
            fail("export", done)
        return [json.loads(line) for line in done.stdout.splitlines()]

    checkpoints = folder / "s.db.d" / "checkpoints"
    kills, patience = 0, 1
    while kills < args.kills:
        with open(folder / "log", "ab") as log:
            sweep = subprocess.Popen([tune, "--store", str(store), "sweep", str(config)], env=env, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        time.sleep(patience * dice.uniform(0.1, 0.6))
        if sweep.poll() is not None:
            if sweep.returncode != 0:
                fail(f"tune ended with {sweep.returncode}")
            break
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        kills += 1
        if args.sabotage and kills == args.kills:
            saved = [one for one in checkpoints.glob("*") if not one.name.startswith(".")]
            if len(saved) < args.population // 2:  # A slow machine: nothing is there yet that could be missed.
                kills, patience = kills - 1, 2 * patience
                continue
            for one in saved:
                shutil.rmtree(one)
    done = run("sweep", str(config))
    if done.returncode != 0:
        fail(f"completion ended with {done.returncode}", done)

    done = run("fsck", "population", "--complete")
    if done.returncode != 0:
        fail("fsck", done)
    journal = facts()
    of = lambda kind: [f for f in journal if f["kind"] == kind]
    lost = of("CheckpointLost")
    broken = [f for f in of("Exited") if f.get("cause") in ("exit", "refused", "no_metric")]
    noticed = f"{len(lost)} checkpoints lost, {len(broken)} attempts that could not go on"
    if bool(lost or broken) != args.sabotage:
        fail(f"{noticed}: {(lost + broken)[:1] or 'checkpoints were deleted and nobody noticed'}")
    if args.sabotage:
        print(f"R16 control ok: {noticed}")
        shutil.rmtree(folder)
        return
    exploits, collected = of("Exploit"), sum(len(f["checkpoints"]) for f in of("Collected"))
    freed = sum(f.get("bytes", 0) for f in of("Collected"))
    if not exploits or freed <= 0:
        fail(f"{len(exploits)} exploits, {freed} bytes freed: this was no test")
    census = json.loads(run("gc", "--json").stdout)
    if census["missing"]:
        fail(f"referred to and not there: {census['missing'][:3]}")
    left = len(list(checkpoints.iterdir()))
    kept = sum(k["checkpoints"] for k in census["kept"])
    if left != kept or kept > args.population:
        fail(f"{left} checkpoints lie there, the journal keeps {kept} for {args.population} members")
    done = run("replay", "population", "--verify")
    if done.returncode != 0:
        fail("replay --verify", done)
    print(f"R16 ok: {kills} kills, {len(exploits)} exploits, {len(of('Checkpointed'))} checkpoints saved, {collected} collected "
          f"({freed} bytes), {kept} kept, {census['deleted']} half-made ones swept, 0 restores failed, every decision made again")
    if not args.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
