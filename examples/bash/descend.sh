#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gradient descent with momentum on f(x, y) = (x^2 + 25 y^2) / 2, one step of awk at a time.
# Reports go to the descriptor $TUNE_FD; "sync" asks for one answer, which says whether to go on. By hand:
#   TUNE_P_RATE=0.05 TUNE_P_MOMENTUM=0.8 bash descend.sh
state="5 3 0 0"  # x, y and their speeds
for step in {1..27}; do
  state=$(awk -v rate="$TUNE_P_RATE" -v momentum="$TUNE_P_MOMENTUM" '{
    vx = momentum * $3 - rate * $1
    vy = momentum * $4 - rate * 25 * $2
    print $1 + vx, $2 + vy, vx, vy
  }' <<<"$state")
  loss=$(awk '{ print ($1 * $1 + 25 * $2 * $2) / 2 }' <<<"$state")
  if [[ -z ${TUNE_FD-} ]]; then  # Not under tune.
    echo "$step $loss"
    continue
  fi
  printf '{"step":%d,"loss":%s,"sync":true}\n' "$step" "$loss" >&"$TUNE_FD"
  read -r answer <&"$TUNE_FD"
  if [[ $answer == *'"stop"'* ]]; then exit 0; fi
done
