# shellcheck shell=bash
# How a step runs and is shown, and how everything is taken down. Sourced by deploy/verify.sh after project.sh.

started=$SECONDS
fail() { echo "$1"; exit 1; }
# What a step found out, shown below its line.
note() { echo "$1" >>"$work/notes"; }

step() { # NAME FUNCTION
  local began=${EPOCHREALTIME//[.,]/} status=0 took
  : >"$work/notes"
  set +e
  (set -e; "$2") >"$work/log" 2>&1
  status=$?
  set -e
  took=$(((${EPOCHREALTIME//[.,]/} - began) / 100000))
  if ((status == 0)); then
    printf '✓ %-74s %5d.%d s\n' "$1" $((took / 10)) $((took % 10))
    sed 's/^/    /' "$work/notes"
    return
  fi
  printf '✗ %s (status %d)\n' "$1" "$status"
  tail -n 60 "$work/log" | sed 's/^/    /'
  echo "---- containers"
  docker ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}}: {{.Status}}'
  echo "---- their last words"
  compose logs --tail 25 2>&1 | tail -n 150 || true
  exit 1
}

take_down() { compose --profile verify down --volumes --remove-orphans --timeout 10; }
clean_up() {
  local status=$?
  if $keep && ((status == 0)); then
    echo "Left running (--keep). Remove it: docker ps -aq --filter label=com.docker.compose.project=$project | xargs docker rm -fv"
  else
    take_down >"$work/down" 2>&1 || cat "$work/down"
  fi
  if $remove_images; then
    for target in "${targets[@]}" simulator; do docker image rm "reelgate/$target:verify" >/dev/null 2>&1 || true; done
  fi
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Polls a condition, a second apart.
wait_for() { # SECONDS WHAT COMMAND...
  local deadline=$((SECONDS + $1))
  until "${@:3}"; do
    ((SECONDS < deadline)) || fail "not within $1 s: $2"
    sleep 1
  done
}

all_healthy() {
  local id states=""
  for id in $(containers); do
    states+=" $(docker inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$id")"
  done
  [[ $(wc -w <<<"$states") -eq 8 && ! $states =~ (starting|unhealthy|restarting) ]]
}
start() {
  compose up -d --no-build --scale worker=3 --scale ingress=2
  wait_for 180 "every container healthy" all_healthy
}
