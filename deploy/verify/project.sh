# shellcheck shell=bash
# The container engine, and a Compose project of its own on it: names, ports, secrets. Sourced by deploy/verify.sh.

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
for name in $(grep -ohE '[$][{][A-Z_]+' docker-compose.yml deploy/*.compose.yml | tr -cd 'A-Z_\n' | sort -u); do unset "$name"; done
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
