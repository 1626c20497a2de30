#!/usr/bin/env bash
# Proves the production packaging on a real container engine; see --help.
set -euo pipefail
((BASH_VERSINFO[0] >= 5)) || { echo "deploy/verify.sh needs bash 5, this is $BASH_VERSION" >&2; exit 2; }
cd "${BASH_SOURCE[0]%/*}/.."

usage() {
  cat <<'HELP'
Usage: deploy/verify.sh [options]

Builds the production images and runs docker-compose.yml with them as an operator would: 3 workers, 2 ingresses, Redis
and Postgres. Sends mixed callbacks with real media files; kills a worker, every ingress, Redis and Postgres meanwhile; and checks that
every callback ended as it must, that the images and containers are as small and closed as they should be, and that
everything is there again after `down` and `up`. It has a project of its own (reelgate-verify), whose containers,
networks and volumes it removes at the end, and touches nothing else. Needs docker with Compose v2 or docker-compose
1.29, and bash 5; about 5 minutes.

  --count N          callbacks to send (500)
  --keep             leave the containers running
  --remove-images    remove the images as well; otherwise they stay, and the next run builds faster
  --require-engine   exit with 3 where there is no container engine; otherwise that is 0 with the line "SKIPPED: ..."
  --help

Environment: BUILD_NETWORK=host where only the host's network reaches the package registry; VERIFY_NETWORK (10.231.77),
the first three numbers of a free /24. Ports of this machine are taken where some are free.

Exit codes: 0 everything held, or skipped; 1 something did not, its logs are shown; 2 wrong arguments; 3 no engine.
HELP
}

count=500 keep=false remove_images=false require_engine=false
while (($#)); do
  case $1 in
    --count) count=${2:-}; [[ $count =~ ^[1-9][0-9]{1,5}$ ]] || { echo "--count needs a number from 10" >&2; exit 2; }; shift ;;
    --keep) keep=true ;;
    --remove-images) remove_images=true ;;
    --require-engine) require_engine=true ;;
    -h | --help) usage; exit 0 ;;
    *) echo "unknown option $1 (--help shows all)" >&2; exit 2 ;;
  esac
  shift
done

# ---- the engine ------------------------------------------------------------------------------------------------------

skip() {
  echo "SKIPPED: $1"
  if $require_engine; then exit 3; else exit 0; fi
}
command -v docker >/dev/null || skip "no container engine: docker is not installed"
docker info >/dev/null 2>&1 || skip "no container engine: the Docker daemon does not answer"
if docker compose version >/dev/null 2>&1; then
  compose_command=(docker compose)
elif command -v docker-compose >/dev/null; then
  compose_command=(docker-compose)
else
  skip "neither docker compose nor docker-compose is installed"
fi

# ---- a project of its own --------------------------------------------------------------------------------------------

readonly project=reelgate-verify
readonly targets=(ingress worker dashboard reelgate)
build_network=${BUILD_NETWORK:-default}
# Outside of the blocks out of which Docker takes addresses for networks that name none.
network=${VERIFY_NETWORK:-10.231.77}
# Four ports for the ingress and one for the dashboard: the engine looks for free ones among its own alone.
ports_are_free() {
  local port
  for port in $(seq "$1" $(($1 + 4))); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return 1; fi
  done
}
first_port=28080
until ports_are_free "$first_port"; do first_port=$((first_port + 10)); done
dashboard_port=$((first_port + 4))
work=$(mktemp -d)

# The shell's variables go before those of the file, and an operator's own must not decide here.
for name in $(grep -oh '\${[A-Z_]*' docker-compose.yml deploy/*.compose.yml | tr -d '${' | sort -u); do unset "$name"; done
unset COMPOSE_FILE COMPOSE_PROFILES COMPOSE_PROJECT_NAME COMPOSE_ENV_FILES
export COMPOSE_INTERACTIVE_NO_CLI=1

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
cat >"$work/env" <<ENV
REELGATE_VERSION=verify
BUILD_NETWORK=$build_network
CALLBACK_KEYS=$(random 16)
DASHBOARD_PASSWORD=$(random 12)
POSTGRES_PASSWORD=$(random 12)
REDIS_PASSWORD=$(random 12)
INGRESS_BIND=127.0.0.1
INGRESS_PORTS=$first_port-$((first_port + 3))
DASHBOARD_PORT=$dashboard_port
VERIFY_SUBNET=$network.0/24
VERIFY_ORIGIN=$network.250
ENV
chmod 600 "$work/env"

compose_with() { # ENV-FILE ARGUMENTS...
  "${compose_command[@]}" -p "$project" --env-file "$1" -f docker-compose.yml -f deploy/verify.compose.yml "${@:2}"
}
compose() { compose_with "$work/env" "$@"; }
containers() { docker ps -q --filter "label=com.docker.compose.project=$project" ${1:+--filter "label=com.docker.compose.service=$1"}; }
service_of() { docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$1"; }

# ---- steps -----------------------------------------------------------------------------------------------------------

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

a_missing_secret_stops_up() {
  local name output
  for name in CALLBACK_KEYS DASHBOARD_PASSWORD POSTGRES_PASSWORD REDIS_PASSWORD; do
    sed "s/^$name=.*/$name=/" "$work/env" >"$work/lacking"
    if output=$(compose_with "$work/lacking" up -d --no-build 2>&1); then fail "up without $name went on: $output"; fi
    grep -q "$name is not set. Copy .env.example to .env" <<<"$output" || fail "up without $name says: $output"
  done
  [[ -z $(containers) ]] || fail "something was started"
  note "$(grep -o "$name is not set[^}]*" <<<"$output" | tail -n 1)"
}

images_are_built() {
  # One after the other: the first one makes the layers that the others share.
  local target
  for target in ingress worker dashboard migrate simulator; do compose --profile verify build "$target"; done
}

images_are_small_and_closed() {
  local target size base own layers first=""
  base=$(docker image inspect -f '{{.Size}}' "$(sed -n 's/^FROM \(node:[^ ]*\).*/\1/p' deploy/Dockerfile)")
  for target in "${targets[@]}"; do
    [[ $(docker image inspect -f '{{.Config.User}}' "reelgate/$target:verify") == 1000:1000 ]] || fail "$target: root"
    layers=$(docker image inspect -f '{{json .RootFS.Layers}}' "reelgate/$target:verify")
    [[ $layers == "${first:=$layers}" ]] || fail "$target: other layers than ${targets[0]}"
  done
  size=$(docker image inspect -f '{{.Size}}' reelgate/worker:verify)
  own=$((size - base))
  note "$((size / 1000000)) MB, of which $((own / 1000000)) MB are Reelgate with its dependencies and the rest its base; one set of layers for ${targets[*]}"
  ((own < 100000000)) || fail "the image adds $own bytes to its base, more than 100 MB"
  # The published base has less than 250 MB. A larger one is a stand-in, whose size says nothing.
  if ((base < 250000000)); then
    ((size < 350000000)) || fail "the image has $size bytes, more than 350 MB"
  else
    note "the base of this machine has $((base / 1000000)) MB and is not the published one: only what is added was held against its limit (100 MB)"
  fi
  docker run --rm -i --network none --read-only --entrypoint node reelgate/worker:verify --input-type=module - <deploy/verify/inspect-image.mjs
  note "no development dependency, compiler, package manager, source or test in it, and no dependency twice"
}

an_unusable_password_is_refused() {
  local service status
  for service in redis postgres; do
    sed -E "s/^((REDIS|POSTGRES)_PASSWORD)=.*/\1=a\/b/" "$work/env" >"$work/unusable"
    status=0
    compose_with "$work/unusable" run --rm --no-deps -T "$service" || status=$?
    # Not by its message: Compose may attach to the container after it has ended.
    ((status == 64)) || fail "$service ended with $status instead of 64"
  done
}

everything_starts() {
  start
  note "$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Label "com.docker.compose.service"}}' | sort | uniq -c | awk '{printf "%s %s, ", $1, $2}' | sed 's/, $//')"
  note "$(compose logs --no-color migrate 2>&1 | grep -v Attaching | sed 's/^[^|]*| *//' | tail -n 1)"
}

containers_are_closed() {
  local id service
  for id in $(containers); do
    service=$(service_of "$id")
    [[ $(docker inspect -f '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}}' "$id") \
      == "true [ALL] [no-new-privileges:true] false" ]] || fail "$service is not closed"
    (($(docker inspect -f '{{.HostConfig.Memory}}' "$id") > 0)) || fail "$service has no memory limit"
    # Every process, the reaper of Docker among them.
    docker exec "$id" sh -c 'cat /proc/[0-9]*/status 2>/dev/null | grep ^Uid:' | sort -u >"$work/uids"
    if grep -qw 0 "$work/uids" || [[ ! -s $work/uids ]]; then fail "$service has a process of root: $(cat "$work/uids")"; fi
    if docker exec "$id" sh -c 'echo >/probe || echo >/usr/probe || echo >/app/probe' 2>/dev/null; then fail "$service can write to its root"; fi
    docker exec "$id" sh -c 'echo >/tmp/probe && rm /tmp/probe' || fail "$service has no /tmp"
  done
  for id in $(containers ingress); do docker exec "$id" sh -c 'cd /var/lib/reelgate/spool && echo >probe && rm probe'; done
  for id in $(containers worker); do
    docker exec "$id" sh -c 'cd /var/lib/reelgate/recordings && echo >probe && rm probe && cd ../work && echo >probe && rm probe'
  done
  if docker exec "$(containers dashboard)" sh -c 'echo >/var/lib/reelgate/recordings/probe' 2>/dev/null; then
    fail "the dashboard can write to the stored copies"
  fi
  note "$(containers | wc -l) containers: no process of root, root file systems read-only, no capability, volumes writable by their owners alone"
}

http_status() { # PORT PATH [BODY-OF-A-POST]
  local line method=GET
  if [[ -n ${3:-} ]]; then method=POST; fi
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$method" "$2" "$(wc -c <<<"${3:-}" | awk '{print $1 - 1}')" "${3:-}" >&3
  IFS=' ' read -r -t 10 _ line _ <&3
  exec 3<&- 3>&-
  echo "$line"
}

only_the_intended_ports_are_published() {
  local id service published port
  for id in $(containers); do
    service=$(service_of "$id")
    published=$(docker inspect -f '{{range $inside, $outside := .NetworkSettings.Ports}}{{range $outside}}{{.HostIp}}:{{.HostPort}}>{{$inside}} {{end}}{{end}}' "$id")
    case $service in
      ingress)
        [[ $published =~ ^127\.0\.0\.1:([0-9]+)\>8080/tcp\ $ ]] || fail "ingress publishes: $published"
        port=${BASH_REMATCH[1]}
        [[ $(http_status "$port" /readyz) == 200 ]] || fail "the ingress is not ready at port $port"
        [[ $(http_status "$port" /metrics) == 404 ]] || fail "the ingress shows metrics at port $port"
        ;;
      dashboard)
        [[ $published == "127.0.0.1:$dashboard_port>3000/tcp " ]] || fail "dashboard publishes: $published"
        [[ $(http_status "$dashboard_port" /api/stats) == 401 ]] || fail "the dashboard asks for no password"
        ;;
      *) [[ -z $published ]] || fail "$service publishes: $published" ;;
    esac
    note "${service}: ${published:-none}"
  done
  sort -o "$work/notes" "$work/notes"
  # Without the override of this script, the ingress is for everybody and the dashboard for this machine.
  grep -v '^INGRESS_\|^DASHBOARD_PORT' "$work/env" >"$work/plain"
  "${compose_command[@]}" -p "$project" --env-file "$work/plain" -f docker-compose.yml config >"$work/config"
  if ((${#compose_command[@]} == 1)); then
    grep -q '0.0.0.0:8080:8080' "$work/config" && grep -q '127.0.0.1:3000:3000' "$work/config" || fail "other defaults"
  fi
}

in_dashboard() { docker exec -i "$(containers dashboard)" node --input-type=module - "$@" <deploy/verify/catalogue.mjs; }

# `docker kill` would count as the operator's wish and start nothing again: the process dies from inside.
kill_app() {
  docker exec "$1" sh -c 'for p in /proc/[0-9]*; do
    if [ $p != /proc/1 ] && grep -qa "dist/mai[n].js" $p/cmdline; then kill -KILL ${p#/proc/}; fi
  done'
}
kill_and_start() { # SERVICE [CONDITION THAT MUST HOLD BEFORE IT IS STARTED AGAIN]
  local id
  id=$(containers "$1")
  docker kill -s KILL "$id" >/dev/null
  if [[ -n ${2:-} ]]; then wait_for 60 "$2" "$2"; fi
  docker start "$id" >/dev/null
}

metric_of() { # CONTAINER OPS-PORT NAME [LABEL]: the sum of its series, or of those with a label
  docker exec "$1" node -e '
    const [port, name, label] = process.argv.slice(1);
    fetch(`http://127.0.0.1:${port}/metrics`).then((r) => r.text()).then((text) => {
      const found = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .filter((line) => line.includes(label));
      console.log(found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0));
    })' "$2" "$3" "${4:-}"
}
sum_over_ingresses() { # NAME [LABEL]
  local id sum=0
  for id in $(containers ingress); do sum=$((sum + $(metric_of "$id" 9091 "$@"))); done
  echo "$sum"
}
the_spool_is_used() { (($(sum_over_ingresses reelgate_ingress_spooled_total) > 0)); }
the_spools_are_empty() { (($(sum_over_ingresses reelgate_ingress_spool_callbacks) == 0)); }

every_callback_ends_as_it_must() {
  local id ingress simulating settled=0 spooled refused at status=0
  id=$(containers worker | head -n 1)
  mkfifo "$work/settled"
  in_dashboard watch $((count / 2)) >"$work/settled" &
  exec 4<"$work/settled"
  compose --profile verify run --rm -T --no-deps simulator --url http://ingress:8080/callbacks/css --api http://dashboard:3000 \
    --count "$count" --rate 10 --scenario mixed --with-origin --origin-host "$network.250" --origin-port 8090 \
    --retry-interval 2 --retries 60 --verify --verify-timeout 300 >"$work/simulated" 2>&1 &
  simulating=$!
  for at in "$((count / 20)) worker" "$((count / 5)) redis" "$((count / 3)) ingress" "$((count / 2)) postgres"; do
    while ((settled < ${at% *})); do
      read -r -t 120 settled <&4 || fail "callbacks stopped arriving after $settled: $(cat "$work/simulated")"
    done
    case ${at#* } in
      worker) kill_app "$id"; note "a worker was killed when $settled callbacks had been settled" ;;
      ingress)
        for ingress in $(containers ingress); do kill_app "$ingress"; done
        note "every ingress was killed when $settled had been"
        ;;
      redis)
        kill_and_start redis the_spool_is_used
        # What an ingress counted is gone with it, so this is asked before they are killed.
        spooled=$(sum_over_ingresses reelgate_ingress_spooled_total)
        refused=$(sum_over_ingresses reelgate_ingress_answers_total 'answer="queue_unavailable"')
        ((refused == 0)) || fail "$refused callbacks were refused while Redis was away, instead of spooled"
        note "redis was killed when $settled had been; until it was back $spooled callbacks were accepted into the spool, none refused"
        ;;
      *) kill_and_start "${at#* }"; note "${at#* } was killed when $settled had been" ;;
    esac
  done
  wait "$simulating" || status=$?
  exec 4<&-
  cat "$work/simulated"
  ((status == 0)) || fail "the simulator ended with $status"
  grep -q "no deviation" "$work/simulated" || fail "the simulator says nothing of deviations"
  grep -qE '[1-9][0-9]* retries' "$work/simulated" || fail "nothing was repeated: the ingresses were killed after the sending"
  for id in "$id" $(containers ingress); do
    (($(docker inspect -f '{{.RestartCount}}' "$id") >= 1)) || fail "the killed $(service_of "$id") was not started again"
  done
  tr '\r' '\n' <"$work/simulated" | grep -E 'Scenario|Sent |^  ' >>"$work/notes"
  wait_for 120 "every container healthy again" all_healthy
  # The spool of an ingress that was killed is taken over within two minutes.
  wait_for 180 "the spools empty" the_spools_are_empty
}

every_replica_works() {
  local id total
  for id in $(containers ingress); do
    total=$(metric_of "$id" 9091 reelgate_ingress_answers_total)
    # Who gets how many is up to the connections of the sender: that each works is seen by asking each.
    [[ $(http_status "$(docker port "$id" 8080 | head -n 1 | sed 's/.*://')" /callbacks/css '{}') == 400 ]] || fail "an ingress does not take callbacks"
    note "an ingress answered $total callbacks since it started"
  done
  for id in $(containers worker); do
    total=$(metric_of "$id" 9092 reelgate_callbacks_settled_total)
    ((total > 0)) || fail "a worker settled nothing"
    note "a worker settled $total callbacks since it started"
  done
}

the_audit_finds_nothing_wrong() {
  # It exits with 1 if it does. The command line is a service of the compose file too.
  compose --profile tools run --rm -T --no-deps reelgate audit >"$work/audit" || { cat "$work/audit"; return 1; }
  sed '/^$/d' "$work/audit" | tail -n 3 >>"$work/notes"
}

logs_hold_no_secret() {
  local name secret
  compose logs --no-color >"$work/logs" 2>&1
  (($(wc -l <"$work/logs") > 20)) || fail "hardly any log"
  for name in CALLBACK_KEYS DASHBOARD_PASSWORD POSTGRES_PASSWORD REDIS_PASSWORD; do
    secret=$(sed -n "s/^$name=//p" "$work/env")
    if grep -qF "$secret" "$work/logs"; then fail "the value of $name is in the logs"; fi
    if docker ps -q --filter "label=com.docker.compose.project=$project" | xargs -n 1 docker top | grep -qF "$secret"; then
      fail "the value of $name is in a command line"
    fi
  done
  note "$(wc -l <"$work/logs") lines of logs"
}

apps_stop_gracefully() {
  local ids id state
  ids="$(containers ingress) $(containers worker) $(containers dashboard)"
  compose stop ingress worker dashboard
  for id in $ids; do
    state=$(docker inspect -f '{{.State.ExitCode}} {{.State.OOMKilled}}' "$id")
    [[ $state == "0 false" ]] || fail "$(service_of "$id") ended with $state"
  done
  note "$(wc -w <<<"$ids") apps ended with 0"
}

everything_is_found_again() {
  local before after
  before=$(cat "$work/snapshot")
  compose down --timeout 60
  [[ -z $(docker ps -aq --filter "label=com.docker.compose.project=$project") ]] || fail "down left containers"
  start
  after=$(in_dashboard snapshot)
  [[ $after == "$before" ]] || fail "before: $before; after: $after"
  note "$after"
}
take_snapshot() { in_dashboard snapshot >"$work/snapshot"; }

echo "Engine $(docker version -f '{{.Server.Version}}'), $("${compose_command[@]}" version 2>/dev/null | head -n 1), $(nproc) cores"
take_down >/dev/null 2>&1 || true
step "a missing secret stops up, and says what to do" a_missing_secret_stops_up
step "the images are built" images_are_built
step "the images are small and closed" images_are_small_and_closed
step "a password that breaks URLs is refused" an_unusable_password_is_refused
step "3 workers, 2 ingresses and the rest start and are healthy" everything_starts
step "the containers are closed" containers_are_closed
step "only the intended ports are published" only_the_intended_ports_are_published
step "$count callbacks end as they must, with servers and apps killed meanwhile" every_callback_ends_as_it_must
step "every replica works" every_replica_works
step "reelgate audit finds nothing wrong" the_audit_finds_nothing_wrong
step "no secret is in the logs or in command lines" logs_hold_no_secret
step "the catalogue is noted" take_snapshot
step "the apps stop gracefully" apps_stop_gracefully
step "down and up: everything is found again" everything_is_found_again
echo "Verified in $((SECONDS - started)) s."
