#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""R1: kill -9 of a running tune at random moments, many times, then completion.

Nothing acknowledged may be lost, no trial duplicated or stuck, nothing may survive the kill, and the table of trials must be
that of an undisturbed experiment. The probe writes `trial attempt seq value` to a ledger only after its report was
acknowledged, so the ledger says what must be in the store.

    tests/reliability/kill_loop.py --tune build/dev/tune --probe build/dev/tests/tune_probe --kills 200 [--seed 1] [--keep]
"""
import argparse, json, os, pathlib, random, signal, subprocess, sys, tempfile, time


def config(folder, args, trials):
    path = folder / "probe.json"
    order = {"mode": "logical", "slots": 4} if args.order == "logical" else {"mode": "recorded"}
    path.write_text(json.dumps({
        "name": "probe", "seed": 7, "order": order,
        "command": [args.probe, "ledger", "--x=${x}"],
        "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
        "objective": {"metric": "loss", "goal": "minimize"},
        "search": {"type": args.search}, "scheduler": {"type": "asha", "mode": "stop", "max_step": 9},
        "executor": {"type": "process", "parallel": args.parallel}, "stop": {"trials": trials}}))
    return path


def run(args, *command, **kw):
    return subprocess.run([args.tune, *command], stdin=subprocess.DEVNULL, text=True, capture_output=True, **kw)


def table(args, store):
    """The trials as people see them, without what may differ between machines."""
    done = run(args, "--store", str(store), "export", "probe", "--format", "ndjson", check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    keep = ("number", "state", "value", "params", "last_step")
    return sorted(json.dumps({k: row.get(k) for k in keep}, sort_keys=True) for row in rows)


def survivors(mark):
    """Processes that carry our mark in their environment."""
    found = []
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            pass
    return found


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tune", required=True)
    p.add_argument("--probe", required=True)
    p.add_argument("--kills", type=int, default=20)
    p.add_argument("--trials", type=int, default=0, help="default: enough to outlast the kills")
    p.add_argument("--parallel", type=int, default=4)
    p.add_argument("--search", default="random")
    p.add_argument("--order", choices=("logical", "recorded"), default="logical", help="recorded: the tables are not compared")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--keep", action="store_true")
    args = p.parse_args()
    args.tune, args.probe = os.path.abspath(args.tune), os.path.abspath(args.probe)
    dice = random.Random(args.seed)
    trials = args.trials or max(60, 10 * args.kills)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tune-r1-"))
    path = config(folder, args, trials)
    mark = f"PROBE_MARK=r1-{os.getpid()}"
    env = dict(os.environ, PROBE_LEDGER=str(folder / "ledger"), PROBE_MARK=mark.split("=")[1], PROBE_STEP_SECONDS="0.005", PROBE_STEPS="20")
    store = folder / "s.db"
    (folder / "ledger").touch()  # The first kill may come before anything was acknowledged.

    def fail(what, done=None):
        print(f"FAIL {what}\nseed {args.seed}, files in {folder}")
        if done is not None:
            print(done.stdout[-2000:], done.stderr[-2000:])
        sys.exit(1)

    def fsck(*more):
        done = run(args, "--store", str(store), "fsck", "probe", "--ledger", str(folder / "ledger"), *more, timeout=60)
        # Killed before the experiment was made: then nothing can have been acknowledged.
        unborn = done.returncode == 4 and (folder / "ledger").stat().st_size == 0 and not more
        if done.returncode != 0 and not unborn:
            fail("fsck", done)

    kills, recoveries = 0, []
    while kills < args.kills:
        began = time.monotonic()
        with open(folder / "log", "ab") as log:
            sweep = subprocess.Popen([args.tune, "--store", str(store), "sweep", str(path)], env=env, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log, start_new_session=True)
        ledger = folder / "ledger"
        before = ledger.stat().st_size if ledger.exists() else 0
        until = began + dice.uniform(0.01, 0.4)
        while time.monotonic() < until:
            time.sleep(0.005)
            if len(recoveries) <= kills and ledger.exists() and ledger.stat().st_size > before:
                recoveries.append(time.monotonic() - began)
        if sweep.poll() is not None:
            if sweep.returncode != 0:
                fail(f"tune ended with {sweep.returncode}")
            break
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        kills += 1
        if store.exists():
            fsck()
    done = run(args, "--store", str(store), "sweep", str(path), env=env)
    if done.returncode != 0:
        fail(f"completion ended with {done.returncode}", done)
    fsck("--complete")
    left = survivors(mark)
    if left:
        fail(f"processes survived: {left}")

    calm = folder / "calm.db"
    env["PROBE_LEDGER"] = str(folder / "calm-ledger")
    done = run(args, "--store", str(calm), "sweep", str(path), env=env)
    if done.returncode != 0:
        fail("the undisturbed experiment failed", done)
    disturbed, undisturbed = table(args, store), table(args, calm)
    if args.order == "logical" and disturbed != undisturbed:
        for a, b in zip(disturbed, undisturbed):
            if a != b:
                print("disturbed  ", a, "\nundisturbed", b)
        fail(f"{len(disturbed)} trials, undisturbed {len(undisturbed)}: the tables differ")
    verified = run(args, "--store", str(store), "replay", "probe", "--verify")
    if verified.returncode != 0:
        fail("replay --verify", verified)
    acknowledged = sum(1 for _ in open(folder / "ledger"))
    recoveries.sort()
    p99 = recoveries[min(len(recoveries) - 1, int(len(recoveries) * 0.99))] if recoveries else float("nan")
    print(f"R1 ok: {kills} kills, {trials} trials, {acknowledged} acknowledged reports kept, "
          f"{'same table as undisturbed, ' if args.order == 'logical' else ''}every decision made again, first report again after {p99:.2f} s (p99)")
    if not args.keep:
        subprocess.run(["rm", "-rf", str(folder)])


if __name__ == "__main__":
    main()
