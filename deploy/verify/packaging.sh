# shellcheck shell=bash
# Steps about the packaging: images, settings, closed containers. Sourced by deploy/verify.sh after ask.sh.

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
    for port in 0.0.0.0:8080:8080 127.0.0.1:3000:3000; do grep -qF "$port" "$work/config" || fail "other defaults"; done
  fi
}
