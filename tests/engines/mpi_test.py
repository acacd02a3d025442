#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The MPI example over two nodes of a real Slurm on this machine. usage: mpi_test.py EXAMPLES. Exit 77 where Slurm or MPI is missing."""
import os
import subprocess
import sys
import tempfile

import slurm_cluster

program = os.path.join(os.path.abspath(sys.argv[1]), "mpi", "relaxation")
if slurm_cluster.missing():
    print(f"SKIP: MPI under Slurm: there is no Slurm (Debian packages {slurm_cluster.missing()})")
    sys.exit(77)
if not os.path.exists(program):
    print("SKIP: MPI under Slurm: there was no MPI when this was built (Debian packages openmpi-bin, libopenmpi-dev)")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder, slurm_cluster.Cluster(folder, nodes=2, cpus=2) as cluster:
    # Both nodes are this machine, where the shared memory of Open MPI's ranks would have the same names for both. And it is busy.
    environment = {**cluster.environment, "OMPI_MCA_btl": "self,tcp", "OMPI_MCA_btl_tcp_if_include": "lo", "OMPI_MCA_mpi_yield_when_idle": "1"}
    done = subprocess.run(["srun", "--mpi=pmix", "--nodes=2", "--ntasks=2", program, "1.9"], env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    print(done.stdout, done.stderr)
    if done.returncode != 0 or done.stdout != '::tune {"sweeps": 214, "ranks": 2}\n':
        sys.exit(f"FAILED: exit code {done.returncode}")
