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

# One shell, so that each part sees what those before it have found. `shellcheck -x -a deploy/verify.sh` follows them.
# shellcheck source=deploy/verify/project.sh
source deploy/verify/project.sh
# shellcheck source=deploy/verify/steps.sh
source deploy/verify/steps.sh
# shellcheck source=deploy/verify/ask.sh
source deploy/verify/ask.sh
# shellcheck source=deploy/verify/packaging.sh
source deploy/verify/packaging.sh
# shellcheck source=deploy/verify/running.sh
source deploy/verify/running.sh

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
