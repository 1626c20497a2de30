# shellcheck shell=bash
# Steps about the callbacks, and what is left of them. Sourced by deploy/verify.sh after ask.sh.

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
